"""What a night's fetches cost their place: receipts, prices by the instant, allowances that end a fetch."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.load import read_catalogue
from policies.model import Catalogue
from proxy.account.account import Accountant
from proxy.account.allowances import TRANCHE_BYTES
from proxy.account.log import AccessLog
from proxy.account.sqlite import SqliteState
from proxy.account.state import AddSums, LedgerQuery
from proxy.night.toll import SPENT, Fetching, Toll
from proxy.operate.night_run import NightRun, set_run
from proxy.runtime import runtime_of
from scheduler.requests import RequestState
from tests.clocks import HandClock
from tests.media_desk import START
from tests.unit.proxy.night.schools import (
    ETAG,
    FILE,
    REGIONS,
    SITE,
    STORED,
    School,
    an_accountant,
    answer,
    school,
)
from tests.unit.proxy.night.test_hours import CLOSES, OPENS

DAY = OPENS - timedelta(hours=6)
CAPPED = ", allowance: {amount: 1 MB, per: day, scope: region, counts_when_free: FREE}"
PIECE = 65_536
NANO_A_BYTE = 1000  # 1 RUB/MB


async def rows(here: School) -> list[AddSums]:
    await here.accountant.flush()
    return list(await here.office.state.list(LedgerQuery(since=DAY - timedelta(days=1), until=CLOSES)))


def begins_by_day(here: School, folder: Path) -> None:
    here.office.clock.at = DAY
    set_run(folder, NightRun(place="tundra", opens=DAY, closes=DAY + timedelta(hours=1), limit_bytes=10**8))
    here.fetcher.hours.look_for_runs(DAY)


def whole(nbytes: int) -> bytes:
    return answer("200 OK", b"y" * nbytes, f"ETag: {ETAG}", "Cache-Control: private", "Content-Type: application/zip")


async def test_what_comes_in_free_hours_is_the_places_own_and_costs_nothing(tmp_path: Path) -> None:
    async with school(tmp_path) as here:
        await here.worked((await here.wish(FILE)).id)
        [row] = await rows(here)
        assert (row.sums.exchanges, row.sums.bytes_from_origin, row.sums.cost_nano) == (1, len(STORED), 0)
        assert row.sums.bytes_to_learner == row.sums.bytes_direct == 0
    [line] = [json.loads(text) for file in (tmp_path / "log").iterdir() for text in file.read_text().splitlines()]
    assert (line["treatment"], line["status"], line["kind"]) == ("night", 200, "archive")
    assert line["url"].endswith(FILE) and line["error"] is None


async def test_what_comes_in_paid_hours_is_paid_at_their_price(tmp_path: Path) -> None:
    async with school(tmp_path, whole(300_000)) as here:
        begins_by_day(here, tmp_path)
        done = await here.worked((await here.wish(FILE)).id)
        assert done.state is RequestState.READY
        [row] = await rows(here)
        assert row.sums.metered_bytes >= 300_000
        assert row.sums.cost_nano == row.sums.metered_bytes * NANO_A_BYTE


async def test_a_spent_allowance_ends_a_fetch_and_begins_no_other(tmp_path: Path) -> None:
    async with school(tmp_path, whole(3_000_000), allowance=CAPPED.replace("FREE", "false")) as here:
        begins_by_day(here, tmp_path)
        done = await here.worked((await here.wish(FILE)).id)
        assert (done.state, done.reason) == (RequestState.WAITING, SPENT)
        used = here.accountant.usage(here.place, "", DAY).allowances[0].used_bytes
        assert 1_000_000 - TRANCHE_BYTES < used < 1_000_000 + TRANCHE_BYTES
        asked = len(here.asked)
        await here.wish(f"{FILE}?another")
        for _ in range(3):
            await here.fetcher.tick()
        await asyncio.sleep(0.05)
        assert len(here.asked) == asked


@pytest.mark.parametrize(("counts", "state"), [("false", RequestState.READY), ("true", RequestState.WAITING)])
async def test_free_hours_draw_from_an_allowance_only_where_it_counts_in_them(
    tmp_path: Path, counts: str, state: RequestState
) -> None:
    async with school(tmp_path, whole(2_000_000), allowance=CAPPED.replace("FREE", counts)) as here:
        assert (await here.worked((await here.wish(FILE)).id)).state is state


async def test_each_question_about_a_course_is_a_receipt_with_its_true_bytes(tmp_path: Path) -> None:
    courses, told = b'{"courses": []}', json.dumps([]).encode()
    follow = "follow: {origin: lms, course: 5, what: files},"
    answers = (answer("200 OK", b"{}"), answer("200 OK", courses), answer("200 OK", told))
    async with school(tmp_path, *answers, follow=follow) as here:
        await here.fetcher.tick()
        async with asyncio.timeout(20):
            while sum(row.sums.exchanges for row in await rows(here)) < 3:
                await asyncio.sleep(0.01)
        found = await rows(here)
        assert sum(row.sums.bytes_from_origin for row in found) == sum(map(len, answers))
        assert sum(row.sums.bytes_up for row in found) > 0


async def test_a_course_that_an_allowance_has_no_room_to_look_at_is_a_trouble(tmp_path: Path) -> None:
    follow = "follow: {origin: lms, course: 5, what: files},"
    async with school(tmp_path, follow=follow, allowance=CAPPED.replace("FREE", "true")) as here:
        here.accountant.allowances.count(here.place, "", 999_999, OPENS)
        await here.fetcher.tick()
        async with asyncio.timeout(20):
            while "tundra" not in here.fetcher.looking.troubles:
                await asyncio.sleep(0.01)
        assert here.fetcher.looking.troubles["tundra"].why == SPENT and here.asked == []


# -- the law -------------------------------------------------------------------------------------------------------


class Till:
    """A toll with nothing around it; its state isn't started."""

    def __init__(self, folder: Path) -> None:
        path = folder / "regions.yaml"
        allowance = CAPPED.replace("FREE", "false")
        path.write_text(REGIONS.replace("PORT", "9").replace("FOLLOW", "").replace("ALLOWANCE", allowance))
        (folder / "token").touch(mode=0o600)
        self.catalogue: Catalogue = read_catalogue(path)
        self.clock = HandClock(START)
        self.clock.at = DAY
        log = AccessLog(folder / "log", max_days=1, max_bytes=10**6)
        self.state = SqliteState(folder / "tropa.db")
        self.accountant: Accountant = an_accountant(self.state, self.clock, self.catalogue, log)
        self.runtime = runtime_of(self.catalogue, b"s" * 32)
        self.toll = Toll(self.accountant, self.clock, lambda: self.runtime)
        self.place = self.catalogue.territories["tundra", None]

    async def fetches(self, pieces: list[int]) -> bool:
        """Whether it was let go on to its end."""
        fetching = Fetching(territory=self.place, origin=self.catalogue.origins["lms"], url=SITE + FILE)
        with self.toll.fare(fetching, at_once) as fare:
            for nbytes in pieces:
                if not await fare.came(nbytes):
                    break
            fare.told(200, fare.from_origin_bytes)
            return not fare.refused

    def used_bytes(self, at: datetime) -> int:
        return self.accountant.usage(self.place, "", at).allowances[0].used_bytes


