"""tropa night: the report, the plan, a fetch for a test; and where nothing is fetched."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.account.sqlite import FILE_NAME, SqliteState
from proxy.night.wishes import Wanted, Wishes, wish_id
from proxy.operate.night_run import active_run
from scheduler.night import Why
from scheduler.requests import RequestState
from tests.unit.proxy.cli.commands import NOON, REGIONS, regions_file, tropa

PLACE = "koryak/tigil"
SCHOOL = REGIONS.replace("tropa:\n", "tropa:\n  place: school\n").replace(
    "tigil: {", "tigil: {costly_hop: site_uplink, store: school-box, link: {down: 80 kbit/s}, night: {limit: 5 MB}, "
)
WHERE = ("--region", "koryak", "--site", "tigil")


def wanted(name: str, owner: str = "", size: int = 1_000_000) -> Wanted:
    url = f"https://lms.example.org/pluginfile.php/1/{name}"
    why = Why.QUEUED if owner else Why.FOLLOWED
    return Wanted(
        id=wish_id(PLACE, url, owner), place=PLACE, url=url, title=name, what="asked" if owner else "files", why=why,
        since=NOON, changed=NOON, owner=owner, size_bytes=size,
    )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A school's state folder: one thing here, one that its learner waits for, one too long for a night."""
    folder = tmp_path / "state"
    assert tropa("publish", regions_file(tmp_path, SCHOOL), "--state", folder).code == 0

    async def fill() -> None:
        kept = SqliteState(folder / FILE_NAME)
        await kept.start()
        wishes = Wishes(kept)
        for one in (wanted("here.pdf"), wanted("hers.zip", "anna"), wanted("long.mp4", size=90_000_000)):
            await wishes.add(one, max_open=9)
        await wishes.move(wanted("here.pdf").id, RequestState.READY, NOON)
        await kept.close()

    asyncio.run(fill())
    return folder


def test_the_report_says_what_is_here_and_what_is_missing_and_no_learners_thing(state: Path) -> None:
    ran = tropa("night", "report", "--state", state)
    assert ran.code == 0 and "here.pdf" in ran.out and "long.mp4" in ran.out
    assert "hers.zip" not in ran.out and "queued 1" in ran.out
    found = json.loads(tropa("night", "report", "--json", "--state", state).out)[0]
    assert [line["title"] for line in found["here"]] == ["here.pdf"]
    assert found["asked"] == {"queued": 1} and "anna" not in json.dumps(found)


def test_the_plan_says_what_comes_in_what_order_and_what_it_would_cost_by_day(state: Path) -> None:
    ran = tropa("night", "plan", *WHERE, "--json", "--state", state)
    found = json.loads(ran.out)
    assert [(item["why"], item["bytes"], item["later"]) for item in found] == [
        ("queued", 1_000_000, None),
        ("followed", 4_000_000, "limit"),
    ]
    said = tropa("night", "plan", *WHERE, "--state", state).out
    assert "hers.zip" not in said and "2.12 RUB" in said
    assert said.splitlines()[0].startswith("2026-11-24 08:00 - 2026-11-24 16:00")


def test_a_plan_for_an_hour_within_the_free_ones_begins_then(state: Path) -> None:
    ran = tropa("night", "plan", *WHERE, "--at", "2026-11-24T15:00", "--json", "--state", state)
    assert json.loads(ran.out)[0]["starts"] == "2026-11-24T15:00:00+12:00"


def test_a_fetch_for_a_test_must_be_meant_and_ends_by_itself(state: Path) -> None:
    assert tropa("night", "run", *WHERE, "--state", state).code == 2
    assert tropa("night", "run", *WHERE, "--now", "--for", "3h", "--state", state).code == 2
    ran = tropa("night", "run", *WHERE, "--now", "--for", "5m", "--limit", "5 MB", "--state", state)
    assert ran.code == 0, ran.err
    run = active_run(state, NOON)
    assert run is not None and (run.place, run.limit_bytes) == (PLACE, 5_000_000)
    assert active_run(state, NOON + timedelta(minutes=5)) is None


def test_where_it_is_of_no_use_that_is_said(state: Path, tmp_path: Path) -> None:
    ran = tropa("night", "plan", "--region", "town", "--state", state)
    assert ran.code == 2 and "saves nothing" in ran.out
    assert tropa("night", "plan", "--state", state).code == 2
    checked = tropa("check", regions_file(tmp_path, SCHOOL.replace("place: school", "place: centre")))
    assert checked.code == 0 and "the school's own box fetches at night" in checked.out
