"""What a megabyte costs, and between which instants an allowance runs.

Laws of this file: money is Decimal; a megabyte is 1,000,000 bytes; instants handed out are in UTC; a renewal whose
local time falls into a DST gap happens at the gap's end, in a fold at the first of the two.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from policies.facts import AllowanceUse, Usage
from policies.frozen import Frozen
from policies.model import Allowance, Period, Tariff, Window, Windows
from policies.windows import HORIZON_DAYS, first_instant, is_open, next_change, open_window

BYTES_PER_MB = 1_000_000
_FREE = Decimal(0)
_HORIZON = timedelta(days=HORIZON_DAYS)
_MILLION = 1_000_000


def period_bounds(allowance: Allowance, now: datetime) -> tuple[datetime, datetime]:
    """The period that `now` lies in, as [last renewal, next renewal), in UTC."""
    instant = now.astimezone(UTC)
    today = now.astimezone(allowance.zone).date()
    renewals = [_renewal(allowance, day) for day in _renewal_days(allowance, today)]
    return max(r for r in renewals if r <= instant), min(r for r in renewals if r > instant)


def _renewal(allowance: Allowance, day: date) -> datetime:
    return first_instant(datetime.combine(day, allowance.renew_time), allowance.zone)


def _renewal_days(allowance: Allowance, today: date) -> Iterator[date]:
    """Local days around `today` on which the allowance renews: at least two before and two after it."""
    match allowance.period:
        case Period.DAY:
            yield from (today + timedelta(days=n) for n in range(-3, 4))
        case Period.WEEK:
            monday = today - timedelta(days=today.weekday())
            yield from (monday + timedelta(days=7 * n + allowance.renew_day) for n in range(-2, 3))
        case Period.MONTH:
            yield from (_day_of_month(today, n, allowance.renew_day) for n in range(-2, 3))


def _day_of_month(today: date, months: int, day: int) -> date:
    index = today.year * 12 + today.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def used_of(tariff: Tariff, percent: int, now: datetime) -> Usage:
    """Usage as if that part of each of the tariff's allowances were used in its period."""
    uses = (
        AllowanceUse(
            scope=allowance.scope,
            used_bytes=-(-allowance.amount_bytes * percent // 100),
            amount_bytes=allowance.amount_bytes,
            renews_at=period_bounds(allowance, now)[1],
        )
        for allowance in tariff.allowances
    )
    return Usage(allowances=tuple(uses))


def price_at(tariff: Tariff, now: datetime) -> Decimal:
    """The price of a megabyte at `now`: 0 in a free window, else the first open price window's, else the tariff's."""
    if is_open(tariff.free, now):
        return _FREE
    window = open_window(tariff.price_windows, now)
    if window is not None and window.price_per_mb is not None:
        return window.price_per_mb
    return tariff.price_per_mb


def is_free(tariff: Tariff, now: datetime) -> bool:
    """Whether traffic costs nothing at `now`: a free window, a price window of 0, or a tariff that counts nothing.

    A price of 0 beside an allowance isn't free: it spends the allowance.
    """
    if is_open(tariff.free, now):
        return True
    window = open_window(tariff.price_windows, now)
    if window is not None and window.price_per_mb is not None:
        return window.price_per_mb == 0
    return counts_nothing(tariff)


def counts_nothing(tariff: Tariff) -> bool:
    """Whether the tariff has no price, no allowance and no windows: a channel that is free at any time."""
    windows = tariff.price_windows or tariff.free.windows
    return not windows and not tariff.allowances and tariff.price_per_mb == 0


def free_windows(tariff: Tariff) -> Windows:
    """All windows in which the tariff costs nothing, as one union."""
    if tariff.free.always or counts_nothing(tariff):
        return Windows(always=True)
    priceless = tuple(window for window in tariff.price_windows if window.price_per_mb == 0)
    return Windows(windows=tariff.free.windows + priceless)


def window_in_force(tariff: Tariff, now: datetime) -> Window | None:
    """The tariff's window that is open at `now`, free ones first; it may carry price, speed and rate share."""
    return open_window(tariff.free.windows, now) or open_window(tariff.price_windows, now)


def next_price_change(tariff: Tariff, now: datetime) -> datetime | None:
    """The next instant at which price, speed or rate share may change; None: not within the search horizon.

    Every window counts by itself: two adjacent free windows may differ in speed.
    """
    windows = tariff.free.windows + tariff.price_windows
    changes = (next_change(Windows(windows=(window,)), now) for window in windows)
    return min((change for change in changes if change is not None), default=None)


class MoneyNow(Frozen, frozen=True, kw_only=True):
    """What the clock says of a tariff: price of a megabyte, open window, freedom.

    valid_until  when the clock alone may change it; None: never
    """

    free: bool
    always_free: bool
    price: Decimal
    window: Window | None
    valid_until: datetime | None


def money_now(tariff: Tariff, now: datetime) -> MoneyNow:
    """Everything that the clock says of a tariff at once."""
    windowed = bool(tariff.free.windows or tariff.price_windows)
    return MoneyNow(
        free=is_free(tariff, now),
        always_free=free_windows(tariff).always,
        price=price_at(tariff, now),
        window=window_in_force(tariff, now),
        valid_until=(next_price_change(tariff, now) or now.astimezone(UTC) + _HORIZON) if windowed else None,
    )


def metered(payload_bytes: int, tariff: Tariff) -> int:
    """What the operator counts for a payload: times the tariff's overhead factor, rounded up to a byte."""
    return -(-payload_bytes * _millionths(tariff.overhead_factor) // _MILLION)


@lru_cache(maxsize=256)
def _millionths(overhead_factor: float) -> int:
    return round(overhead_factor * _MILLION)


def payload_of(metered_bytes: int, tariff: Tariff) -> int:
    """The largest payload whose metered bytes don't exceed `metered_bytes`; never negative."""
    factor = max(_millionths(tariff.overhead_factor), 1)
    return max(metered_bytes, 0) * _MILLION // factor


def cost(metered_bytes: int, price: Decimal) -> Decimal:
    """The price of metered bytes, unrounded."""
    return Decimal(metered_bytes) * price / BYTES_PER_MB