async def at_once(nbytes: int) -> bool:
    return True


fetched = st.lists(st.lists(st.integers(1, PIECE), min_size=1, max_size=12), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fetched)
def test_whatever_is_fetched_an_allowance_isnt_passed_by_a_tranche_while_fetches_begin_only_with_room(
    tmp_path: Path, fetches: list[list[int]]
) -> None:
    till = Till(tmp_path)

    async def all_of_them() -> None:
        for pieces in fetches:
            if not till.toll.has_room(till.place, DAY):
                assert till.used_bytes(DAY) > 1_000_000 - TRANCHE_BYTES
                return
            went_on = await till.fetches(pieces)
            assert went_on or till.used_bytes(DAY) > 1_000_000 - TRANCHE_BYTES
            assert till.used_bytes(DAY) < 1_000_000 + TRANCHE_BYTES

    asyncio.run(all_of_them())


async def test_a_fetch_across_the_first_free_minute_pays_for_what_came_before_it(tmp_path: Path) -> None:
    till = Till(tmp_path)
    till.clock.at = OPENS - timedelta(seconds=1)
    fetching = Fetching(territory=till.place, origin=till.catalogue.origins["lms"], url=SITE + FILE)
    with till.toll.fare(fetching, at_once) as fare:
        assert await fare.came(50_000)
        till.clock.at = OPENS
        assert await fare.came(60_000)
    overhead = till.place.tariff.overhead_factor
    [row] = [change for change in till.accountant.ledger.changes() if isinstance(change, AddSums)]
    assert row.sums.cost_nano == round(50_000 * overhead) * NANO_A_BYTE
