"""When windows are open: calendar arithmetic on the reader's own clocks, right to the second.

Laws of this file:
- `now` is an aware datetime handed in; every instant handed out is in UTC.
- An occurrence of a window is half-open [start, end). It belongs to the local day of its start: that day's weekday,
  calendars and dates count, also after midnight.
- A local time in a DST gap means the gap's end; one in a fold means the first for a start, the last for an end.
- Windows form a union: adjacent and overlapping occurrences are one opening.
- No scanning by minutes: the work is proportional to the days between `now` and the answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policies.model import Calendar, Window, Windows

HORIZON_DAYS = 60  # no plan of a term is known longer; it bounds every search

_DAY = timedelta(days=1)
_MIDNIGHT = time(0)
# An occurrence lasts less than two local days, and a zone may once have jumped over the date line.
_LOOKBACK = timedelta(days=3)

Span = tuple[datetime, datetime]


def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a naive local time as a start: first in a fold, the gap's end in a gap."""
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return earlier if earlier <= later else _gap_end(later, earlier, zone)


def last_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a naive local time as an end: last in a fold, the gap's end in a gap."""
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return later if earlier <= later else _gap_end(later, earlier, zone)


def _gap_end(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The transition in (before, after], by halving; zone transitions lie on whole seconds."""
    offset = after.astimezone(zone).utcoffset()
    low, high = before.replace(microsecond=0), after.replace(microsecond=0)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def is_open(windows: Windows, now: datetime) -> bool:
    """Whether any window is open at `now`."""
    return windows.always or open_window(windows.windows, now) is not None


def open_window(windows: tuple[Window, ...], now: datetime) -> Window | None:
    """The first of the windows that is open at `now`, None if none is."""
    instant = now.astimezone(UTC)
    for window in windows:
        for start, end in _occurrences(window, instant, instant):
            if start <= instant < end:
                return window
    return None


def next_opening(windows: Windows, now: datetime, *, horizon_days: int = HORIZON_DAYS) -> datetime | None:
    """The next instant after `now` at which closed turns to open; None: not within the horizon, or always open.

    An opening at `now` itself has happened and isn't the next.
    """
    if windows.always:
        return None
    instant = now.astimezone(UTC)
    limit = _moved(instant, timedelta(days=horizon_days))
    for start, _ in _openings(windows, instant, limit):
        if start > instant:
            return start if start <= limit else None
    return None


def current_opening(windows: Windows, now: datetime) -> Span | None:
    """The opening that `now` lies in, from its first instant to its end; None: closed, or always open.

    An opening that began more than three days ago is told from some instant of its first days.
    """
    if windows.always:
        return None
    instant = now.astimezone(UTC)
    # Windows that are over may have begun this opening, so what ended in the days before is looked at too.
    span = _running_or_next(
        windows, _moved(instant, -_LOOKBACK), instant, _moved(instant, timedelta(days=HORIZON_DAYS))
    )
    return span if span is not None and span[0] <= instant else None


def current_close(windows: Windows, now: datetime, *, horizon_days: int = HORIZON_DAYS) -> datetime | None:
    """The end of the opening that `now` lies in; None: closed, always open, or open beyond the horizon."""
    if windows.always:
        return None
    instant = now.astimezone(UTC)
    limit = _moved(instant, timedelta(days=horizon_days))
    span = _running_or_next(windows, instant, instant, limit)
    return span[1] if span is not None and span[0] <= instant and span[1] <= limit else None


def next_change(windows: Windows, now: datetime, *, horizon_days: int = HORIZON_DAYS) -> datetime | None:
    """The next instant after `now` at which open turns to closed or back; None: not within the horizon."""
    if windows.always:
        return None
    instant = now.astimezone(UTC)
    limit = _moved(instant, timedelta(days=horizon_days))
    span = _running_or_next(windows, instant, instant, limit)
    if span is None:
        return None
    change = span[0] if span[0] > instant else span[1]
    return change if change <= limit else None


def _moved(instant: datetime, by: timedelta) -> datetime:
    """The instant so much earlier or later, as far as there are any."""
    try:
        return instant + by
    except OverflowError:
        return (datetime.max if by > timedelta(0) else datetime.min).replace(tzinfo=UTC)


def _running_or_next(windows: Windows, since: datetime, instant: datetime, limit: datetime) -> Span | None:
    """The union's opening that `instant` lies in, else the one after it; looked at from `since` on."""
    return next((span for span in _openings(windows, since, limit) if instant < span[1]), None)


def _openings(windows: Windows, instant: datetime, limit: datetime) -> Iterator[Span]:
    """The union's openings in order, those before `instant` included as far as they were looked at."""
    merged: Span | None = None
    for start, end in heapq.merge(*(_occurrences(window, instant, limit) for window in windows.windows)):
        if merged is None:
            merged = (start, end)
        elif start <= merged[1]:
            merged = (merged[0], max(end, merged[1]))
        else:
            yield merged
            merged = (start, end)
    if merged is not None:
        yield merged


def _occurrences(window: Window, instant: datetime, limit: datetime) -> Iterator[Span]:
    """The window's occurrences whose end may lie after `instant` and whose start isn't after `limit`, in order."""
    day, last = _day_range(window, instant, limit)
    while day <= last:
        if _starts_on(window, day):
            start = first_instant(datetime.combine(day, window.start), window.zone)
            end = last_instant(_local_end(window, day), window.zone)
            if start < end and end > instant:
                yield start, end
        day += _DAY


def _day_range(window: Window, instant: datetime, limit: datetime) -> tuple[date, date]:
    """The local days to look at; clipped away from the ends of the calendar, where zones can't be computed."""
    floor, ceiling = date.min + 4 * _DAY, date.max - 4 * _DAY
    today = min(max(instant.date(), floor), ceiling)
    first = max(today - _LOOKBACK, floor)
    last = min(min(max(limit.date(), floor), ceiling) + 2 * _DAY, ceiling)
    if window.dates is not None:
        first, last = max(first, window.dates[0]), min(last, window.dates[1])
    return first, last


def _local_end(window: Window, day: date) -> datetime:
    if window.end is None:
        return datetime.combine(day + _DAY, _MIDNIGHT)
    if window.end <= window.start:
        return datetime.combine(day + _DAY, window.end)
    return datetime.combine(day, window.end)


def _starts_on(window: Window, day: date) -> bool:
    if day.weekday() not in window.weekdays:
        return False
    if window.only and not any(_holds(calendar, day) for calendar in window.only):
        return False
    return not any(_holds(calendar, day) for calendar in window.not_on)


def _holds(calendar: Calendar, day: date) -> bool:
    return any(first <= day <= last for first, last in calendar.spans)
