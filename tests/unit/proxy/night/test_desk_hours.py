"""The media desk's fetches in a place's free hours: cut at their end, paid by the place, ended by a spent allowance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.account.state import AddSums
from proxy.media.refs import SourceFailed
from proxy.night.desk_hours import DeskHours
from proxy.night.hours import NightHours
from proxy.operate.night_run import NightRun
from tests.media_desk import ETAG, FakeOrigin
from tests.unit.proxy.night.test_hours import CLOSES, OPENS, Sleeps
from tests.unit.proxy.night.test_toll import DAY, NANO_A_BYTE, TRANCHE_BYTES, Till


class Desk:
    """What the desk is told of a place, at which a test fetch may be under way by day."""

    def __init__(self, till: Till) -> None:
        self.till = till
        run = NightRun(place="tundra", opens=DAY, closes=DAY + timedelta(hours=1), limit_bytes=10**8)
        self.nights = NightHours(
            lambda: till.catalogue, till.state, till.clock, extra=lambda now: run, pause=Sleeps(till.clock)
        )
        self.nights.look_for_runs(DAY)
        self.hours = DeskHours(self.nights, till.toll, lambda: till.catalogue)

    async def fetches(self, nbytes: int, **ref: object) -> int:
        """How many bytes came before it ended, or was ended."""
        origin, got = FakeOrigin(b"x" * nbytes, etag=ETAG), 0
        fetch = self.hours.within(origin.ref(**ref), "tundra", origin.fetch)
        try:
            async with fetch(0, None, None) as answer:
                async for chunk in answer.chunks:
                    got += len(chunk)
        except SourceFailed as failed:
            self.ended = failed.why
        return got

    def receipts(self) -> list[AddSums]:
        return [change for change in self.till.accountant.ledger.changes() if isinstance(change, AddSums)]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    till = Till(tmp_path)
    await till.state.start()
    yield Desk(till)
    await till.state.close()


async def test_a_films_fetch_is_cut_by_the_end_of_the_hours(desk: Desk) -> None:
    desk.till.clock.at = CLOSES - timedelta(seconds=3)
    got = await desk.fetches(8_000_000)
    assert 0 <= got <= 3_200_000 and desk.ended == "window"


async def test_what_came_in_free_hours_is_the_places_own_and_costs_nothing(desk: Desk) -> None:
    desk.till.clock.at = OPENS
    assert await desk.fetches(400_000) == 400_000
    [row] = desk.receipts()
    assert (row.sums.cost_nano, row.key.origin) == (0, "lms")
    assert 400_000 < row.sums.bytes_from_origin < 401_000 and row.sums.bytes_up > 100, "heads count too"
    assert desk.hours.opens_at("tundra", OPENS) is None


async def test_by_day_it_pays_and_is_ended_by_a_spent_allowance(desk: Desk) -> None:
    desk.till.clock.at = DAY
    got = await desk.fetches(4_000_000)
    used = desk.till.used_bytes(DAY)
    assert 0 < got < 1_000_000 and desk.ended == "allowance"
    assert 1_000_000 - TRANCHE_BYTES < used < 1_000_000 + TRANCHE_BYTES
    [row] = desk.receipts()
    assert row.sums.cost_nano == row.sums.metered_bytes * NANO_A_BYTE
    assert desk.hours.opens_at("tundra", DAY) == OPENS, "it goes on when nothing is counted"


async def test_a_source_of_an_origin_that_is_gone_is_not_asked_for(desk: Desk) -> None:
    desk.till.clock.at = OPENS
    assert await desk.fetches(1000, origin="gone") == 0
    assert desk.ended == "needs-visit" and desk.receipts() == []


def test_a_region_that_fetches_nothing_at_night_is_not_held_back(tmp_path: Path) -> None:
    desk, origin = Desk(Till(tmp_path)), FakeOrigin(b"x")
    assert desk.hours.opens_at("elsewhere", CLOSES) is None
    assert desk.hours.within(origin.ref(), "elsewhere", origin.fetch) == origin.fetch
