"""Quantities as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from ipaddress import ip_network

import pytest

from policies import units
from policies.faults import Wrong
from policies.model import Period

READ: list[tuple[Callable[[str], object], str, object]] = [
    (units.parse_rate_bps, "256 kbit/s", 256_000),
    (units.parse_rate_bps, "1.5 Mbit/s", 1_500_000),
    (units.parse_rate_bps, "64кбит/с", 64_000),
    (units.parse_rate_bps, "32 kB/s", 256_000),
    (units.parse_bytes, "300 MB", 300_000_000),
    (units.parse_bytes, "16 MiB", 16 * 1024 * 1024),
    (units.parse_bytes, "1.5 GB", 1_500_000_000),
    (units.parse_bytes, "20 МБ", 20_000_000),
    (units.parse_bytes, "1 000 kB", 1_000_000),
    (units.parse_bytes, "0 B", 0),
    (units.parse_seconds, "10 min", 600.0),
    (units.parse_seconds, "2 ч", 7200.0),
    (units.parse_seconds, "1.5 s", 1.5),
    (units.parse_milliseconds, "700 ms", 700),
    (units.parse_milliseconds, "1 s", 1000),
    (units.parse_pixels, "800 px", 800),
    (units.parse_pixels, "800", 800),
    (units.parse_price, "0.40 RUB/MB", (Decimal("0.40"), "RUB")),
    (units.parse_price, "250 руб/ГБ", (Decimal("0.25"), "RUB")),
    (units.parse_price, "0.40 ₽/МБ", (Decimal("0.40"), "RUB")),
    (units.parse_price, "free", (Decimal(0), "")),
    (units.parse_price, "1 USD/GiB", (Decimal(10**6) / 2**30, "USD")),
    (units.parse_period, "месяц", Period.MONTH),
    (units.parse_bytes_per, "300 MB/day", ("300 MB", "day")),
    (units.parse_share, "1/3", 1 / 3),
    (units.parse_share, "33 %", 0.33),
    (units.parse_share, "a third", 1 / 3),
    (units.parse_share, "0.5", 0.5),
    (units.parse_overhead, "6 %", 1.06),
    (units.parse_overhead, "1.06", 1.06),
    (units.parse_clock, "18:00", 1080),
    (units.parse_clock, "8:30", 510),
    (units.parse_clock, "24:00", 1440),
    (units.as_time, 1440, time(0)),
    (units.as_time, 510, time(8, 30)),
    (units.parse_days, "daily", frozenset(range(7))),
    (units.parse_days, "mon-fri", frozenset(range(5))),
    (units.parse_days, "fri-mon", frozenset({4, 5, 6, 0})),
    (units.parse_days, "mon, wed, Sunday", frozenset({0, 2, 6})),
    (units.parse_days, "пн-пт", frozenset(range(5))),
    (units.parse_days, "weekends", frozenset({5, 6})),
    (units.parse_dates, "2026-09-01..2026-09-30", (date(2026, 9, 1), date(2026, 9, 30))),
    (units.parse_dates, "2026-11-04", (date(2026, 11, 4), date(2026, 11, 4))),
    (units.parse_truth, "NO", False),
    (units.parse_truth, "On", True),
    (units.parse_count, "010", 10),
    (units.parse_network, "10.41.0.0/16", ip_network("10.41.0.0/16")),
    (units.parse_network, "10.0.0.7", ip_network("10.0.0.7/32")),
    (units.parse_network, "2001:db8::/32", ip_network("2001:db8::/32")),
    (units.parse_address, "127.0.0.1:8101", ("127.0.0.1", 8101)),
    (units.parse_address, "[::1]:80", ("::1", 80)),
]

REFUSED: list[tuple[Callable[[str], object], str, str]] = [
    (units.parse_rate_bps, "256", "add a unit"),
    (units.parse_rate_bps, "0 kbit/s", "leave the key out"),
    (units.parse_rate_bps, "-5 kbit/s", ""),
    (units.parse_bytes, "300 Mb", "MB"),
    (units.parse_bytes, "300", "add a unit"),
    (units.parse_bytes, "1,5 GB", "point"),
    (units.parse_seconds, "soon", ""),
    (units.parse_pixels, "0", ""),
    (units.parse_pixels, "800 pt", "px"),
    (units.parse_price, "0,40 RUB/MB", "point"),
    (units.parse_price, "0.40 RUB", "RUB/MB"),
    (units.parse_price, "0.40 RUB/B", "MB"),
    (units.parse_price, "0.40 roubles/MB", "RUB"),
    (units.parse_period, "dya", "day"),
    (units.parse_bytes_per, "300 MB", "for which period"),
    (units.parse_share, "0", "part of the whole"),
    (units.parse_share, "3/2", "part of the whole"),
    (units.parse_share, "1/0", "part of the whole"),
    (units.parse_overhead, "0.9", ""),
    (units.parse_clock, "25:00", "hours 00-24"),
    (units.parse_clock, "24:01", "hours 00-24"),
    (units.parse_clock, "12:60", "minutes 00-59"),
    (units.parse_clock, "1200", "hours and minutes"),
    (units.parse_days, "mon-fry", "fri"),
    (units.parse_date, "04.11.2026", "year-month-day"),
    (units.parse_date, "2026-02-30", "year-month-day"),
    (units.parse_dates, "2026-09-30..2026-09-01", "exchange"),
    (units.parse_truth, "maybe", ""),
    (units.parse_count, "ten", "digits"),
    (units.parse_network, "10.41.0.1/16", "10.41.0.0/16"),
    (units.parse_network, "10.41.0.0/33", ""),
    (units.parse_address, "8101", ""),
    (units.parse_address, "::1:80", "brackets"),
    (units.parse_address, "127.0.0.1:99999", ""),
]


@pytest.mark.parametrize(("parse", "written", "value"), READ)
def test_a_quantity_is_read(parse: Callable[[str], object], written: str, value: object) -> None:
    assert parse(written) == value


@pytest.mark.parametrize(("parse", "written", "cure"), REFUSED)
def test_what_could_be_misread_is_refused_with_a_cure(parse: Callable[[str], object], written: str, cure: str) -> None:
    with pytest.raises(Wrong) as wrong:
        parse(written)
    assert cure in wrong.value.cure
