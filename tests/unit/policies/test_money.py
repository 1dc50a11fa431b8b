from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from policies.model import Period, Windows
from policies.money import (
    cost,
    free_windows,
    is_free,
    metered,
    money_now,
    next_price_change,
    payload_of,
    period_bounds,
    price_at,
)
from tests.builders import MOSCOW, a_tariff, a_window, an_allowance, windows_of


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


NIGHT = windows_of(a_window("23:00", "07:00"))


def test_a_day_runs_from_renewal_to_renewal_on_the_operators_clock() -> None:
    daily = an_allowance(renew_time="03:00")
    assert period_bounds(daily, moscow("2026-11-23T02:59:59")) == (
        moscow("2026-11-22T03:00:00"),
        moscow("2026-11-23T03:00:00"),
    )
    assert period_bounds(daily, moscow("2026-11-23T03:00:00"))[0] == moscow("2026-11-23T03:00:00")


def test_a_month_renews_on_its_day() -> None:
    monthly = an_allowance(period=Period.MONTH, renew_day=14)
    assert period_bounds(monthly, moscow("2026-11-13T23:00:00")) == (
        moscow("2026-10-14T00:00:00"),
        moscow("2026-11-14T00:00:00"),
    )


def test_a_month_that_is_shorter_renews_on_its_last_day() -> None:
    monthly = an_allowance(period=Period.MONTH, renew_day=31)
    assert period_bounds(monthly, moscow("2027-02-10T00:00:00")) == (
        moscow("2027-01-31T00:00:00"),
        moscow("2027-02-28T00:00:00"),
    )


def test_a_week_renews_on_its_weekday() -> None:
    weekly = an_allowance(period=Period.WEEK, renew_day=2)
    assert period_bounds(weekly, moscow("2026-11-23T00:00:00")) == (
        moscow("2026-11-18T00:00:00"),
        moscow("2026-11-25T00:00:00"),
    )


def test_a_renewal_in_a_gap_happens_at_the_gaps_end() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    daily = an_allowance(zone=berlin, renew_time="02:30")
    start, _ = period_bounds(daily, datetime(2026, 3, 29, 12, tzinfo=berlin))
    assert start == datetime.fromisoformat("2026-03-29T01:00:00+00:00")


def test_the_price_is_nothing_in_a_free_window_and_changes_at_its_end() -> None:
    tariff = a_tariff(free=NIGHT)
    assert price_at(tariff, moscow("2026-11-23T23:30:00")) == 0
    assert price_at(tariff, moscow("2026-11-23T12:00:00")) == Decimal("0.40")
    assert next_price_change(tariff, moscow("2026-11-23T23:30:00")) == moscow("2026-11-24T07:00:00")


def test_the_first_open_price_window_wins() -> None:
    tariff = a_tariff(
        free=Windows(),
        price_windows=(a_window("08:00", "12:00", price_per_mb="0.10"), a_window("10:00", "20:00", price_per_mb="0")),
    )
    assert price_at(tariff, moscow("2026-11-23T11:00:00")) == Decimal("0.10")
    assert not is_free(tariff, moscow("2026-11-23T11:00:00"))
    assert is_free(tariff, moscow("2026-11-23T12:00:00"))
    assert next_price_change(tariff, moscow("2026-11-23T08:00:00")) == moscow("2026-11-23T10:00:00")


@pytest.mark.parametrize(
    ("tariff", "free"),
    [
        (a_tariff(price="0", free=Windows()), True),
        (a_tariff(price="0", free=Windows(), allowances=(an_allowance(),)), False),
        (a_tariff(price="0.40", free=Windows()), False),
        (a_tariff(price="0.40", free=Windows(always=True)), True),
        (a_tariff(price="0", free=NIGHT), False),
    ],
)
def test_a_channel_is_free_where_nothing_is_counted(tariff, free) -> None:  # type: ignore[no-untyped-def]
    noon = moscow("2026-11-23T12:00:00")
    assert is_free(tariff, noon) is free
    assert free_windows(tariff).always is free
    assert money_now(tariff, noon).free is free


def test_metered_bytes_carry_the_overhead_rounded_up() -> None:
    tariff = a_tariff(overhead_factor=1.06)
    assert metered(100, tariff) == 106
    assert metered(1, tariff) == 2
    assert metered(0, tariff) == 0


@pytest.mark.parametrize("left", [0, 1, 105, 106, 107, 10**9])
def test_a_payload_never_meters_more_than_what_it_was_made_from(left: int) -> None:
    tariff = a_tariff(overhead_factor=1.06)
    assert metered(payload_of(left, tariff), tariff) <= left
    assert metered(payload_of(left, tariff) + 1, tariff) > left


def test_a_megabyte_is_a_million_bytes() -> None:
    assert cost(2_500_000, Decimal("0.40")) == Decimal("1.00")
