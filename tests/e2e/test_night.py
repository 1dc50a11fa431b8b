"""A night at a school's box: what was asked for and what is followed comes in the free hours, and at no other time."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from proxy.cli.main import main
from proxy.demo.course import RunningCourse
from proxy.demo.course.state import SERVICE_USER
from tests.e2e.harness.course import running_course
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.loops import LoopThread
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import Running, TropaAt, tropa_at
from tests.e2e.harness.waiting import COSTLY_STEP_S, until
from tests.unit.proxy.night.test_letters import PostOffice, text_of
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = [needs_ffmpeg]

OPENS = datetime(2026, 11, 23, 20, tzinfo=UTC)  # 23:00 in Moscow
CLOSES = OPENS + timedelta(hours=8)
DAY = timedelta(days=1)
ARCHIVE = "/pluginfile.php/1175/mod_resource/content/3/razdatochnye-materialy.zip?forcedownload=1"
NEVER_KEPT = "/mod/page/view.php?id=112"
DOCUMENT = "/pluginfile.php/1173/mod_resource/content/3/plan-uroka.docx"
NIGHT = {
    "follow": [{"origin": "course", "course": 2, "what": ["sections", "files", "recordings", "forums"], "ahead": 5}],
    "limit": "200 MB",
    "concurrency": 2,
}
# The long lecture is left out: one recording made into slides is proof enough.
SETTINGS = {"place": "school", "limits": {"max_night_file": "5 MB"}}
SCHOOL: dict[str, Any] = {
    **METERED,
    "policy": "night-sync",
    "link": {"down": "40 Mbit/s", "up": "1 Mbit/s"},
    "tariff": {
        "timezone": "Europe/Moscow",
        "price": "0.40 RUB/MB",
        "free": [{"days": "daily", "from": "23:00", "to": "07:00"}],
    },
    "costly_hop": "site_uplink",
    "store": "school-box",
    "night": NIGHT,
}


@pytest.fixture(scope="module")
def course() -> Iterator[RunningCourse]:
    with running_course() as running:
        yield running


@contextmanager
def school(course: RunningCourse, folder: Path, **night: Any) -> Iterator[tuple[Regions, Link]]:
    """Its regions.yaml and its thin link to the course."""
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / "service.token"
    token.write_text(service_token(course))
    token.chmod(0o600)
    with link_to(course.port) as link:
        place = {**SCHOOL, "night": {**NIGHT, **night}}
        regions = Regions(course_port=link.port, places={"school": place}, settings=SETTINGS)
        site = f"http://127.0.0.1:{regions.ports['school']}"
        regions.course = {"hosts": ["127.0.0.1"], "service": {"token_file": "service.token", "site": site}}
        yield regions, link


def service_token(course: RunningCourse) -> str:
    words = urlencode({"username": SERVICE_USER.login, "password": SERVICE_USER.password})
    status, body = asked(course.port, "POST", "/login/token.php", words)
    assert status == 200
    return str(json.loads(body)["token"])


def asked(port: int, method: str, target: str, body: str = "", cookie: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Accept": "text/html", "Accept-Language": "ru"}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if cookie:
        headers["Cookie"] = cookie
    connection.request(method, target, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def morning(running: Running) -> str:
    return asked(running.ports["school"], "GET", "/.tropa/night")[1]


def reported(running: Running) -> dict[str, Any]:
    """What `tropa night report` says of the school."""
    out = io.StringIO()
    words = ["night", "report", "--json", "--state", str(running.state_dir)]
    assert main(words, out=out) == 0
    return dict(json.loads(out.getvalue())[0])


def here(running: Running) -> set[str]:
    return {line["title"] for line in reported(running)["here"]}


def button(page: str, action: str) -> str:
    """The token behind a button."""
    found = re.search(rf'formaction="{action}"[^>]*value="([^"]+)"|action="{action}".*?value="([^"]+)"', page, re.S)
    assert found, f"no button for {action}"
    return found[1] or found[2]


def visit(running: Running, target: str, cookie: str = "", came_from: str = "") -> tuple[str, str]:
    """A learner's page, and who she is from then on."""
    connection = http.client.HTTPConnection("127.0.0.1", running.ports["school"], timeout=30)
    headers = {"Accept": "text/html", "Accept-Language": "ru", "Sec-Fetch-Dest": "document"}
    more = {"Cookie": cookie} if cookie else {}
    more |= {"Referer": f"http://127.0.0.1:{running.ports['school']}{came_from}"} if came_from else {}
    connection.request("GET", target, headers=headers | more)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    given = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    connection.close()
    return text, cookie or "; ".join(given)


