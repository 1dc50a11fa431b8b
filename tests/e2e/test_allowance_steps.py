"""What is left of a day's megabytes: pictures get smaller at 80 % and again at 95 %, at the end only what counts and
the forum's words open, and at the operator's midnight everything is as before."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.demo.course.state import USERS
from tests.e2e.harness.course import running_course
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaAt, tropa_at
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Learner

NOON = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)  # half past twelve in Kamchatka
MIDNIGHT = datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)
PHOTOS, QUIZ, DISCUSSION = "/mod/page/view.php?id=131", "/mod/quiz/view.php?id=191", "/mod/forum/discuss.php?d=11"
TARIFF = {"price": "0.40 RUB/MB", "allowance": {"amount": "300 MB", "per": "day", "scope": "region", "then": "stop"}}
VILLAGE = {"tariff": TARIFF, "link": {"down": "8 Mbit/s"}}
TEACHER = USERS["teacher1"]


@pytest.fixture
def village(tmp_path: Path) -> Iterator[tuple[TropaAt, Learner]]:
    with running_course() as course:
        regions = Regions(course_port=course.port, places={"village": {**METERED, **VILLAGE}})
        with tropa_at(NOON, regions, tmp_path) as tropa:
            learner = Learner(tropa.ports["village"])
            learner.log_in(TEACHER.login, TEACHER.password)
            yield tropa, learner


def count(tropa: TropaAt, megabytes: int) -> None:
    """As IT staff correct it by what the operator shows. Another clock than its own: it awaits nothing."""
    words = ["allowance", "correct", "village", "--scope", "region", "--add", f"{megabytes}MB", "--patience", "0"]
    assert main([*words, "--state", str(tropa.state_dir)], out=io.StringIO()) == 0


def picture_of(learner: Learner, photo: str) -> int:
    """How large a photograph comes, once it is made."""
    seen: list[int] = []

    def made() -> bool:
        reply = learner.ask(photo, Accept="image/webp,*/*", Sec_Fetch_Dest="image")
        seen.append(len(reply.body))
        return reply.status == 200 and reply.get("Content-Type") == "image/webp"

    until(made, what="the smaller picture")
    return seen[-1]


def test_the_last_megabytes_last_longer_and_come_back_at_midnight(village: tuple[TropaAt, Learner]) -> None:
    tropa, learner = village
    photo = re.findall(r'src="(/pluginfile\.php/[^"]+\.jpg)"', learner.ask(PHOTOS).text)[0]
    sizes = [picture_of(learner, photo)]
    for megabytes in (245, 45):  # above 80 %, then above 95 %
        count(tropa, megabytes)
        until(lambda: picture_of(learner, photo) < sizes[-1], what="a smaller one")
        sizes.append(picture_of(learner, photo))
    page = learner.ask(PHOTOS)
    assert page.status == 200 and "осталось" in page.text
    count(tropa, 20)
    until(lambda: learner.ask(PHOTOS).status == 503, what="the end of it")
    assert learner.ask(PHOTOS).get("Retry-After")
    assert learner.ask(QUIZ).status == 200 and learner.ask(DISCUSSION).status == 200
    tropa.clock.move_to(MIDNIGHT)
    assert learner.ask(PHOTOS).status == 200
    assert picture_of(learner, photo) == sizes[0]
