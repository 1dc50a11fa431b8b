"""Tropa dies behind Caddy or nginx: learners go straight to the site, logged in as before, nothing is sent twice."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import visiting
from tests.e2e.harness.fronts import FRONTS, front
from tests.e2e.harness.origins import Given, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Learner, Reply, ask

FIRST = USERS["teacher1"]
FILM = "/mod/page/view.php?id=151"


@pytest.fixture(params=FRONTS)
def kind(request: pytest.FixtureRequest) -> str:
    if FRONTS[request.param] is None:
        pytest.skip(f"no {request.param} on this machine")
    return str(request.param)


@pytest.fixture
def house(course: RunningCourse, folder: Path, kind: str) -> Iterator[tuple[TropaProcess, int]]:
    """Tropa and the front's port."""
    regions = Regions(
        course_port=course.port,
        places={"metered": METERED},
        settings={"trusted_proxies": ["127.0.0.1"]},
        course={"hosts": ["127.0.0.1"]},
    )
    with (
        tropa_process(regions, folder) as tropa,
        front(kind, folder / "front", tropa_port=tropa.ports["metered"], origin_port=course.port) as port,
    ):
        yield tropa, port


@pytest.mark.browser
def test_a_session_goes_on_at_the_site_itself_when_tropa_is_killed(
    house: tuple[TropaProcess, int], browser: Browser, course: RunningCourse
) -> None:
    tropa, port = house
    base = f"http://127.0.0.1:{port}"
    before = len(course.state.posts)
    with visiting(browser) as visit:
        visit.log_in(base, FIRST.login, FIRST.password)
        visit.page.goto(base + FILM)
        assert visit.page.locator(".tropa-card").count() > 0
        visit.page.goto(base + "/mod/forum/discuss.php?d=11")
        tropa.kill()
        # A front that learns of it by this very form, on a kept connection, repeats nothing and tells of an error.
        until(lambda: "tropa-card" not in ask(port, FILM).text, what="the site itself")
        visit.page.fill("#id_message", "Написано, пока узел перезапускался.")
        visit.page.click("#id_submitbutton")
        visit.page.wait_for_url(re.compile("/mod/forum/discuss.php"))
        assert FIRST.name in visit.page.inner_text("body")
        visit.page.goto(base + FILM)
        assert FIRST.name in visit.page.inner_text("body")
        assert visit.page.locator(".tropa-card").count() == 0
        assert visit.page.locator("video").count() > 0
    assert [post.message for post in course.state.posts[before:]] == ["Написано, пока узел перезапускался."]


def test_cards_come_back_with_tropa(house: tuple[TropaProcess, int], folder: Path) -> None:
    tropa, port = house
    tropa.kill()
    assert "tropa-card" not in ask(port, FILM).text
    with tropa_process(tropa.regions, folder):
        until(lambda: "tropa-card" in ask(port, FILM).text, what="cards", timeout_s=20, step_s=0.5)


def test_a_post_in_flight_is_not_repeated_and_reading_goes_on(folder: Path, kind: str) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def answer(asked: BaseHTTPRequestHandler, body: bytes) -> Given:
        if asked.command == "POST":
            arrived.set()
            go_on.wait(20)
        return Given(headers=[("Content-Type", "text/html")], body=b"<p>kept</p>")

    with origin(answer) as site:
        regions = Regions(course_port=site.port, places={"metered": METERED}, course={"hosts": ["127.0.0.1"]})
        with (
            tropa_process(regions, folder) as tropa,
            front(kind, folder / "front", tropa_port=tropa.ports["metered"], origin_port=site.port) as port,
        ):
            replies: list[Reply] = []
            learner = Learner(port)
            sender = threading.Thread(target=lambda: replies.append(learner.post("/mod/forum/post.php", {"m": "once"})))
            sender.start()
            assert arrived.wait(20)
            tropa.kill()
            sender.join(timeout=20)
            go_on.set()
            assert replies[0].status >= 500  # she is told, and not that it was kept
            assert ask(port, "/").status == 200
            time.sleep(0.5)  # longer than a front's interval between tries
            assert site.journal.count(("POST", "/mod/forum/post.php")) == 1
