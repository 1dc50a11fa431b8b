"""A school's box as it is run: what the second learner costs its line; after a kill -9, a purge, a stick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Learner, Reply

SCHOOL = {**METERED, "costly_hop": "site_uplink", "store": "school-box"}
STYLE = {"Accept": "text/css,*/*;q=0.1", "Sec_Fetch_Dest": "style"}


@pytest.fixture
def regions(course: RunningCourse) -> Regions:
    return Regions(course_port=course.port, places={"school": SCHOOL}, settings={"place": "school"}, forward="school")


@pytest.fixture
def school(regions: Regions, tmp_path: Path) -> Iterator[TropaProcess]:
    with tropa_process(regions, tmp_path / "tropa") as running:
        yield running


def style_sheet(learner: Learner) -> str:
    """The path of the theme's style sheet, as a page names it."""
    page = learner.ask("/mod/page/view.php?id=101").text
    addresses = (part.partition('"')[0] for part in page.split('href="'))
    return urlsplit(next(address for address in addresses if "/theme/styles.php/" in address)).path


def status_of(reply: Reply) -> str:
    return reply.get("Cache-Status").removeprefix("tropa; ")


def test_what_one_learner_had_is_there_for_the_next_also_after_a_kill(
    school: TropaProcess, regions: Regions, tmp_path: Path
) -> None:
    anna, boris = (Learner(school.ports["school"]) for _ in range(2))
    anna.log_in("teacher1", USERS["teacher1"].password)
    sheet = style_sheet(anna)
    first = anna.ask(sheet, **STYLE)
    assert first.status == 200 and status_of(first).startswith("fwd=")
    boris.log_in("teacher2", USERS["teacher2"].password)
    second = until(lambda: _hit(boris.ask(sheet, **STYLE)), what="a hit")
    assert second.body
    school.kill()
    with tropa_process(regions, tmp_path / "tropa") as again:
        clara = Learner(again.ports["school"])
        third = clara.ask(sheet, **STYLE)
        assert status_of(third).startswith("hit")
        receipt = again.logged(url=sheet, store="shared")
        assert receipt["bytes_from_origin"] == 0
        inspected = again.command("cache", "inspect", "--state", str(again.state_dir), "--lang", "en")
        assert inspected.returncode == 0 and sheet.partition("?")[0] in inspected.stdout
        purged = again.command("cache", "purge", f"*{sheet.partition('?')[0]}*", "--state", str(again.state_dir))
        assert purged.returncode == 2, "a pattern without a scheme may be a slip"
        purged = again.command("cache", "purge", f"http*://*{sheet}", "--state", str(again.state_dir))
        assert purged.returncode == 0
        until(lambda: status_of(clara.ask(sheet, **STYLE)).startswith("fwd="), what="the purge to be noticed")


def _hit(reply: Reply) -> Reply | None:
    return reply if status_of(reply).startswith("hit") else None


def test_a_stick_serves_a_school_that_has_no_link(school: TropaProcess, course: RunningCourse, tmp_path: Path) -> None:
    anna = Learner(school.ports["school"])
    sheet = style_sheet(anna)
    until(lambda: _hit(anna.ask(sheet, **STYLE)), what="it to be stored")
    stick = tmp_path / "stick"
    assert school.command("cache", "export", str(stick), "--state", str(school.state_dir)).returncode == 0
    far = Regions(
        course_port=9,
        ports=school.regions.ports,
        places={"school": SCHOOL},
        settings={"place": "school"},
        forward="school",
    )
    school.kill()
    with tropa_process(far, tmp_path / "far") as village:
        done = village.command("cache", "import", str(stick), "--state", str(village.state_dir))
        assert done.returncode == 0, done.stderr
        reply = until(
            lambda: _hit(Learner(village.ports["school"]).ask(sheet, **STYLE)), what="the import to be noticed"
        )
    assert reply.status == 200 and reply.body
