"""A consultation outside its window, inside it, and at its end."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import DESKTOP, PHONE, SMALL_PHONE, Visit, visiting
from tests.e2e.harness.regions import METERED, OPEN, Regions
from tests.e2e.harness.tropa import Running, TropaAt, tropa_at
from tests.e2e.harness.ways import WAYS, Way
from tests.e2e.harness.wire import Connection, Learner, Reply

FIRST, SECOND = USERS["teacher1"], USERS["teacher2"]
CHAT = "/mod/chat/view.php?id=201"
# Kamchatka is twelve hours ahead of UTC, and has no summer time.
OPENS = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 18:00 there
SHUTS = OPENS + timedelta(hours=2)
HOURS = {"when": [{"days": "daily", "from": "18:00", "to": "20:00"}], "close_grace": "1 s"}


@contextmanager
def at(
    instant: datetime, course: RunningCourse, folder: Path, *, held: bool = False, **origin: Any
) -> Iterator[TropaAt]:
    """A Tropa at that instant with a region whose consultations have hours, and one that has none."""
    regions = Regions(
        course_port=course.port,
        places={"metered": {**METERED, "consultations": HOURS}, "open": OPEN},
        forward="metered",
        course=origin,
    )
    with tropa_at(instant, regions, folder, held=held) as running:
        yield running


@pytest.fixture
def evening(course: RunningCourse, folder: Path) -> Iterator[Running]:
    """Two hours and a half before the opening."""
    with at(OPENS - timedelta(hours=2, minutes=30), course, folder) as running:
        yield running


def handshake(learner: Learner) -> list[tuple[str, str]]:
    cookie = "; ".join(f"{name}={value}" for name, value in learner.cookies.items())
    return [
        ("Host", learner.site or f"127.0.0.1:{learner.port}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Cookie", cookie),
    ]


@pytest.mark.parametrize("name", WAYS)
def test_outside_its_hours_a_consultation_answers_when_it_opens_in_the_learners_own_time(
    evening: Running, name: str
) -> None:
    learner = Way(name, evening, "metered").learner()
    for language, words in (("ru", "18:00"), ("en", "18:00")):
        reply = _in_language(learner, language)
        assert reply.status == 503
        assert reply.get("Cache-Control") == "no-store"
        assert 2.5 * 3600 - 60 < int(reply.get("Retry-After")) < 2.5 * 3600 + 120
        assert words in reply.text
        assert ("сегодня" in reply.text) == (language == "ru")
        assert "/mod/forum/view.php?id=102" in reply.text
        assert "+7 000 000-00-00" in reply.text
        assert _calendar(learner, reply) == OPENS


def _in_language(learner: Learner, language: str) -> Reply:
    learner.headers["Accept-Language"] = language
    return learner.ask(CHAT)


def _calendar(learner: Learner, gate: Reply) -> datetime:
    """The beginning of the one event in the entry that the page offers."""
    href = re.search(r'href="(/\.tropa/opens/[^"]+\.ics)"', gate.text)
    assert href is not None
    reply = learner.ask(href[1])
    assert reply.status == 200
    assert reply.get("Content-Type").startswith("text/calendar")
    events = icalendar.Calendar.from_ical(reply.body.decode()).walk("VEVENT")
    assert len(events) == 1
    return events[0].decoded("DTSTART").astimezone(UTC)


@pytest.mark.parametrize("name", WAYS)
def test_programs_are_told_in_their_own_form_that_it_is_closed(evening: Running, name: str) -> None:
    learner = Way(name, evening, "metered").learner()
    script = {"Accept": "application/json", "X_Requested_With": "XMLHttpRequest", "Sec_Fetch_Dest": "empty"}
    reply = learner.post("/mod/chat/chat_ajax.php?action=update", {"chat_lastid": "0"}, **script)
    assert reply.status == 503
    assert reply.get("Content-Type") == "application/problem+json"
    assert reply.json["status"] == 503
    assert datetime.fromisoformat(reply.json["opens_at"]) == OPENS


@pytest.mark.parametrize("name", WAYS)
def test_a_socket_is_refused_by_status(course: RunningCourse, folder: Path, name: str) -> None:
    with (
        at(OPENS - timedelta(hours=1), course, folder, preset=["moodle"]) as running,
        _knocked(Way(name, running, "metered").learner()) as socket,
    ):
        refused = socket.reply()
        assert refused.status == 503
        assert int(refused.get("Retry-After")) > 3000


@pytest.mark.parametrize("name", WAYS)
def test_a_socket_of_a_site_whose_scripts_would_knock_for_ever_is_closed_with_the_reason(
    evening: Running, name: str
) -> None:
    with _knocked(Way(name, evening, "metered").learner()) as socket:
        assert socket.read_head()[0] == 101
        kind, length = socket.exactly(2)
        payload = socket.exactly(length)
        assert kind == 0x88
        assert int.from_bytes(payload[:2], "big") == 4503
        assert "18:00" in payload[2:].decode()


def _knocked(learner: Learner) -> Connection:
    """A connection on which a handshake of the chat's socket has been sent."""
    socket = Connection(learner.port)
    target = f"http://{learner.site}/mod/chat/ws" if learner.absolute else "/mod/chat/ws"
    socket.send("GET", target, handshake(learner))
    return socket


