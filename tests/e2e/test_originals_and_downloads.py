"""Taking the original by a card's button; downloads that keep their bytes, resumed across a change of policy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaAt, TropaProcess, tropa_at
from tests.e2e.harness.waiting import until
from tests.e2e.harness.ways import WAYS, Way
from tests.e2e.harness.wire import Connection, Learner, Reply, ask

FIRST, SECOND = USERS["teacher1"], USERS["teacher2"]
FILM = "/mod/page/view.php?id=151"
PDF = "/pluginfile.php/1171/mod_page/content/3/programma-kursa.pdf"


@pytest.mark.browser
def test_the_original_taken_from_a_card_plays_for_that_learner_alone_and_is_counted(
    way: Way, browser: Browser, house: TropaProcess, course: RunningCourse
) -> None:
    with way.visit(browser) as visit:
        visit.log_in(way.base, FIRST.login, FIRST.password)
        visit.page.goto(way.base + FILM)
        assert visit.page.locator("video").count() == 0
        card = visit.page.locator(".tropa-card").first
        card.locator("summary").click()  # a lighter version is recommended
        card.locator("[formaction='/.tropa/original']").click()
        visit.page.wait_for_selector("video")
        film = visit.page.evaluate(
            "(v => v.currentSrc || v.querySelector('source').src)(document.querySelector('video'))"
        )
        visit.page.evaluate("document.querySelector('video').load()")
        visit.page.evaluate("document.querySelector('video').play().catch(() => 0)")
        visit.page.wait_for_function("document.querySelector('video').readyState >= 1")
        if way.name == "reverse":
            visit.shot("original-taken-1280")
    path = urlsplit(film).path
    assert house.logged(url=path, original=True)["bytes_to_learner"] > 0
    stranger = way.learner()
    stranger.log_in(SECOND.login, SECOND.password)
    given = stranger.ask(path, Accept="*/*", Sec_Fetch_Dest="video", Range="bytes=0-999")
    assert given.body != ask(course.port, path, headers={"Range": "bytes=0-999"}).body
    assert "text/html" not in given.get("Content-Type")


def test_a_button_pressed_by_another_learner_grants_nothing(way: Way) -> None:
    first, second = way.learner(), way.learner()
    first.log_in(FIRST.login, FIRST.password)
    second.log_in(SECOND.login, SECOND.password)
    page = first.ask(FILM).text
    token = _token(page)
    refused = second.post("/.tropa/original", {"token": token})
    assert refused.status == 409
    assert second.ask(FILM).text.count("tropa-card") == page.count("tropa-card")
    taken = first.post("/.tropa/original", {"token": token})
    assert taken.status == 303
    assert first.ask(FILM).text.count("tropa-card") < page.count("tropa-card")


def _token(page: str) -> str:
    found = re.search(r'formaction="/\.tropa/original"[^>]*value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_an_original_is_never_taken_by_a_get(way: Way) -> None:
    learner = way.learner()
    learner.log_in(FIRST.login, FIRST.password)
    token = _token(learner.ask(FILM).text)
    assert learner.ask(f"/.tropa/original?token={token}").status in (404, 405)


def test_a_document_keeps_its_bytes_and_can_be_resumed(way: Way, course: RunningCourse) -> None:
    learner = way.learner()
    source = ask(course.port, PDF).body
    whole = learner.ask(PDF)
    assert whole.status == 200
    assert whole.body == source
    half = len(source) // 2
    rest = learner.ask(PDF, Range=f"bytes={half}-", If_Range=whole.get("ETag"))
    assert rest.status == 206
    assert rest.get("Content-Range") == f"bytes {half}-{len(source) - 1}/{len(source)}"
    assert hashlib.sha256(source[:half] + rest.body).digest() == hashlib.sha256(source).digest()
    tail = learner.ask(PDF, Range="bytes=-100")
    assert (tail.status, tail.body) == (206, source[-100:])
    beyond = learner.ask(PDF, Range=f"bytes={len(source)}-")
    assert beyond.status == 416


# -- across a change: at midnight in Kamchatka the policy becomes another one ------------------------------------------

MIDNIGHT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHANGING = {
    **METERED,
    "exceptions": [{"origin": "course", "dates": "2026-11-24..2026-11-30", "policy": "open"}],
}


@pytest.fixture
def before_midnight(course: RunningCourse, folder: Path) -> Iterator[TropaAt]:
    regions = Regions(course_port=course.port, places={"metered": CHANGING}, forward="metered")
    with tropa_at(MIDNIGHT - timedelta(hours=1), regions, folder) as running:
        yield running


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("condition", ["If-Range", "none"])
def test_an_image_begun_as_a_variant_is_never_continued_with_the_original(
    before_midnight: TropaAt, course: RunningCourse, name: str, condition: str
) -> None:
    learner = Way(name, before_midnight, "metered").learner()
    target = next(path for path in _images(course) if len(ask(course.port, path, method="GET").body) > 100_000)
    source = ask(course.port, target).body
    learner.ask(FILM)  # learners come by a page, which tells them apart from then on
    accept = "image/avif,image/webp,*/*"
    variant = until(lambda: _smaller(learner.ask(target, Accept=accept), source), what="the variant")
    before_midnight.clock.move_to(MIDNIGHT)
    assert _is_open(learner)
    conditions = {"If_Range": variant.get("ETag")} if condition == "If-Range" else {}
    later = learner.ask(target, Accept=accept, Range="bytes=1000-", **conditions)
    if later.status == 206:
        assert later.body == variant.body[1000:]
    else:
        assert later.status == 200
        assert later.body in (source, variant.body)


def _images(course: RunningCourse) -> list[str]:
    html = ask(course.port, "/mod/page/view.php?id=131").text + ask(course.port, "/mod/page/view.php?id=141").text
    found = [part.split('"')[0] for part in html.split('src="')[1:]]
    return [urlsplit(url).path for url in found if url.partition("?")[0].endswith((".jpg", ".png"))]


def _smaller(reply: Reply, source: bytes) -> Reply | None:
    assert reply.status == 200
    return reply if len(reply.body) < len(source) else None


def _is_open(learner: Learner) -> bool:
    return "<video" in learner.ask(FILM).text


@pytest.mark.parametrize("name", WAYS)
def test_a_document_begun_before_a_window_opens_is_whole_after_it(
    before_midnight: TropaAt, course: RunningCourse, name: str
) -> None:
    learner = Way(name, before_midnight, "metered").learner()
    source = ask(course.port, PDF).body
    host = learner.site or f"127.0.0.1:{learner.port}"
    with Connection(learner.port) as connection:
        connection.send("GET", f"http://{host}{PDF}" if learner.absolute else PDF, [("Host", host)])
        status, headers = connection.read_head()
        begun = connection.exactly(50_000)  # and then the link breaks
    assert status == 200
    tag = next(value for key, value in headers if key.lower() == "etag")
    before_midnight.clock.move_to(MIDNIGHT)
    assert _is_open(learner)
    rest = learner.ask(PDF, Range=f"bytes={len(begun)}-", If_Range=tag)
    assert rest.status == 206
    assert begun + rest.body == source
