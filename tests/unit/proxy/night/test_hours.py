"""The free hours of a place: open or shut at every chunk, what was taken, what another process knows of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue
from proxy.account.sqlite import SqliteState
from proxy.night.hours import NightHours
from proxy.operate.night_run import NightRun, active_run, set_run
from scheduler.night import Why
from tests.clocks import HandClock
from tests.media_desk import START

OPENS = datetime(2026, 11, 23, 16, tzinfo=UTC)  # 23:00 in Krasnoyarsk
CLOSES = OPENS + timedelta(hours=8)
REGIONS = """
tropa: {place: school}
regions:
  tundra:
    timezone: Asia/Krasnoyarsk
    networks: [10.0.0.0/8]
    policy: open
    costly_hop: site_uplink
    store: school-box
    link: {down: 80 kbit/s}
    tariff: {price: 1 RUB/MB, free: 23:00-07:00}
    night: {limit: 100 kB, often: 30 kB, rate_share: 1/2}
"""


class Sleeps:
    """Moves the clock instead of sleeping."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.slept_s = 0.0

    async def __call__(self, seconds: float) -> None:
        self.slept_s += seconds
        self.clock.moves(seconds)


class Box:
    def __init__(self, catalogue: Catalogue, state: SqliteState, folder: Path) -> None:
        self.clock, self.state, self.folder = HandClock(START), state, folder
        self.clock.at = OPENS
        self.sleeps = Sleeps(self.clock)
        self.place = catalogue.territories["tundra", None]
        self.catalogue = catalogue
        self.hours = self.another()

    def another(self) -> NightHours:
        """As the next process has it."""
        return NightHours(
            lambda: self.catalogue,
            self.state,
            self.clock,
            extra=lambda now: active_run(self.folder, now),
            pause=self.sleeps,
        )


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    path = tmp_path / "regions.yaml"
    path.write_text(REGIONS)
    state = SqliteState(tmp_path / "tropa.db")
    await state.start()
    yield Box(read_catalogue(path), state, tmp_path)
    await state.close()


async def test_chunks_come_at_half_of_the_links_speed(box: Box) -> None:
    pace = box.hours.pace(box.place, Why.QUEUED)
    assert [await pace(10_000) for _ in range(3)] == [True] * 3
    assert box.sleeps.slept_s == pytest.approx(4.0)  # 10 kB take 2 s at 40 kbit/s


async def test_nothing_comes_before_the_hours_nor_after_them(box: Box) -> None:
    pace = box.hours.pace(box.place, Why.QUEUED)
    for instant, expected in ((OPENS - timedelta(seconds=1), False), (CLOSES, False), (CLOSES - timedelta(1), False)):
        box.clock.at = instant
        assert await pace(1) is expected
    box.clock.at = CLOSES - timedelta(seconds=1)
    assert await pace(10_000)
    assert not await pace(10_000), "the next one would come after the end"


async def test_the_limit_is_passed_by_no_more_than_a_chunk_also_by_the_next_process(box: Box) -> None:
    pace = box.hours.pace(box.place, Why.QUEUED)
    taken = 0
    while await pace(30_000):
        taken += 30_000
    assert taken == 120_000
    await box.hours.write_down(box.clock.now())
    again = box.another()
    await again.start(box.clock.now())
    assert not await again.pace(box.place, Why.QUEUED)(1)
    assert again.opens_at("tundra", box.clock.now()) == OPENS + timedelta(days=1)


async def test_what_is_opened_often_has_its_own_limit(box: Box) -> None:
    often = box.hours.pace(box.place, Why.OFTEN)
    assert await often(30_000) and not await often(1)
    assert await box.hours.pace(box.place, Why.FOLLOWED)(1)


async def test_a_region_without_free_hours_here_is_not_held_back(box: Box) -> None:
    assert box.hours.opens_at("elsewhere", CLOSES) is None


async def test_a_test_fetch_opens_the_hours_for_so_long_and_so_much(box: Box) -> None:
    noon = CLOSES + timedelta(hours=4)
    run = NightRun(place="tundra", opens=noon, closes=noon + timedelta(minutes=5), limit_bytes=10_000)
    set_run(box.folder, run)
    box.clock.at = noon
    box.hours.look_for_runs(noon)
    pace = box.hours.pace(box.place, Why.QUEUED)
    assert await pace(10_000) and not await pace(1)
    box.clock.at = run.closes
    assert box.hours.night(box.place, run.closes) is None
    (box.folder / "night-run.json").write_text("{")
    assert active_run(box.folder, noon) is None, "a damaged file begins nothing"