def test_other_regions_consult_at_any_hour(evening: Running) -> None:
    learner = Learner(evening.ports["open"])
    learner.log_in(FIRST.login, FIRST.password)
    assert learner.ask(CHAT).status == 200


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "device", "locale"),
    [(SMALL_PHONE, "320", "ru-RU"), (PHONE, "360", "en-GB"), (DESKTOP, "1280", "ru-RU")],
)
def test_the_gate_is_readable_on_every_screen(
    evening: Running, browser: Browser, size: dict[str, int], device: str, locale: str
) -> None:
    with visiting(browser, size=size, locale=locale) as visit:
        visit.page.goto(f"http://127.0.0.1:{evening.ports['metered']}{CHAT}")
        assert visit.too_wide_px() <= 0
        assert "18:00" in visit.page.inner_text(".tropa-when")
        visit.shot(f"gate-{device}")
        assert [error for error in visit.errors if "503" not in error] == []


@pytest.mark.browser
def test_inside_its_hours_two_learners_talk_and_at_the_end_both_are_told_why(
    course: RunningCourse, folder: Path, browser: Browser
) -> None:
    # Behind an explicit proxy browsers carry WebSockets in tunnels, of which only host and hour are seen.
    with (
        at(SHUTS - timedelta(seconds=3), course, folder, held=True) as running,
        visiting(browser, size=PHONE) as first,
        visiting(browser, size=DESKTOP) as second,
    ):
        way = Way("reverse", running, "metered")
        for visit, user in ((first, FIRST), (second, SECOND)):
            _note_closes(visit)
            _enter(visit, way, user.login, user.password)
        _say(first, "Добрый вечер!")
        second.page.wait_for_selector("#chat-messages >> text=Добрый вечер!")
        _say(second, "Слышу вас.")
        first.page.wait_for_selector("#chat-messages >> text=Слышу вас.")
        running.clock.let_go()
        for visit in (first, second):
            visit.page.wait_for_selector("#chat-status >> text=Консультация закрыта:")
            assert "Откроется завтра в 18:00" in visit.page.inner_text("#chat-status")
            assert visit.page.evaluate("window.closes") == [4503]
        first.shot("chat-closed-phone")
        assert way.learner().ask(CHAT).status == 503
        assert running.logged(url="/mod/chat/ws", status=101)["class"] == "consultation"


def _note_closes(visit: Visit) -> None:
    """Have the page keep the codes with which its WebSockets close."""
    visit.page.add_init_script(
        "window.closes = []; const Real = WebSocket; window.WebSocket = class extends Real {"
        "constructor(...a) { super(...a); this.addEventListener('close', e => window.closes.push(e.code)); } };"
    )


def _enter(visit: Visit, way: Way, name: str, password: str) -> None:
    visit.log_in(way.base, name, password)
    visit.page.goto(way.base + "/mod/chat/gui_ajax/index.php?id=201")
    visit.page.wait_for_selector("#chat-status >> text=На связи")


def _say(visit: Visit, words: str) -> None:
    visit.page.fill("#chat-input", words)
    visit.page.press("#chat-input", "Enter")


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_the_gate_opens_by_itself(course: RunningCourse, folder: Path, browser: Browser, scripts: bool) -> None:
    with at(OPENS - timedelta(seconds=4), course, folder, held=True) as running:
        base = f"http://127.0.0.1:{running.ports['metered']}"
        with visiting(browser, java_script_enabled=scripts) as visit:
            visit.page.goto(base + CHAT)
            assert "18:00" in visit.page.inner_text(".tropa-when")
            if scripts:  # up to a minute and a half of jitter, so that forty schools don't knock at once
                running.clock.let_go()
                _hurry(visit)
            else:
                wait_s = int(re.search(r'content="(\d+)"', visit.page.content())[1])  # type: ignore[index]
                assert 4 <= wait_s <= 4 + 92
                return
            visit.page.wait_for_url(re.compile("/login/index.php"))


def _hurry(visit: Visit) -> None:
    """Let the page draw no lot: it reads its jitter once, at its start, so it is read again from the start."""
    visit.page.route(
        "**" + CHAT,
        lambda route: _without_jitter(route),
        times=1,
    )
    visit.page.reload()


def _without_jitter(route) -> None:
    reply = route.fetch()
    route.fulfill(response=reply, body=re.sub(r'data-jitter="\d+"', 'data-jitter="0"', reply.text()))


def test_the_opening_is_right_to_the_second(course: RunningCourse, folder: Path) -> None:
    with at(OPENS - timedelta(seconds=1), course, folder, held=True) as running:
        learner = Learner(running.ports["metered"])
        assert learner.ask(CHAT).status == 503
        running.clock.stand_at(OPENS - timedelta(microseconds=1))
        assert learner.ask(CHAT).status == 503
        running.clock.stand_at(OPENS)
        assert learner.ask(CHAT).status == 303  # the course sends a guest to its login page
