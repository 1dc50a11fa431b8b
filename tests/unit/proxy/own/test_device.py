"""What a browser's own store is told by a running Tropa, as a browser asks."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from proxy.account.sqlite import FILE_NAME, SqliteState
from proxy.clock import OffsetClock
from proxy.own.device import KEPT_MARK, store_id
from proxy.own.own_workers import BY_POLICY, OWN_WORKER, seen
from tests.serving import NIGHT, NOON, Served, served

LESSON = "<!DOCTYPE html><html><head><title>Урок</title></head><body><p>Текст.</p></body></html>"
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
HERS = {**BROWSER, "Cookie": "MoodleSession=hers"}
SCRIPT = {"Sec-Fetch-Dest": "serviceworker", "Service-Worker": "script", "Cookie": "MoodleSession=hers"}
ON = "own_store: on"


async def lesson(request: web.Request) -> web.Response:
    if request.path.endswith(".pdf"):
        return web.Response(body=b"%PDF-1.4", content_type="application/pdf")
    policy = {"Content-Security-Policy": "worker-src 'none'"} if "strict" in request.query_string else {}
    return web.Response(text=LESSON, content_type="text/html", headers=policy)


async def body(there: Served, path: str, **headers: str) -> str:
    return (await there.get(path, headers={**HERS, **headers})).body.decode()


async def test_a_page_is_told_whose_it_is_and_marked_for_keeping(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        reply = await there.get("/mod/page/view.php?id=1", headers=HERS)
    text = reply.body.decode()
    assert text.count('id="tropa-page"') == 1
    mark = reply.headers[KEPT_MARK]
    assert f'data-who="{mark}"' in text and 'data-worker="/.tropa/store/worker.js?l=ru"' in text
    assert 'data-person="data-userid"' in text and "data-answers" not in text


async def test_two_learners_have_two_stores_and_one_login_has_one(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        marks = [
            (await there.get(path, headers={**BROWSER, "Cookie": f"MoodleSession={who}"})).headers[KEPT_MARK]
            for path, who in (("/my/", "hers"), ("/course/view.php", "hers"), ("/my/", "his"))
        ]
    assert marks[0] == marks[1] != marks[2]


async def test_a_page_of_answers_gets_the_script_and_nothing_else_is_changed(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        reply = await there.get("/mod/quiz/attempt.php?attempt=1", headers=HERS)
    text = reply.body.decode()
    start, end = text.index("<script"), text.index("</script>") + len("</script>")
    assert text[:start] + text[end:] == LESSON
    assert 'data-answers="1"' in text[start:end]
    assert KEPT_MARK not in reply.headers, "answers are never kept"


@pytest.mark.parametrize(
    "path", ["/login/index.php", "/user/edit.php", "/enrol/index.php", "/payment/pay.php", "/own/x"]
)
async def test_logins_accounts_and_payments_are_neither_kept_nor_scripted(tmp_path: Path, path: str) -> None:
    keys = "own_store: {never: [/own/]}"
    async with served(tmp_path, lesson, origin_keys=keys) as there:
        reply = await there.get(path, headers=HERS)
    assert KEPT_MARK not in reply.headers
    assert b"data-keep" not in reply.body


async def test_a_document_that_was_opened_may_be_kept(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        reply = await there.get("/pluginfile.php/7/mod_resource/plan.pdf", headers=HERS)
        part = {**HERS, "Sec-Fetch-Dest": "image"}
        picture = await there.get("/pluginfile.php/7/mod_resource/plan.pdf", headers=part)
    assert reply.headers[KEPT_MARK]
    assert KEPT_MARK not in picture.headers


async def test_where_it_is_not_switched_on_nothing_is_there(tmp_path: Path) -> None:
    async with served(tmp_path, lesson) as there:
        reply = await there.get("/mod/page/view.php?id=1", headers=HERS)
        worker = await there.get("/.tropa/store/worker.js", headers=SCRIPT)
    assert KEPT_MARK not in reply.headers and b"data-keep" not in reply.body
    assert b"unregister" in worker.body and b"respondWith" not in worker.body


@pytest.mark.parametrize("keys", ["own_store: off", "own_store: {enabled: off, max: 20 MB}"])
async def test_the_switch_takes_the_worker_away(tmp_path: Path, keys: str) -> None:
    async with served(tmp_path, lesson, origin_keys=keys) as there:
        worker = await there.get("/.tropa/store/worker.js?l=ru", headers=SCRIPT)
        hours = json.loads(await body(there, "/.tropa/store/hours.json"))
    assert b"unregister" in worker.body and worker.headers["Service-Worker-Allowed"] == "/"
    assert hours["on"] is False


async def test_the_worker_may_have_the_whole_site_and_is_looked_at_anew_each_time(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        worker = await there.get("/.tropa/store/worker.js?l=en", headers=SCRIPT)
        again = {**SCRIPT, "If-None-Match": worker.headers["ETag"]}
        same = await there.get("/.tropa/store/worker.js?l=en", headers=again)
    assert worker.headers["Service-Worker-Allowed"] == "/"
    assert worker.headers["Content-Type"].startswith("text/javascript")
    assert "no-cache" in worker.headers["Cache-Control"] and same.status == 304
    assert len(worker.body) <= 10_000


async def test_the_scripts_beside_it_may_be_kept_for_good(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        for name in ("keep-ru.js", "shelf-en.js", "drafts-ru.js", "store-en.js"):
            reply = await there.get(f"/.tropa/store/{name}", headers=SCRIPT)
            assert reply.status == 200 and "immutable" in reply.headers["Cache-Control"], name
        for name in ("keep-de.js", "keep.js", "other-ru.js", "keep-ru", "../tropa.css"):
            assert (await there.get(f"/.tropa/store/{name}", headers=SCRIPT)).status == 404, name


async def test_a_page_whose_policy_keeps_workers_out_is_left_as_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        reply = await there.get("/mod/page/view.php?strict", headers=HERS)
    assert b"data-keep" not in reply.body
    state = SqliteState(there.state_dir / FILE_NAME, read_only=True)
    await state.start()
    told = await seen(state, NOON)
    await state.close()
    assert told == {OWN_WORKER: frozenset(), BY_POLICY: frozenset({"course"})}, "and IT staff can be told so"


async def test_an_origin_with_a_worker_of_its_own_keeps_it_and_ours_goes(tmp_path: Path) -> None:
    clock = OffsetClock(NOON)
    async with served(tmp_path, lesson, origin_keys=ON, clock=clock) as there:
        assert b"data-keep" in (await there.get("/my/", headers=HERS)).body
        await there.get("/sw.js", headers=SCRIPT)
        assert b"data-keep" not in (await there.get("/my/", headers=HERS)).body
        worker = await there.get("/.tropa/store/worker.js", headers=SCRIPT)
        assert b"unregister" in worker.body
    async with served(tmp_path, lesson, origin_keys=ON, now=NOON + timedelta(days=1)) as there:
        assert b"data-keep" not in (await there.get("/my/", headers=HERS)).body, "over a restart, too"


async def test_the_free_hours_are_told_in_seconds_from_now(tmp_path: Path) -> None:
    async with served(tmp_path, lesson, origin_keys=ON, now=NOON) as there:
        paid = json.loads(await body(there, "/.tropa/store/hours.json"))
    assert paid["free"] is False and paid["on"] is True
    assert abs(paid["opens_in_s"] - 8 * 3600) < 30, "15:00 in Moscow, free from 23:00"
    async with served(tmp_path, lesson, origin_keys=ON, now=NIGHT) as there:
        free = json.loads(await body(there, "/.tropa/store/hours.json"))
    assert free["free"] is True and abs(free["closes_in_s"] - 6 * 3600) < 30


@pytest.mark.parametrize(("language", "heading"), [("ru", "Нет связи"), ("en", "No link")])
async def test_the_page_without_a_link_speaks_the_language_that_it_is_asked_in(
    tmp_path: Path, language: str, heading: str
) -> None:
    async with served(tmp_path, lesson, origin_keys=ON) as there:
        reply = await there.get(f"/.tropa/store/offline?l={language}", headers=SCRIPT)
    assert heading in reply.body.decode() and f'lang="{language}"' in reply.body.decode()


def test_a_stores_name_says_nothing_of_the_learner() -> None:
    assert "0123456789abcdef" not in store_id("0123456789abcdef")
    assert store_id("a") != store_id("b")
