"""Daily and weekly sums, made of the hourly ones.

Laws of this file: a day is the region's own, a week begins on Monday; only what is over is rolled up; rolling up again
replaces and changes nothing, so that a missed job is caught up by the next and a killed one leaves no half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Catalogue, Limits
from policies.windows import first_instant
from proxy.account.state import AddSums, LedgerKey, LedgerQuery, PutRolled, RolledQuery, Span, State, Sums

Zones = Mapping[str, ZoneInfo]  # by region; one that is gone counts in UTC
NO_ZONES: Zones = {}
_UTC = ZoneInfo("UTC")
_AT_ONCE = 1000  # lines of one commit: what waits for a full disk must leave room for what is new
_AGAIN = timedelta(days=9)  # so far back it is summed anew: a whole week, and what a full disk kept waiting


def zones_of(catalogue: Catalogue) -> dict[str, ZoneInfo]:
    """Each region's zone."""
    return {region: one.zone for (region, site), one in catalogue.territories.items() if site is None}


def day_of(hour: datetime, region: str, zones: Zones) -> date:
    """The region's day that an hour begins in."""
    return hour.astimezone(zones.get(region, _UTC)).date()


def span_start(span: Span, day: date, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, of the day or of the week that it lies in."""
    first = day if span is Span.DAY else day - timedelta(days=day.weekday())
    return first_instant(datetime.combine(first, time(0)), zone)


def span_end(span: Span, day: date, zone: ZoneInfo) -> datetime:
    """The first instant after it."""
    first = day if span is Span.DAY else day - timedelta(days=day.weekday())
    return span_start(Span.DAY, first + timedelta(days=1 if span is Span.DAY else 7), zone)


def rolled(span: Span, hours: Iterable[AddSums], zones: Zones, now: datetime) -> list[PutRolled]:
    """The sums of every day or week that is over at now, of all the hours given."""
    totals: dict[LedgerKey, Sums] = {}
    for line in hours:
        zone = zones.get(line.key.region, _UTC)
        day = day_of(line.key.hour, line.key.region, zones)
        if span_end(span, day, zone) > now:
            continue
        key = replace(line.key, hour=span_start(span, day, zone))
        totals[key] = totals.get(key, Sums()) + line.sums
    return [PutRolled(span=span, key=key, sums=sums) for key, sums in totals.items()]


async def roll_up(state: State, zones: Zones, now: datetime) -> int:
    """Bring daily and weekly sums up to date. Returns how many lines were written."""
    changes: list[PutRolled] = []
    for span in Span:
        latest = await _latest(state, span)
        since = None if latest is None else latest - _AGAIN
        hours = await state.list(LedgerQuery(since=since))
        whole = hours if since is None else _from_whole_span(hours, span, since, zones)
        changes += rolled(span, whole, zones, now)
    for first in range(0, len(changes), _AT_ONCE):
        await state.commit(changes[first : first + _AT_ONCE])
    return len(changes)


async def _latest(state: State, span: Span) -> datetime | None:
    lines = await state.list(RolledQuery(span=span))
    return max((line.key.hour for line in lines), default=None)


def _from_whole_span(hours: Iterable[AddSums], span: Span, since: datetime, zones: Zones) -> list[AddSums]:
    """Without the hours of a span that began before `since`: its sums would be cut short."""
    return [line for line in hours if _start_of(span, line.key, zones) >= since.astimezone(UTC)]


class Kept(Frozen, frozen=True, kw_only=True):
    """From when on hours and days may be counted on; before that they may have been swept away."""

    hours_since: datetime
    days_since: datetime


def kept_at(limits: Limits, now: datetime) -> Kept:
    """A day and a week more than the sweep's bounds: those that these cut are not whole."""
    return Kept(
        hours_since=now - timedelta(days=limits.hourly_sums_days - 1),
        days_since=now - timedelta(days=limits.daily_sums_days - 7),
    )


async def lines_between(
    state: State, since: datetime | None, until: datetime | None, zones: Zones, kept: Kept | None = None
) -> tuple[AddSums, ...]:
    """Sums of [since, until): hourly as far back as they are kept, before that daily, before that weekly.

    A day or a week counts where it began. kept None: hours are always there.
    """
    hours = await state.list(LedgerQuery(since=since, until=until))
    if kept is None or (since is not None and since >= kept.hours_since):
        return hours
    days = await state.list(RolledQuery(span=Span.DAY, since=since, until=until))
    weeks = await state.list(RolledQuery(span=Span.WEEK, since=since, until=until))
    older = [line for line in weeks if line.key.hour < kept.days_since]
    older += [
        line
        for line in days
        if _start_of(Span.WEEK, line.key, zones) >= kept.days_since and line.key.hour < kept.hours_since
    ]
    newer = [line for line in hours if _start_of(Span.DAY, line.key, zones) >= kept.hours_since]
    return (*(AddSums(key=line.key, sums=line.sums) for line in older), *newer)


def _start_of(span: Span, key: LedgerKey, zones: Zones) -> datetime:
    zone = zones.get(key.region, _UTC)
    return span_start(span, day_of(key.hour, key.region, zones), zone)
