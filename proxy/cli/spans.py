"""Lengths of time and instants as people type them: "48h", "2h30m", "7d", "yesterday", "2026-11-23T21:30"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo

from policies.faults import Wrong

_UNITS: Mapping[str, timedelta] = {
    "w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1),
    "m": timedelta(minutes=1), "min": timedelta(minutes=1), "s": timedelta(seconds=1),
    "н": timedelta(weeks=1), "д": timedelta(days=1), "ч": timedelta(hours=1),
    "м": timedelta(minutes=1), "мин": timedelta(minutes=1), "с": timedelta(seconds=1),
}  # fmt: skip
_PART = re.compile(r"(\d{1,6})\s*([a-zа-я]+)\s*")
_LONGEST = timedelta(days=3660)
_CURE = "write a number and d, h or m: 48h, 2h30m, 7d"


def parse_span(text: str) -> timedelta:
    """A length of time, of "48h", "2h30m", "7d" or "90 min". Raises Wrong, also for nothing and for over ten years."""
    rest, total = text.strip().lower(), timedelta(0)
    wrong = Wrong(f"expected a length of time like 48h, got {text!r}", _CURE)
    if not rest:
        raise wrong
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _UNITS:
            raise wrong
        total += int(part[1]) * _UNITS[part[2]]
        rest = rest[part.end() :]
    if not timedelta(0) < total <= _LONGEST:
        raise Wrong(f"expected a length of time up to ten years, got {text!r}", _CURE)
    return total


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """An instant, of ISO 8601; without an offset in `zone`; a date alone is its midnight. Raises Wrong."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        problem = f"expected an instant like 2026-11-23T21:30, got {text!r}"
        raise Wrong(problem, "write date, T and time; an offset such as +12:00 may follow") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)


def parse_moment(text: str, now: datetime) -> datetime:
    """An instant of the past: "today", "yesterday", "7d" (so long ago), or an instant; dates in now's own zone.

    Raises Wrong.
    """
    word = text.strip().lower()
    if word in ("now", "сейчас"):
        return now
    if word in ("today", "сегодня"):
        return _midnight(now.date(), now)
    if word in ("yesterday", "вчера"):
        return _midnight(now.date() - timedelta(days=1), now)
    if re.match(r"\d{4}-", word):
        return parse_instant(text, _zone(now))
    try:
        return now - parse_span(word)
    except Wrong:
        problem = f"expected yesterday, 7d or a date like 2026-11-23, got {text!r}"
        raise Wrong(problem, "write today, yesterday, 48h, 7d or year-month-day") from None


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time(0), tzinfo=_zone(now))


def _zone(now: datetime) -> tzinfo:
    assert now.tzinfo is not None
    return now.tzinfo


def told(span: timedelta) -> str:
    """ "2d 3h", "45m": the two largest units of a length of time."""
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")) if count]
    return " ".join(parts[:2]) or "0s"
