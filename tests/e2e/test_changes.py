"""Policies change while learners work: nobody is cut, a faulty edit changes nothing, an override ends by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import PHONE, Visit, visiting
from tests.e2e.harness.origins import Given, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.ways import WAYS, Way
from tests.e2e.harness.wire import Connection, ask

FIRST = USERS["teacher1"]
FILM = "/mod/page/view.php?id=151"


def _allowance(amount: str) -> dict[str, object]:
    return {"price": "0.40 RUB/MB", "allowance": {"amount": amount, "per": "day", "then": "stop"}}


@pytest.fixture
def tropa(course: RunningCourse, folder: Path) -> Iterator[TropaProcess]:
    regions = Regions(course_port=course.port, places={"metered": METERED}, forward="metered")
    with tropa_process(regions, folder) as running:
        yield running


def _published(tropa: TropaProcess, regions: Regions) -> None:
    done = tropa.publish(regions)
    assert done.returncode == 0, done.stderr


@pytest.mark.browser
@pytest.mark.parametrize("name", WAYS)
def test_a_quiz_goes_on_while_the_allowance_ends_and_policies_change(
    tropa: TropaProcess, browser: Browser, course: RunningCourse, name: str
) -> None:
    way = Way(name, tropa, "metered")
    before = len(course.state.quiz_saves)
    with way.visit(browser, size=PHONE) as visit:
        visit.log_in(way.base, FIRST.login, FIRST.password)
        visit.page.goto(way.base + "/mod/quiz/view.php?id=191")
        visit.page.click(".quizstartbuttondiv button")
        visit.page.wait_for_url("**/mod/quiz/attempt.php*")
        _published(tropa, tropa.regions.changed("metered", tariff=_allowance("100 kB"), policy="text-first"))
        reader = way.learner()
        reader.cookies = {c["name"]: c["value"] for c in visit.page.context.cookies()}
        until(lambda: reader.ask("/mod/page/view.php?id=121").status == 503, what="the end of the allowance")
        _reload_cold(visit)
        visit.page.locator(".multichoice input[type=radio][value='1']").first.check()
        visit.page.wait_for_selector("#quiz-autosave-note >> text=Ответы сохранены", timeout=20_000)
        visit.page.fill(".essay textarea", "Ответ, который не потерялся")
        visit.page.click("#quiz-finish")
        visit.page.wait_for_url("**/mod/quiz/review.php*")
        assert "Завершены" in visit.page.inner_text("body")
        broken = visit.page.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
        assert broken == []
        refused = visit.page.goto(way.base + "/mod/page/view.php?id=121")
        assert refused is not None
        assert refused.status == 503
        if name == "reverse":
            visit.shot("allowance-spent-phone")
    saves = course.state.quiz_saves[before:]
    assert [save.how for save in saves][-1] == "submit"
    assert "autosave" in [save.how for save in saves]
    assert "Ответ, который не потерялся" in saves[-1].answers.values()


def _reload_cold(visit: Visit) -> None:
    """As on another PC: nothing of the portal's shell is there."""
    visit.page.context.new_cdp_session(visit.page).send("Network.clearBrowserCache")
    visit.page.reload(wait_until="load")


PIECE = b"s" * 65536


def _slowly(asked: BaseHTTPRequestHandler, body: bytes) -> Given | None:
    """Two megabytes over as long as the test takes: a piece every tenth of a second."""
    if asked.path != "/slow.bin":
        return Given(headers=[("Content-Type", "text/html")], body=b"<p>ok</p>")
    asked.send_response_only(200)
    asked.send_header("Content-Type", "application/octet-stream")
    asked.send_header("Content-Length", str(len(PIECE) * 32))
    asked.end_headers()
    for _ in range(32):
        asked.wfile.write(PIECE)
        time.sleep(0.1)
    return None


def test_a_slow_download_runs_on_across_a_publication(folder: Path) -> None:
    with origin(_slowly) as site:
        regions = Regions(course_port=site.port, places={"metered": METERED}, course={"preset": ["web"]})
        with tropa_process(regions, folder) as tropa, Connection(tropa.ports["metered"]) as connection:
            connection.send("GET", "/slow.bin", [("Host", "localhost")])
            assert connection.read_head()[0] == 200
            got = connection.exactly(100_000)
            _published(tropa, regions.changed("metered", policy="text-first", link={"down": "2 Mbit/s"}))
            until(lambda: "is in force" in tropa.said(), what="the new catalogue")
            got += connection.exactly(len(PIECE) * 32 - len(got))
            assert got == PIECE * 32
            connection.send("GET", "/", [("Host", "localhost")])  # and the connection is still good
            assert connection.reply().status == 200


def test_a_faulty_edit_leaves_the_policy_before_it_running(tropa: TropaProcess) -> None:
    faulty = tropa.regions.changed("metered", timezone="Asia/Kamchatkka", policy="opne")
    done = tropa.publish(faulty)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "timezone" in said
    assert "policy" in said
    assert "regions.yaml:" in said
    assert "Traceback" not in said
    assert "tropa-card" in ask(tropa.ports["metered"], FILM).text


def test_an_override_begins_at_once_and_ends_by_itself(tropa: TropaProcess) -> None:
    def cards() -> bool:
        return "tropa-card" in ask(tropa.ports["metered"], FILM).text

    assert cards()
    words = ("--region", "metered", "--policy", "open", "--for", "8s", "--state", str(tropa.state_dir))
    begun = datetime.now(UTC)
    done = tropa.command("override", *words)
    assert done.returncode == 0, done.stderr
    until(lambda: not cards(), what="the override", timeout_s=8)
    until(cards, what="its end", timeout_s=20)
    assert datetime.now(UTC) - begun > timedelta(seconds=2)


def test_a_stopped_tropa_starts_again_with_what_was_published_and_what_was_granted(
    course: RunningCourse, folder: Path
) -> None:
    regions = Regions(course_port=course.port, places={"metered": METERED})
    with tropa_process(regions, folder) as first:
        learner = Way("reverse", first, "metered").learner()
        learner.log_in(FIRST.login, FIRST.password)
        page = learner.ask(FILM).text
        token = page.partition('formaction="/.tropa/original"')[2].partition('value="')[2].partition('"')[0]
        film = _film(course)
        assert learner.post("/.tropa/original", {"token": token}).status == 303
        first.kill()
    with tropa_process(regions, folder):
        reply = learner.ask(film, Accept="*/*", Sec_Fetch_Dest="video", Range="bytes=0-99")
        assert reply.status == 206


def _film(course: RunningCourse) -> str:
    html = ask(course.port, FILM).text
    named = (part.split('"')[0] for part in html.split('src="'))
    return next(urlsplit(url).path for url in named if url.endswith(".mp4"))


@pytest.mark.browser
def test_visits_of_a_browser_survive_a_restart(course: RunningCourse, folder: Path, browser: Browser) -> None:
    """Nothing that a learner holds depends on the process: her login, her place in the course."""
    regions = Regions(course_port=course.port, places={"metered": METERED})
    with visiting(browser) as visit:
        with tropa_process(regions, folder) as tropa:
            base = f"http://127.0.0.1:{tropa.ports['metered']}"
            visit.log_in(base, FIRST.login, FIRST.password)
        with tropa_process(regions, folder):
            visit.page.goto(base + "/my/")
            assert FIRST.name in visit.page.inner_text("body")
