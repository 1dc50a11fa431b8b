"""What a report says, as values, from State and the catalogue in force.

Laws of this file: sums only, nobody is named; what can't be known exactly (whose learners ran out, where several
regions have alike allowances) names all who may be meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Allowance, Catalogue, Period
from policies.money import period_bounds
from policies.values import Scope
from proxy.account.ledger import ReportRow, grouped
from proxy.account.rollup import kept_at, lines_between, zones_of
from proxy.account.state import AddSums, AddUse, State, UseQuery
from proxy.night.hours import saved_spent
from proxy.night.used import Use, saved_use

TABLES = ("region", "site", "origin", "class", "kind", "day")
_MOST_ROWS = 40  # of a table; the rest is in the CSV
_MOST_HOURS = 10


class RunOut(Frozen, frozen=True, kw_only=True):
    """Counters of one allowance that were used up in one of its periods.

    where    region or "region/site"; of learners the regions whose they may be
    holders  how many: learners, else 1
    """

    scope: Scope
    where: tuple[str, ...]
    period: Period
    start: datetime
    amount_bytes: int
    holders: int


class Night(Frozen, frozen=True, kw_only=True):
    """What a place's box fetched in one night, and how much of what it brought was opened since.

    opens  when it began
    use    None: that isn't known any more, or nothing that is counted came
    """

    place: str
    opens: datetime
    nbytes: int
    use: Use | None = None


class ReportFacts(Frozen, frozen=True, kw_only=True):
    """One report. until is not included; rows of a table that are too many are left out and counted in `more`."""

    since: datetime
    until: datetime
    made_at: datetime
    zone: ZoneInfo
    totals: tuple[ReportRow, ...]
    tables: Mapping[str, tuple[ReportRow, ...]]
    more: Mapping[str, int]
    dear_hours: tuple[ReportRow, ...]
    run_out: tuple[RunOut, ...]
    nights: tuple[Night, ...]


async def report_facts(
    state: State, catalogue: Catalogue, since: datetime, until: datetime, now: datetime, zone: ZoneInfo
) -> ReportFacts:
    """The report of [since, until)."""
    zones = zones_of(catalogue)
    lines = await lines_between(state, since, until, zones, kept_at(catalogue.settings.limits, now))
    tables = {name: grouped(lines, (name,), zones) for name in TABLES}
    return ReportFacts(
        since=since.astimezone(zone),
        until=until.astimezone(zone),
        made_at=now.astimezone(zone),
        zone=zone,
        totals=grouped(lines, (), zones),
        tables={name: rows[:_MOST_ROWS] for name, rows in tables.items()},
        more={name: max(0, len(rows) - _MOST_ROWS) for name, rows in tables.items()},
        dear_hours=_dear_hours(lines),
        run_out=_run_out(await state.list(UseQuery(since=since - timedelta(days=32))), catalogue, since, until),
        nights=await _nights(state, since, until, now),
    )


async def _nights(state: State, since: datetime, until: datetime, now: datetime) -> tuple[Night, ...]:
    """Nights are kept 35 days; a key that says no instant is another kind of night's and left out."""
    found, used = [], await saved_use(state, now)
    for (place, key), spent in (await saved_spent(state, now)).items():
        opens = _instant(key)
        if opens is not None and since <= opens < until and spent.bytes:
            found.append(Night(place=place, opens=opens, nbytes=spent.bytes, use=used.get((place, key))))
    return tuple(sorted(found, key=lambda night: (night.opens, night.place)))


def _instant(key: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(key)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _dear_hours(lines: tuple[AddSums, ...]) -> tuple[ReportRow, ...]:
    """Hours and regions in which most was paid; roll-ups have no hours and none costs nothing."""
    rows = [row for row in grouped(lines, ("region", "hour")) if row.cost > 0]
    return tuple(sorted(rows, key=lambda row: (-row.cost, row.group))[:_MOST_HOURS])


# -- allowances ------------------------------------------------------------------------------------------------


def _run_out(uses: tuple[AddUse, ...], catalogue: Catalogue, since: datetime, until: datetime) -> tuple[RunOut, ...]:
    found: dict[tuple[Scope, tuple[str, ...], Period, datetime, int], int] = {}
    for line in uses:
        use = line.use
        known = _allowances_of(line, catalogue)
        ends = [period_bounds(allowance, use.start)[1] for _, allowance in known]
        if not known or use.start >= until or max(ends) <= since:
            continue
        amount = max(allowance.amount_bytes for _, allowance in known)
        if line.nbytes >= amount:
            key = (use.scope, tuple(sorted({where for where, _ in known})), use.period, use.start, amount)
            found[key] = found.get(key, 0) + 1
    rows = [
        RunOut(scope=scope, where=where, period=period, start=start, amount_bytes=amount, holders=holders)
        for (scope, where, period, start, amount), holders in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.start, row.scope, row.where)))


def _allowances_of(line: AddUse, catalogue: Catalogue) -> list[tuple[str, Allowance]]:
    """The places and allowances that a counter may belong to: its scope, its holder, its period's beginning."""
    use = line.use
    found = []
    for (region, site), territory in catalogue.territories.items():
        name = region if site is None else f"{region}/{site}"
        for allowance in territory.tariff.allowances:
            alike = (allowance.scope, allowance.period) == (use.scope, use.period)
            holds = use.scope is Scope.LEARNER or use.holder in (name, f"{name}/")
            if alike and holds and period_bounds(allowance, use.start)[0] == use.start:
                found.append((name, allowance))
    return found
