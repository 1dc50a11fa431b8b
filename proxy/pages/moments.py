"""Instants as a person says them: in the reader's own zone, near ones by "today" and "tomorrow".

Laws of this file: pure; every instant is aware; "now" is an argument.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date

from proxy.pages.phrases import Phrases, phrases

_MOSCOW = ZoneInfo("Europe/Moscow")
_NBSP = "\u00a0"
_ONE_OF_EACH_WEEKDAY = timedelta(days=6)


@lru_cache(maxsize=4096)
def moment_text(instant: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """ "сегодня в 21:00", "завтра в 01:00", "в среду, 25 ноября, в 01:00"."""
    say = phrases(language)
    local, today = instant.astimezone(zone), now.astimezone(zone).date()
    days_ahead = (local.date() - today).days
    clock = clock_text(local.time())
    if days_ahead in (0, 1):
        return say("moment.today" if days_ahead == 0 else "moment.tomorrow", time=clock)
    return say("moment.on", weekday=say(f"weekday.{local.weekday()}"), date=_date(local, now, say), time=clock)


def past_text(instant: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """What was some time ago: to the minute within a week, before that the day alone: "1 сентября 2024"."""
    if now - instant < _ONE_OF_EACH_WEEKDAY:
        return moment_text(instant, now, zone, language)
    return _date(instant.astimezone(zone), now, phrases(language))


@lru_cache(maxsize=1024)
def full_moment_text(instant: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """ "завтра, во вторник, 24 ноября, в 01:00": nothing is left to reckon, even at midnight."""
    say = phrases(language)
    local, today = instant.astimezone(zone), now.astimezone(zone).date()
    values = {
        "weekday": say(f"weekday.{local.weekday()}"),
        "date": _date(local, now, say),
        "time": clock_text(local.time()),
    }
    days_ahead = (local.date() - today).days
    near = {0: "moment.full_today", 1: "moment.full_tomorrow"}
    return say(near.get(days_ahead, "moment.on"), **values)


@lru_cache(maxsize=1024)
def span_text(start: datetime, end: datetime | None, now: datetime, zone: ZoneInfo, language: str) -> str:
    """ "завтра с 06:00 до 14:00"; an end on another day says which; without an end as `moment_text`."""
    if end is None:
        return moment_text(start, now, zone, language)
    say = phrases(language)
    first, last, today = start.astimezone(zone), end.astimezone(zone), now.astimezone(zone).date()
    day = _day(first, today, now, say)
    if last - first > timedelta(hours=24):
        until = moment_text(end, now, zone, language)
        return say("moment.span_days", day=day, start=clock_text(first.time()), end=until)
    until = "24:00" if last.time() == time(0) else clock_text(last.time())
    return say("moment.span", day=day, start=clock_text(first.time()), end=until)


@lru_cache(maxsize=256)
def zone_text(zone: ZoneInfo, at: datetime, language: str) -> str:
    """ "по камчатскому времени (МСК+9)"; zones without a common name: "по вашему времени (UTC+2)"."""
    say = phrases(language)
    key = f"zone.{zone.key.replace('/', '_')}"
    if not say.has(key):
        return say("zone_other", offset=f"UTC{_hours(at.astimezone(zone).utcoffset())}")
    ahead = _ahead_of_moscow(zone, at)
    return say("zone_named", name=say(key), offset=say("zone_moscow") + _hours(ahead)) if ahead else say(key)


def clock_text(local: time) -> str:
    """ "08:05", on the 24-hour clock in both languages."""
    return local.strftime("%H:%M")


def _ahead_of_moscow(zone: ZoneInfo, at: datetime) -> timedelta:
    own, moscow = at.astimezone(zone).utcoffset(), at.astimezone(_MOSCOW).utcoffset()
    assert own is not None and moscow is not None  # aware by construction
    return own - moscow


def _hours(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta(0)).total_seconds() // 60)
    sign = "−" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours}:{rest:02d}" if rest else f"{sign}{hours}"


def _date(local: datetime, now: datetime, say: Phrases) -> str:
    pattern = "d MMMM" if local.year == now.astimezone(local.tzinfo).year else "d MMMM y"
    return format_date(local.date(), pattern, locale=say.locale).replace(" ", _NBSP, 1)


def _day(local: datetime, today: object, now: datetime, say: Phrases) -> str:
    if local.date() == today:
        return say("moment.day_today")
    if local.date() - timedelta(days=1) == today:
        return say("moment.day_tomorrow")
    return say("moment.day_on", weekday=say(f"weekday.{local.weekday()}"), date=_date(local, now, say))
