"""Hours, prices, allowances, links: when a megabyte costs what."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.values import Scope


class Calendar(Frozen, frozen=True, kw_only=True):
    """Named spans of days (terms, holidays): closed date intervals, both ends included."""

    name: str
    spans: tuple[tuple[date, date], ...]


class Window(Frozen, frozen=True, kw_only=True):
    """A recurring or dated interval [start, end) of local days.

    zone        the zone its clock runs in (a tariff's may differ from the learner's)
    weekdays    0=Monday … 6=Sunday; the start's weekday counts
    start, end  local times; end None means 24:00; end <= start crosses midnight
    only        the window's start day must lie in one of these calendars (empty: any day)
    not_on      … and in none of these
    dates       dated window: the start day must lie in [first, last] (None: any)
    """

    zone: ZoneInfo
    weekdays: frozenset[int]
    start: time
    end: time | None
    only: tuple[Calendar, ...] = ()
    not_on: tuple[Calendar, ...] = ()
    dates: tuple[date, date] | None = None
    price_per_mb: Decimal | None = None  # None: as the tariff says
    down_bps: int | None = None
    up_bps: int | None = None
    rate_share: float | None = None  # the part of the link Tropa may fill, 0..1
    source: str = ""


class Windows(Frozen, frozen=True, kw_only=True):
    """A union of windows. `always` is open at any time; no windows and not always: never open."""

    windows: tuple[Window, ...] = ()
    always: bool = False


class After(StrEnum):
    """What happens when an allowance is spent."""

    STOP = "stop"
    THROTTLE = "throttle"
    PAY = "pay"


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Allowance(Frozen, frozen=True, kw_only=True):
    """amount_bytes of metered traffic per period, renewed at `renews_at` in the operator's zone.

    renew_day     1..31 for a month (the month's last day where it is shorter), 0..6 for a week
    share         the part of the operator's amount that Tropa may spend (already applied to amount_bytes)
    throttle_bps  with THROTTLE
    """

    scope: Scope
    amount_bytes: int
    period: Period
    zone: ZoneInfo
    renew_day: int = 1
    renew_time: time = time(0)
    after: After = After.STOP
    throttle_bps: int | None = None
    counts_when_free: bool = False
    source: str = ""


class Tariff(Frozen, frozen=True, kw_only=True):
    """price_per_mb is per 1,000,000 bytes; overhead_factor turns payload into what the operator counts."""

    zone: ZoneInfo
    currency: str = "RUB"
    price_per_mb: Decimal = Decimal(0)
    price_windows: tuple[Window, ...] = ()  # several price levels; the first open one wins
    free: Windows = Windows()
    allowances: tuple[Allowance, ...] = ()
    overhead_factor: float = 1.06
    free_origins: frozenset[str] = frozenset()
    source: str = ""


class Link(Frozen, frozen=True, kw_only=True):
    down_bps: int | None = None
    up_bps: int | None = None
    rtt_ms: int | None = None
