"""Hourly sums of what exchanges cost and saved, and the report made of them.

Laws of this file: no URL and no learner in the ledger; recording is an addition in memory, kept within a second;
an exchange counts in the hour in which it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from policies.frozen import Frozen
from proxy.account.rollup import NO_ZONES, Kept, Zones, day_of, lines_between
from proxy.account.state import NANO, SUM_NAMES, AddSums, Change, LedgerKey, State, Sums
from proxy.exchange import Receipt

_NANO = Decimal(NANO)
_MAX_LINES = 50_000  # lines of one flush; above it new origins are summed as one
_TOO_MANY = "other"

GROUPINGS = ("region", "site", "origin", "class", "kind", "hour", "day", "week")
_IN_TIME = frozenset({"hour", "day", "week"})


class Ledger:
    """Adds receipts up until they are taken to State."""

    def __init__(self) -> None:
        self._lines: dict[tuple[object, ...], list[int]] = {}

    def record(self, receipt: Receipt) -> None:
        """Count one exchange. Never waits, never fails."""
        at = receipt.at
        key = (
            at.date(),
            at.hour,
            receipt.region,
            receipt.site,
            receipt.origin,
            receipt.traffic_class,
            receipt.kind,
            receipt.currency,
        )
        line = self._lines.get(key)
        if line is None:
            line = self._new_line(key)
        line[0] += 1
        line[1] += receipt.bytes_from_origin
        line[2] += receipt.bytes_to_learner
        line[3] += receipt.bytes_up
        line[4] += receipt.metered_bytes
        line[5] += receipt.bytes_direct
        line[6] += receipt.bytes_withheld
        if receipt.cost:
            line[7] += int(receipt.cost * _NANO)
        if receipt.direct_cost:
            line[8] += int(receipt.direct_cost * _NANO)

    def changes(self) -> list[Change]:
        """What was recorded since the last call, to commit."""
        lines, self._lines = self._lines, {}
        return [AddSums(key=_ledger_key(key), sums=_sums(line)) for key, line in lines.items()]

    def _new_line(self, key: tuple[object, ...]) -> list[int]:
        if len(self._lines) >= _MAX_LINES:
            key = (*key[:4], _TOO_MANY, *key[5:])
        return self._lines.setdefault(key, [0] * len(SUM_NAMES))


def _ledger_key(key: tuple[object, ...]) -> LedgerKey:
    day, hour, region, site, origin, traffic_class, kind, currency = key
    return LedgerKey(
        hour=datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00"),
        region=str(region),
        site=str(site or ""),
        origin=str(origin),
        traffic_class=str(traffic_class),
        kind=str(kind),
        currency=str(currency),
    )


def _sums(line: list[int]) -> Sums:
    return Sums(**dict(zip(SUM_NAMES, line, strict=True)))


# -- report ----------------------------------------------------------------------------------------------------


class ReportRow(Frozen, frozen=True, kw_only=True):
    """One line of `tropa report`.

    group         values of the groupings asked for, in their order
    saved_bytes   what the learners' side was spared; negative where Tropa's own pages outweigh what they saved
    saved_cost    the same in money, at the price of each exchange
    """

    group: tuple[str, ...]
    currency: str
    sums: Sums
    cost: Decimal
    saved_bytes: int
    saved_cost: Decimal

    @property
    def saved_share(self) -> float | None:
        """0..1 of what would have come directly; None where nothing would have."""
        direct = self.sums.bytes_direct
        return self.saved_bytes / direct if direct else None


async def report(
    state: State,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: Iterable[str] = ("region",),
    zones: Zones = NO_ZONES,
    kept: Kept | None = None,
) -> tuple[ReportRow, ...]:
    """Sums of the ledger in [since, until), grouped, the biggest saver first; hours, days, weeks in their own order.

    by     some of GROUPINGS. Raises: ValueError for an unknown one
    zones  by region: whose days and weeks they are
    kept   how far back hours go; before that the roll-ups are asked
    """
    groupings = tuple(by)
    unknown = [name for name in groupings if name not in GROUPINGS]
    if unknown:
        raise ValueError(f"unknown grouping {unknown[0]!r}; known: {', '.join(GROUPINGS)}")
    return grouped(await lines_between(state, since, until, zones, kept), groupings, zones)


def grouped(lines: Iterable[AddSums], groupings: tuple[str, ...], zones: Zones = NO_ZONES) -> tuple[ReportRow, ...]:
    """These lines summed by some of GROUPINGS, in the order of `report`."""
    totals: dict[tuple[tuple[str, ...], str], Sums] = {}
    for line in lines:
        group = (tuple(_value(line.key, name, zones) for name in groupings), line.key.currency)
        totals[group] = totals.get(group, Sums()) + line.sums
    rows = [_row(group, currency, sums) for (group, currency), sums in totals.items()]
    if _IN_TIME & set(groupings):
        return tuple(sorted(rows, key=lambda row: row.group))
    return tuple(sorted(rows, key=lambda row: (-row.saved_bytes, row.group)))


def _value(key: LedgerKey, name: str, zones: Zones) -> str:
    match name:
        case "day":
            return day_of(key.hour, key.region, zones).isoformat()
        case "week":
            year, week, _ = day_of(key.hour, key.region, zones).isocalendar()
            return f"{year}-W{week:02}"
        case "class":
            return key.traffic_class
        case "hour":
            return key.hour.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
        case "site":
            return f"{key.region}/{key.site}" if key.site else key.region
        case _:
            return str(getattr(key, name))


def _row(group: tuple[str, ...], currency: str, sums: Sums) -> ReportRow:
    return ReportRow(
        group=group,
        currency=currency,
        sums=sums,
        cost=Decimal(sums.cost_nano) / _NANO,
        saved_bytes=sums.bytes_direct - sums.bytes_to_learner,
        saved_cost=Decimal(sums.direct_cost_nano - sums.cost_nano) / _NANO,
    )
