"""A school's box whose uplink is cut, and whose process is killed while it sends what was written meanwhile."""

from __future__ import annotations

import copy
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from proxy.demo.course import RunningCourse
from proxy.demo.course.catalog import COURSE_ID
from proxy.demo.course.state import USERS
from tests.e2e.harness.course import running_course
from tests.e2e.harness.cuts import Link
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Learner, value_of

# The hop that costs is the teachers' own, so that versions are made at once and not in the free hours alone.
SCHOOL: dict[str, Any] = {**copy.deepcopy(METERED), "costly_hop": "learner_link", "store": "school-box"}
SETTINGS = {"place": "school", "outage": {"probe_first": "200 ms", "probe_slowest": "500 ms"}}
ANNA, BORIS = USERS["teacher1"], USERS["teacher2"]
COURSE, LECTURE, NEVER = f"/course/view.php?id={COURSE_ID}", "/mod/page/view.php?id=151", "/mod/page/view.php?id=112"
DISCUSSION, QUIZ, SUBMIT = "/mod/forum/discuss.php?d=11", "/mod/quiz/view.php?id=191", "/mod/forum/post.php"
TEXT = "Спасибо за лекцию. Обратную связь по голосу попробую в пятницу."
READY_MS = 120_000
KILLS = 10


@dataclass
class School:
    """A course, the uplink to it, and the box at the school."""

    course: RunningCourse
    uplink: Link
    box: TropaProcess

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.box.ports['school']}"

    def learner(self) -> Learner:
        learner = Learner(self.box.ports["school"])
        learner.log_in(ANNA.login, ANNA.password)
        return learner

    def without_link(self) -> None:
        """Cut it, and wait until the box knows."""
        self.uplink.cut()
        stranger = Learner(self.box.ports["school"])
        until(lambda: stranger.ask(NEVER).status == 503, what="the box to know that its link is down")


def regions_for(port: int) -> Regions:
    return Regions(course_port=port, places={"school": SCHOOL}, settings=SETTINGS)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with running_course() as course:
        uplink = Link(course.port)
        with tropa_process(regions_for(uplink.port), tmp_path_factory.mktemp("school")) as box:
            yield School(course, uplink, box)
        uplink.close()


# -- killed in the middle ----------------------------------------------------------------------------------------------


def test_a_process_killed_while_it_sends_loses_and_doubles_nothing(school: School, tmp_path: Path) -> None:
    chance, state_dir = random.Random(7), tmp_path / "state"
    learner, told = Learner(0), [f"Сообщение номер {number}: написано без связи." for number in range(KILLS)]
    for number, text in enumerate(told):
        with tropa_process(regions_for(school.uplink.port), tmp_path / str(number), state_dir=state_dir) as box:
            there = School(school.course, school.uplink, box)
            learner.port = box.ports["school"]
            if number == 0:
                learner.log_in(ANNA.login, ANNA.password)
            write_without_link(there, learner, text)
            until(lambda: learner.ask(COURSE).status == 200, what="the link to be seen")
            time.sleep(chance.uniform(0, 0.12))  # wherever its sending is by now
            box.kill()
    with tropa_process(regions_for(school.uplink.port), tmp_path / "last", state_dir=state_dir) as box:
        learner.port = box.ports["school"]
        last = School(school.course, school.uplink, box)
        until(lambda: is_settled(last, learner), what="an end of all", timeout_s=60)
    posted = [post.message for post in school.course.state.posts if post.message.startswith("Сообщение номер")]
    assert sorted(posted) == sorted(told)


def write_without_link(school: School, learner: Learner, text: str) -> None:
    """Written, kept, told; then the link is back."""
    school.without_link()
    reply = learner.post(SUBMIT, message_of(learner, text))
    assert reply.status == 303 and "/.tropa/outbox/" in reply.get("Location")
    school.uplink.mend()


def message_of(learner: Learner, text: str) -> dict[str, str]:
    kept = learner.ask(DISCUSSION)
    token = value_of(kept.text, "sesskey") if kept.status == 200 else "of-a-page-that-is-gone"
    return {"sesskey": token, "d": "11", "reply": "1", "subject": "Re: Связь", "message": text}


def is_settled(school: School, learner: Learner) -> bool:
    """Answer what is asked as somebody who looks at the forum; whether nothing is open any more."""
    page = learner.ask("/.tropa/outbox").text
    for receipt in set(re.findall(r'href="(/\.tropa/outbox/[^"]+)"', page)):
        text = learner.ask(receipt).text
        if "Решите, что делать" in text:
            hers = re.search(r'class="tropa-hers"[^>]*>([^<]*)<', text)
            assert hers is not None
            there = any(post.message == unescape(hers[1]) for post in school.course.state.posts)
            act = "arrived" if there else "again"
            learner.post(f"/.tropa/outbox/{act}", {"token": value_of(text, "token")})
    states = re.findall(r"<h1>([^<]*)</h1>", "".join(learner.ask(one).text for one in receipts_of(learner)))
    return bool(states) and all("отправлено" in state for state in states)


def receipts_of(learner: Learner) -> list[str]:
    return sorted(set(re.findall(r'href="(/\.tropa/outbox/[^"]+)"', learner.ask("/.tropa/outbox").text)))