@pytest.mark.timeout(400)  # two recordings are made, on a machine that may be busy
def test_what_was_asked_for_and_what_is_followed_is_here_by_the_morning(course: RunningCourse, tmp_path: Path) -> None:
    with (
        school(course, tmp_path) as (regions, link),
        tropa_at(OPENS - timedelta(seconds=1), regions, tmp_path, held=True) as tropa,
    ):
        _, cookie = visit(tropa, "/")
        visit(tropa, "/mod/page/view.php?id=151", cookie)
        places = [visit(tropa, "/.tropa/", cookie, came_from=file)[0] for file in (ARCHIVE, DOCUMENT)]
        before = link.carried_bytes
        for token in (button(place, "/.tropa/tonight") for place in places):
            status, _ = asked(tropa.ports["school"], "POST", "/.tropa/tonight", urlencode({"token": token}), cookie)
        receipts, _ = visit(tropa, "/.tropa/deferred?filed", cookie)
        assert status == 303 and "Ждёт бесплатных часов" in receipts
        assert link.carried_bytes == before, "nothing comes before the free hours"
        tropa.clock.let_go()
        wanted = {"plan-uroka.docx", "lekciya-6.pptx", "Записи вебинаров"}
        until(lambda: wanted <= here(tropa), what="the followed course", timeout_s=200, step_s=COSTLY_STEP_S)
        until(lambda: "готово: 2 материала" in visit(tropa, "/", cookie)[0], what="the line in her page", timeout_s=120)
        receipts, _ = visit(tropa, "/.tropa/deferred", cookie)
        assert receipts.count("Готово.") == 2 and ARCHIVE in receipts
        assert "готово:" not in visit(tropa, "/", cookie)[0], "she has seen it"
        # The page names older recordings too, and those may still be in the making.
        found = {line["title"]: line["reason"] for line in reported(tropa)["missing"] if line["reason"]}
        assert found == {"lekciya.mp4": "too-large"} and "Записи вебинаров" in morning(tropa)
        before = link.carried_bytes
        _, docx = asked(tropa.ports["school"], "GET", DOCUMENT, cookie=cookie)
        assert len(docx) > 100_000
        assert link.carried_bytes - before < 4096, "the origin said yes to her, and the file was here"
        assert course.state.views == ("/mod/page/view.php?id=151",), "no activity was opened but by the learner"


def test_a_night_ends_to_the_second_and_the_next_one_goes_on_in_another_process(
    course: RunningCourse, tmp_path: Path
) -> None:
    seen = len(course.state.views)
    slow = {"follow": [{"origin": "course", "course": 2, "what": "files", "ahead": 5}], "concurrency": 1}
    with school(course, tmp_path, **slow) as (regions, link):
        regions.places["school"]["link"] = {"down": "1600 kbit/s"}
        with tropa_at(CLOSES - timedelta(seconds=5), regions, tmp_path, held=True) as tropa:
            until(lambda: link.carried_bytes > 300_000, what="a part of it")
            tropa.clock.let_go()
            until(lambda: "open_until" in reported(tropa) and reported(tropa)["missing"], what="the close")
            until(lambda: tropa_is_closed(tropa), what="the end of the free hours", timeout_s=30)
            until(lambda: states(tropa) <= {"waiting", "queued"}, what="what was under way to be put by")
            first, missing = link.carried_bytes, reported(tropa)["missing"]
            begun = sum(line["held_bytes"] for line in missing)
            assert begun > 100_000
        regions.places["school"]["link"] = {"down": "40 Mbit/s"}
        with tropa_at(OPENS + DAY, regions, tmp_path) as tropa:
            assert link.carried_bytes == first, "nothing came between the nights"
            until(lambda: not reported(tropa)["missing"], what="all of it", step_s=COSTLY_STEP_S)
            sizes = sum(line["size_bytes"] for line in missing)
            assert link.carried_bytes - first < sizes - begun + 100_000, "what had come was not fetched again"
    assert len(course.state.views) == seen


