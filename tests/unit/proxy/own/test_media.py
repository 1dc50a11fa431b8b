"""Versions of films under the reserved path: asked for, waited for, watched; and everybody who may not."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.media.store import PRIVATE_LIFE
from scheduler.requests import RequestState
from tests.media_course import CONTENT, PAGE, Learner, MediaCourse, Moved, button, buttons, files_of, lecture, logged
from tests.media_samples import film, half_a_day
from tests.serving import NOON, Served, served
from tests.unit.proxy.night.test_wishes import wanted
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg


def a_course(source: Path | None = None) -> MediaCourse:
    course = MediaCourse()
    path = course.put("film.mp4", source or film())
    return course.with_page(f'<video controls src="{path}" title="Первый урок"></video>')


FILM = CONTENT + "film.mp4"


def path_of(href: str, there: Served) -> str:
    return href.removeprefix(there.base_url)


# -- asking, waiting, watching -----------------------------------------------------------------------------------------


async def test_a_version_is_begun_by_a_tap_waited_for_without_scripts_and_opened(tmp_path: Path) -> None:
    course = a_course()
    course.gate = asyncio.Event()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        waiting = await anna.read(viewer)
        assert re.search(r'http-equiv="refresh" content="\d+"', waiting)
        assert "<progress" in waiting and "<script" not in waiting
        assert f'href="{there.base_url}{PAGE}"' in waiting  # the way back
        assert not buttons(waiting, "make/sound") and buttons(waiting, "make/slidecast")
        course.gate.set()
        page = await anna.until_ready(viewer)
        assert "<audio" in page and "<video" not in page and "Первый урок" in page
        sound = await anna.play(files_of(page, viewer)[0])
    assert sound.status == 200 and sound.headers["Content-Type"] == "audio/webm"
    assert len(sound.body) < len(course.files[FILM]) / 20
    assert course.downloads(FILM) == 1


async def test_a_tap_is_answered_before_a_slow_course_answers(tmp_path: Path) -> None:
    course = a_course()
    course.silent = asyncio.Event()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        waiting = await anna.read(viewer)
        assert "Спрашиваем запись" in waiting and 'http-equiv="refresh"' in waiting
        course.silent.set()
        assert "<audio" in await anna.until_ready(viewer)
    assert course.downloads(FILM) == 1


@pytest.mark.parametrize("open_bytes", [0, 100_000])  # the course hesitates, and then not
async def test_no_room_in_the_queue_is_said_in_words(tmp_path: Path, open_bytes: int) -> None:
    course = a_course()
    second = course.put("second.mp4", film(seconds=5))
    course.with_page(f'<video controls src="{second}"></video>', path="/mod/page/view.php?id=8")
    course.gate, course.open_bytes = asyncio.Event(), open_bytes
    async with served(tmp_path, course, tropa="limits: {media_queue: 1, media_workers: 1}") as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        await anna.until(await anna.choose("sound"), lambda page: "Берём запись" in page)
        asked = await boris.choose("sound", "/mod/page/view.php?id=8")
        page = await boris.until(asked, lambda page: "Спрашиваем запись" not in page)
        course.gate.set()
    assert "нет места" in page and buttons(page, "make/sound")


async def test_a_lecture_is_slides_with_sound_and_its_slides_alone_and_one_file_to_keep(tmp_path: Path) -> None:
    course = a_course(lecture())
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("slidecast")
        page = await anna.until_ready(viewer)
        assert page.count('<li id="slide-') == 4
        files = files_of(page, viewer)
        got = {path.rpartition("/")[2]: await anna.ask(path) for path in files if "/slidecast/" in path}
        assert {reply.status for reply in got.values()} == {200}
        assert got["001.webp"].body[:4] == b"RIFF"
        alone = await anna.read(viewer.replace("slidecast", "slides"))
        assert alone.count('<li id="slide-') == 4 and "<audio" not in alone
        heard = await anna.read(viewer + "?sound=only")
        assert "<audio" in heard and ".webp" not in heard
        offline = got["lecture.html"]
    assert course.downloads(FILM) == 1  # slides alone are the same making
    kept = offline.body.decode()
    assert "attachment" in offline.headers["Content-Disposition"] and "-light" in offline.headers["Content-Disposition"]
    assert kept.count("data:image/webp;base64,") == 3 and "data:audio/webm;base64," in kept
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]+"', kept)


async def test_a_version_that_is_shown_counts_as_an_opening_of_what_a_night_brought(tmp_path: Path) -> None:
    async with served(tmp_path, a_course()) as there:
        night, anna = there.tropa.parts.halves.night, Learner(there, "anna")
        await anna.until_ready(await anna.choose("sound"))
        brought = replace(wanted("", url=f"{there.base_url}{FILM}"), id="film")
        assert await night.wishes.add(brought, max_open=9) is not None
        await night.wishes.move("film", RequestState.READY, NOON)
        await night.use.tick()
        assert getattr(night.wishes.get("film"), "opened", None) is not None


async def test_a_film_without_slides_says_that_there_are_none_to_see_alone(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("slides")
        page = await anna.until_ready(viewer)
        assert not buttons(page, "make/slides") and buttons(page, "make/sound")
        assert "<audio" not in page
        assert not buttons(await anna.read(), "make/slides")  # and isn't offered again
        as_slidecast = await anna.until_ready(viewer.replace("slides", "slidecast"))
    assert "<audio" in as_slidecast


async def test_the_version_chosen_last_is_recommended_on_the_next_card_to_her_alone(tmp_path: Path) -> None:
    async with served(tmp_path, a_course()) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        assert _recommended(await anna.read()) == "slidecast"
        await anna.choose("sound")
        assert _recommended(await anna.read()) == "sound"
        assert _recommended(await boris.read()) == "slidecast"


def _recommended(page: str) -> str:
    found = re.search(r'class="tropa-go"[^>]*formaction="/\.tropa/make/(\w+)"', page)
    assert found is not None
    return found[1]


async def test_a_card_tells_what_is_ready_and_how_big_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, a_course()) as there:
        anna = Learner(there, "anna")
        assert "приготовим" in await anna.read()
        await anna.until_ready(await anna.choose("sound"))
        card = (await anna.read()).partition("</section>")[0]
        told = re.search(r'make/sound"[^>]*>[^<]*</button> <span class="tropa-figures">([^<]*)<', card)
    assert told is not None and "готово" in told[1] and "около" not in told[1].partition("·")[0]


# -- twelve hours ------------------------------------------------------------------------------------------------------


async def test_a_film_that_lasts_longer_than_films_may_is_offered_whole_or_not_at_all(tmp_path: Path) -> None:
    course = a_course(half_a_day())
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        page = await anna.until(PAGE, lambda page: not buttons(page, r"make/\w+"))  # until its length is known
        assert "tropa-card" in page
        played = await anna.play(FILM)
    assert played.status == 403 and course.downloads(FILM) <= 1


# -- what a GET may do -------------------------------------------------------------------------------------------------


async def test_looking_begins_no_work(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        token = button(await anna.read(), "make/sound")
        for version in ("", "slidecast", "sound", "slides", "capped", "capped/play", "sound/sound.webm"):
            for method in ("GET", "HEAD"):
                reply = await anna.open(f"/.tropa/media/{token}/{version}", method)
                assert reply.status in (200, 404), (version, method)
                assert b'http-equiv="refresh"' not in reply.body
        assert "make/sound" in await anna.read(f"/.tropa/media/{token}/")
    assert course.downloads(FILM) == 0


async def test_making_is_asked_for_by_post_alone(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        token = button(await anna.read(), "make/sound")
        got = await anna.open(f"/.tropa/make/sound?token={token}")
        assert (got.status, course.downloads(FILM)) == (404, 0) or got.status == 405
    assert course.downloads(FILM) == 0


async def test_a_finished_viewer_answers_head_with_the_same_head(tmp_path: Path) -> None:
    async with served(tmp_path, a_course()) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        file = files_of(await anna.until_ready(viewer), viewer)[0]
        whole, head = await anna.play(file), await anna.play(file, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]


# -- who may not -------------------------------------------------------------------------------------------------------


async def test_a_strangers_token_opens_nothing(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        page = await anna.read()
        viewer = await anna.choose("sound")
        file = files_of(await anna.until_ready(viewer), viewer)[0]
        for path in (viewer, file, viewer.rpartition("/")[0] + "/"):
            refused = await boris.open(path)
            assert refused.status == 409 and b"<audio" not in refused.body
        made = await boris.post("/.tropa/make/slidecast", button(page, "make/slidecast"))
        assert made.status == 409
        invented = viewer.replace("/sound", "x/sound")
        assert (await anna.open(invented)).status == 409
    assert course.downloads(FILM) == 1


@pytest.mark.parametrize("status", [302, 403, 404])
async def test_whom_the_origin_refuses_gets_nothing_though_it_is_stored(tmp_path: Path, status: int) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        viewer = await anna.choose("sound")
        name = files_of(await anna.until_ready(viewer), viewer)[0].rpartition("/")[2]
        course.refused["boris"] = status
        token = button(await boris.read(), "make/sound")
        for path in ("sound", f"sound/{name}", "sound/play"):
            reply = await boris.open(f"/.tropa/media/{token}/{path}")
            assert reply.status == 303 and path_of(reply.headers["Location"], there) == PAGE
        assert (await boris.post("/.tropa/make/sound", token)).status == 303
        reply = await boris.open(f"/.tropa/media/{token}/sound")
    assert reply.status == 303 and b"<audio" not in reply.body
    assert course.downloads(FILM) == 1


async def test_the_origins_logout_ends_it(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        file = files_of(await anna.until_ready(viewer), viewer)[0]
        assert (await anna.play(file)).status == 200
        await anna.open("/login/logout.php?sesskey=x")
        course.refused["anna"] = 302
        for path in (viewer, file):
            assert (await anna.open(path)).status == 303
        assert _recommended(await anna.read()) == "slidecast"  # her choice went, too


async def test_versions_that_policy_does_not_allow_are_not_to_be_had(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, policy="school-adsl") as there:
        anna = Learner(there, "anna")
        token = button(await anna.read(), "make/sound")
        for version in ("slides", "read", "print", "original", "..", "sound/../slides"):
            assert (await anna.open(f"/.tropa/media/{token}/{version}")).status == 404, version
        for version in ("slides", "read", "nothing"):
            answer = await anna.post(f"/.tropa/make/{version}", token)
            assert answer.status == 200 and buttons(answer.body.decode(), "make/sound")
    assert course.downloads(FILM) == 0


async def test_a_policy_that_was_narrowed_since_closes_what_it_no_longer_allows(tmp_path: Path) -> None:
    async with served(tmp_path, a_course()) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        await anna.until_ready(viewer)
    regions = "exceptions: [{origin: course, policy: text-first}]"
    async with served(tmp_path, a_course(), region=regions) as there:
        reply = await Learner(there, "anna").open(viewer)
    assert reply.status == 404 and b"<audio" not in reply.body


async def test_another_sites_address_is_never_asked_in_her_name(tmp_path: Path) -> None:
    course = MediaCourse().with_page('<video controls src="https://films.example.org/a.mp4"></video>')
    async with served(tmp_path, course) as there:
        page = await Learner(there, "anna").read()
    assert "tropa-card" in page and not buttons(page, r"make/\w+")


# -- what is gone, and what can't be -----------------------------------------------------------------------------------


async def test_what_has_expired_is_made_again(tmp_path: Path) -> None:
    course, clock = a_course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        file = files_of(await anna.until_ready(viewer), viewer)[0]
        clock.by = PRIVATE_LIFE + timedelta(minutes=1)
        assert (await anna.play(file)).status == 409  # the token's day is over as well
        viewer = await anna.choose("sound")
        whole = await anna.play(files_of(await anna.until_ready(viewer), viewer)[0])
    assert whole.status == 200 and len(whole.body) > 1000


async def test_what_was_lost_from_the_disk_while_tropa_stood_still_is_made_again(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        await anna.until_ready(viewer)
    for path in (tmp_path / "state" / "media" / "made").rglob("sound.*"):
        path.unlink()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        whole = await anna.play(files_of(await anna.until_ready(viewer), viewer)[0])
    assert whole.status == 200 and len(whole.body) > 1000


async def test_a_damaged_film_has_versions_that_say_so_and_leave_what_is_left(tmp_path: Path) -> None:
    body = film().read_bytes()
    source = tmp_path / "damaged.mp4"
    begun = body[: body.index(b"mdat") + 5000]
    source.write_bytes(begun.ljust(len(body), b"\0"))
    course = a_course(source)
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        page = await anna.until_ready(await anna.choose("slidecast"))
        assert "<audio" not in page and not buttons(page, "make/slidecast")
        assert buttons(page, "original")
        assert not buttons(await anna.read(), "make/slidecast")


# -- what it is counted as ---------------------------------------------------------------------------------------------


async def test_receipts_say_what_it_would_have_weighed_and_what_it_weighed(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        viewer = await anna.choose("sound")
        file = files_of(await anna.until_ready(viewer), viewer)[0]
        whole = await anna.play(file)
        line = await logged(there, "/sound/", status=200)
        assert (line["treatment"], line["kind"]) == ("media", "audio")
        assert len(whole.body) <= line["bytes_to_learner"] < len(whole.body) + 2000
        assert abs(line["bytes_direct"] - len(course.files[FILM])) < 10
        half = await anna.play(file, Range=f"bytes=0-{len(whole.body) // 2 - 1}")
        line = await logged(there, "/sound/", status=206)
    assert half.status == 206
    assert abs(line["bytes_direct"] - len(course.files[FILM]) / 2) < len(course.files[FILM]) / 100
    assert line["bytes_withheld"] == 0
