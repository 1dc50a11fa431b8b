"""Days and weeks made of hours: a region's own, whole, and the same however often they are made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policies.model import Limits
from proxy.account.ledger import report
from proxy.account.rollup import kept_at, roll_up, span_end, span_start
from proxy.account.state import AddSums, LedgerKey, RolledQuery, Span, State, Sums, Sweep

ZONES = {"koryak": ZoneInfo("Asia/Kamchatka"), "samara": ZoneInfo("Europe/Samara"), "berlin": ZoneInfo("Europe/Berlin")}
FIRST = datetime(2026, 10, 19, tzinfo=UTC)  # a Monday; Berlin's clocks go back on the 25th
REGIONS = ("koryak", "samara", "berlin", "gone")


async def an_hour(state: State, hour: datetime, nbytes: int = 1) -> None:
    for region in REGIONS:
        key = LedgerKey(hour=hour, region=region, site="", origin="lms", traffic_class="lesson", kind="page")
        await state.commit([AddSums(key=key, sums=Sums(exchanges=1, bytes_direct=nbytes))])


async def lines(state: State, span: Span) -> dict[tuple[str, str], int]:
    found = await state.list(RolledQuery(span=span))
    return {(one.key.region, one.key.hour.isoformat()[:16]): one.sums.exchanges for one in found}


async def test_a_day_is_the_regions_own_also_when_the_clocks_change(state: State) -> None:
    for hour in range(24 * 9):
        await an_hour(state, FIRST + timedelta(hours=hour))
    await roll_up(state, ZONES, FIRST + timedelta(days=9))
    days = await lines(state, Span.DAY)
    assert days["koryak", "2026-10-19T12:00"] == 24
    assert days["samara", "2026-10-19T20:00"] == 24
    assert days["berlin", "2026-10-24T22:00"] == 25
    assert days["gone", "2026-10-20T00:00"] == 24
    weeks = await lines(state, Span.WEEK)
    assert weeks == {
        ("koryak", "2026-10-18T12:00"): 156,
        ("samara", "2026-10-18T20:00"): 164,
        ("berlin", "2026-10-18T22:00"): 167,
        ("gone", "2026-10-19T00:00"): 168,
    }


async def test_what_isnt_over_is_not_rolled_up_and_what_was_missed_is_caught_up(state: State) -> None:
    for day in range(40):
        await an_hour(state, FIRST + timedelta(days=day, hours=6))
    await roll_up(state, ZONES, FIRST + timedelta(days=1, hours=11))
    assert ("koryak", "2026-10-19T12:00") not in await lines(state, Span.DAY)
    await roll_up(state, ZONES, FIRST + timedelta(days=40, hours=12))
    assert len({start for region, start in await lines(state, Span.DAY) if region == "koryak"}) == 40


async def test_rolling_up_again_changes_nothing_and_takes_in_what_came_late(state: State) -> None:
    now = FIRST + timedelta(days=15)
    for hour in range(0, 24 * 15, 6):
        await an_hour(state, FIRST + timedelta(hours=hour))
    await roll_up(state, ZONES, now)
    before = await state.list(RolledQuery(span=Span.DAY)), await state.list(RolledQuery(span=Span.WEEK))
    await roll_up(state, ZONES, now)
    await roll_up(state, ZONES, now - timedelta(days=3))
    assert (await state.list(RolledQuery(span=Span.DAY)), await state.list(RolledQuery(span=Span.WEEK))) == before
    await an_hour(state, FIRST + timedelta(days=13, hours=2))
    await roll_up(state, ZONES, now)
    assert (await lines(state, Span.DAY))["gone", "2026-11-01T00:00"] == 5


async def test_a_report_goes_further_back_than_hours_are_kept_and_counts_nothing_twice(state: State) -> None:
    limits, now = Limits(hourly_sums_days=20, daily_sums_days=60, weekly_sums_days=400), FIRST + timedelta(days=120)
    for day in range(120):
        await an_hour(state, FIRST + timedelta(days=day, hours=6), nbytes=10)
    await roll_up(state, ZONES, now)
    whole = await report(state, by=("region",))
    ago = {name: now - timedelta(days=days) for name, days in (("hour", 20), ("day", 60), ("week", 400))}
    sweep = Sweep(marks_until=now, ledger_before=ago["hour"], days_before=ago["day"], weeks_before=ago["week"])
    await state.commit([sweep])
    kept = await report(state, by=("region",), zones=ZONES, kept=kept_at(limits, now))
    assert {row.group: row.sums for row in kept} == {row.group: row.sums for row in whole}
    last = await report(state, since=now - timedelta(days=5), by=("day",), zones=ZONES, kept=kept_at(limits, now))
    assert [row.group[0] for row in last] == [f"2027-02-{day}" for day in range(11, 16)]
    weekly = await report(state, by=("week",), zones=ZONES, kept=kept_at(limits, now))
    assert weekly[0].group == ("2026-W43",) and weekly[0].sums.exchanges == 28


@pytest.mark.parametrize("zone", ["Asia/Kamchatka", "Europe/Berlin", "America/Havana"])
def test_a_day_ends_where_the_next_begins(zone: str) -> None:
    info = ZoneInfo(zone)
    for number in range(370):
        day = date(2026, 1, 1) + timedelta(days=number)
        assert span_end(Span.DAY, day, info) == span_start(Span.DAY, day + timedelta(days=1), info)
        assert span_start(Span.WEEK, day, info) <= span_start(Span.DAY, day, info) < span_end(Span.WEEK, day, info)