def states(running: Running) -> set[str]:
    """Of what is still missing."""
    return {line["state"] for line in reported(running)["missing"]}


def tropa_is_closed(running: Running) -> bool:
    return "Загружаем сейчас" not in morning(running)


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """Somebody who takes letters, as RFC 5321 says."""
    office, thread = PostOffice(), LoopThread("post")

    async def opened() -> asyncio.Server:
        return await asyncio.start_server(office.serve, "127.0.0.1", 0)

    server = thread.call(opened())
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        thread.call(closed(server))
        thread.close()


async def closed(server: asyncio.Server) -> None:
    server.close()


def test_a_link_cut_in_mid_transfer_costs_what_was_lost_and_letters_say_when_all_is_here(
    course: RunningCourse, tmp_path: Path
) -> None:
    files = {"follow": [{"origin": "course", "course": 2, "what": "files", "ahead": 5}], "concurrency": 1}
    with post_office() as post, school(course, tmp_path, **files, report_to="it@school.example") as (regions, link):
        mail = {"smtp": f"127.0.0.1:{post.port}", "from": "tropa@school.example", "tls": "none"}
        regions.settings = {**SETTINGS, "mail": mail, "outage": {"probe_first": "200 ms", "probe_slowest": "500 ms"}}
        with tropa_at(OPENS - timedelta(seconds=5), regions, tmp_path) as tropa:
            cookie = asked_for_and_wants_a_letter(tropa)
            link.cut_after(300_000)
            until(lambda: link.cuts == 1, what="the cut")
            before = link.carried_bytes
            until(lambda: waits_for_the_link(tropa), what="the night to know")
            link.mend()
            until(
                lambda: asked(tropa.ports["school"], "GET", NEVER_KEPT)[0] == 200, what="the link to be known as back"
            )
            tropa.clock.move_to(OPENS + timedelta(minutes=3))  # it tries again ever more seldom
            until(lambda: not reported(tropa)["missing"], what="all of it", step_s=COSTLY_STEP_S)
            until(lambda: "Готово." in visit(tropa, "/.tropa/deferred", cookie)[0], what="hers")
            sizes = sum(line["size_bytes"] for line in reported(tropa)["here"])
            # All of it again, with the questions around it, would be more than it weighs.
            assert link.carried_bytes - before < sizes, "it went on where it was cut"
            assert asked(tropa.ports["school"], "GET", ARCHIVE, cookie=cookie)[0] == 200
            until(lambda: "teacher@school.example" in took(post), what="her letter", timeout_s=60)
            tropa.clock.move_to(CLOSES + timedelta(seconds=1))
            until(lambda: "it@school.example" in took(post), what="the report", timeout_s=60)
    [hers] = [text for to, _, text in letters(post) if "teacher" in to]
    [report] = [text for to, _, text in letters(post) if "it@" in to]
    assert "/.tropa/deferred" in hers and "plan-uroka.docx" in report


def asked_for_and_wants_a_letter(tropa: TropaAt) -> str:
    """Her cookie: she asked for the archive, and left an address."""
    _, cookie = visit(tropa, "/")
    token = button(visit(tropa, "/.tropa/", cookie, came_from=ARCHIVE)[0], "/.tropa/tonight")
    asked(tropa.ports["school"], "POST", "/.tropa/tonight", urlencode({"token": token}), cookie)
    receipts, _ = visit(tropa, "/.tropa/deferred?filed", cookie)
    form = urlencode({"token": button(receipts, "/.tropa/notify"), "email": "teacher@school.example"})
    assert asked(tropa.ports["school"], "POST", "/.tropa/notify", form, cookie)[0] == 303
    return cookie


def waits_for_the_link(tropa: TropaAt) -> bool:
    """What was under way waits for its next try."""
    found = reported(tropa)
    lines = [line["state"] for line in found["missing"]]
    return "fetching" not in lines and "fetching" not in found["asked"] and bool(lines)


def took(post: PostOffice) -> list[str]:
    """Whom letters have gone to."""
    return [to for to, _, _ in letters(post)]


def letters(post: PostOffice) -> list[tuple[str, str, str]]:
    return [text_of(letter) for letter in list(post.letters)]
