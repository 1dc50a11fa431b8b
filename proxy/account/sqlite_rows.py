"""Values to rows and back, one statement each.

Law of this file: pure translation on a connection that somebody else opened, began and will commit.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from policies.model import Period
from policies.values import Scope
from proxy.account.state import (
    SUM_NAMES,
    AddSums,
    AddUse,
    Change,
    Claim,
    ClaimQuery,
    DropClaim,
    DropJob,
    DropMarks,
    DropUse,
    JobQuery,
    JobRow,
    LedgerKey,
    LedgerQuery,
    Mark,
    MarkQuery,
    PutJob,
    PutMark,
    PutRolled,
    RolledQuery,
    Span,
    Sums,
    Sweep,
    UseKey,
    UseQuery,
)

_MAX_SECONDS = 2**40  # "no bound": 36,000 years
_ADD_SUMS = (
    f"INSERT INTO ledger_hour VALUES (?,?,?,?,?,?,?,{','.join('?' * len(SUM_NAMES))}) "  # noqa: S608 - own names
    "ON CONFLICT DO UPDATE SET " + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUM_NAMES)
)
_PUT_ROLLED = f"INSERT OR REPLACE INTO ledger_span VALUES (?,?,?,?,?,?,?,?,{','.join('?' * len(SUM_NAMES))})"  # noqa: S608
_ADD_USE = (
    "INSERT INTO allowance_use VALUES (:scope, :holder, :period, :start, max(0, :nbytes)) "
    "ON CONFLICT DO UPDATE SET used = max(0, used + :nbytes)"
)


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def apply(connection: sqlite3.Connection, change: Change) -> None:
    """One change, as SQL."""
    match change:
        case AddSums(key=key, sums=sums):
            place = (seconds(key.hour), key.region, key.site, key.origin, key.traffic_class, key.kind, key.currency)
            connection.execute(_ADD_SUMS, (*place, *(getattr(sums, name) for name in SUM_NAMES)))
        case PutRolled(span=span, key=key, sums=sums):
            place = (seconds(key.hour), key.region, key.site, key.origin, key.traffic_class, key.kind, key.currency)
            connection.execute(_PUT_ROLLED, (span, *place, *(getattr(sums, name) for name in SUM_NAMES)))
        case AddUse(use=use, nbytes=nbytes):
            row = {"scope": use.scope, "holder": use.holder, "period": use.period, "start": seconds(use.start)}
            connection.execute(_ADD_USE, row | {"nbytes": nbytes})
        case DropUse(use=use):
            connection.execute(
                "DELETE FROM allowance_use WHERE scope = ? AND holder = ? AND period = ? AND start = ?",
                (use.scope, use.holder, use.period, seconds(use.start)),
            )
        case PutMark(mark=mark):
            facts = json.dumps(dict(mark.facts), separators=(",", ":"))
            row_values = (mark.kind, mark.owner, mark.key, seconds(mark.until), facts)
            connection.execute("INSERT OR REPLACE INTO mark VALUES (?,?,?,?,?)", row_values)
        case DropMarks(kind=kind, owner=owner, key=None):
            connection.execute("DELETE FROM mark WHERE kind = ? AND owner = ?", (kind, owner))
        case DropMarks(kind=kind, owner=owner, key=name):
            connection.execute("DELETE FROM mark WHERE kind = ? AND owner = ? AND key = ?", (kind, owner, name))
        case DropClaim(id=claim_id):
            connection.execute("DELETE FROM claim WHERE id = ?", (claim_id,))
        case PutJob(job=job):
            _put_job(connection, job)
        case DropJob(id=job_id):
            connection.execute("DELETE FROM job WHERE id = ?", (job_id,))
        case Sweep():
            _sweep(connection, change)


def _sweep(connection: sqlite3.Connection, sweep: Sweep) -> None:
    connection.execute("DELETE FROM mark WHERE until <= ?", (seconds(sweep.marks_until),))
    connection.execute("DELETE FROM job WHERE until <= ?", (seconds(sweep.marks_until),))
    if sweep.uses_before is not None:
        connection.execute("DELETE FROM allowance_use WHERE start < ?", (seconds(sweep.uses_before),))
    if sweep.ledger_before is not None:
        connection.execute("DELETE FROM ledger_hour WHERE hour < ?", (seconds(sweep.ledger_before),))
    for span, before in ((Span.DAY, sweep.days_before), (Span.WEEK, sweep.weeks_before)):
        if before is not None:
            connection.execute("DELETE FROM ledger_span WHERE span = ? AND start < ?", (span, seconds(before)))


def _put_job(connection: sqlite3.Connection, job: JobRow) -> None:
    facts = json.dumps(dict(job.facts), separators=(",", ":"))
    until = None if job.until is None else seconds(job.until)
    row = (job.id, job.kind, job.state, job.owner, job.region, seconds(job.since), until, facts)
    connection.execute("INSERT OR REPLACE INTO job VALUES (?,?,?,?,?,?,?,?)", row)


def journal(connection: sqlite3.Connection, claims: Iterable[Claim]) -> None:
    """Write the claims down."""
    for claim in claims:
        uses = json.dumps([(use.scope, use.holder, use.period, seconds(use.start)) for use in claim.uses])
        row = (claim.id, uses, claim.reserved_bytes, claim.drawn_bytes)
        connection.execute("INSERT OR REPLACE INTO claim VALUES (?,?,?,?)", row)


def read_mark(connection: sqlite3.Connection, kind: str, owner: str, key: str, now: datetime) -> Mark | None:
    row = connection.execute(
        "SELECT kind, owner, key, until, facts FROM mark WHERE kind = ? AND owner = ? AND key = ? AND until > ?",
        (kind, owner, key, seconds(now)),
    ).fetchone()
    return None if row is None else _mark(row)


def list_sums(connection: sqlite3.Connection, query: LedgerQuery) -> tuple[AddSums, ...]:
    since = 0 if query.since is None else seconds(query.since)
    until = _MAX_SECONDS if query.until is None else seconds(query.until)
    rows = connection.execute("SELECT * FROM ledger_hour WHERE hour >= ? AND hour < ? ORDER BY hour", (since, until))
    return tuple(_sums(row) for row in rows)


def list_rolled(connection: sqlite3.Connection, query: RolledQuery) -> tuple[PutRolled, ...]:
    since = 0 if query.since is None else seconds(query.since)
    until = _MAX_SECONDS if query.until is None else seconds(query.until)
    rows = connection.execute(
        "SELECT * FROM ledger_span WHERE span = ? AND start >= ? AND start < ? ORDER BY start",
        (query.span, since, until),
    )
    lines = (_sums(row[1:]) for row in rows)
    return tuple(PutRolled(span=query.span, key=line.key, sums=line.sums) for line in lines)


def list_uses(connection: sqlite3.Connection, query: UseQuery) -> tuple[AddUse, ...]:
    since = 0 if query.since is None else seconds(query.since)
    rows = connection.execute(
        "SELECT * FROM allowance_use WHERE start >= :since AND (:holder IS NULL OR holder = :holder)",
        {"since": since, "holder": query.holder},
    )
    return tuple(AddUse(use=_use(row[:4]), nbytes=row[4]) for row in rows)


def list_marks(connection: sqlite3.Connection, query: MarkQuery) -> tuple[Mark, ...]:
    rows = connection.execute(
        "SELECT kind, owner, key, until, facts FROM mark "
        "WHERE (:kind IS NULL OR kind = :kind) AND until > :now AND (:owner IS NULL OR owner = :owner) ORDER BY until",
        {"kind": query.kind, "now": seconds(query.now), "owner": query.owner},
    )
    return tuple(_mark(row) for row in rows)


def list_claims(connection: sqlite3.Connection, _: ClaimQuery) -> tuple[Claim, ...]:
    rows = connection.execute("SELECT id, uses, reserved, drawn FROM claim ORDER BY id")
    return tuple(
        Claim(
            id=row[0],
            uses=tuple(_use(use) for use in json.loads(row[1])),
            reserved_bytes=row[2],
            drawn_bytes=row[3],
        )
        for row in rows
    )


def list_jobs(connection: sqlite3.Connection, query: JobQuery) -> tuple[JobRow, ...]:
    rows = connection.execute(
        "SELECT id, kind, state, owner, region, since, until, facts FROM job "
        "WHERE (:kind IS NULL OR kind = :kind) AND (:owner IS NULL OR owner = :owner) ORDER BY since, id",
        {"kind": query.kind, "owner": query.owner},
    )
    return tuple(_job(row) for row in rows)


def _sums(row: tuple[int, ...]) -> AddSums:
    hour, region, site, origin, traffic_class, kind, currency, *sums = row
    key = LedgerKey(
        hour=instant(hour),
        region=str(region),
        site=str(site),
        origin=str(origin),
        traffic_class=str(traffic_class),
        kind=str(kind),
        currency=str(currency),
    )
    return AddSums(key=key, sums=Sums(**dict(zip(SUM_NAMES, sums, strict=True))))


def _use(row: tuple[str, str, str, int]) -> UseKey:
    scope, holder, period, start = row
    return UseKey(scope=Scope(scope), holder=holder, period=Period(period), start=instant(start))


def _mark(row: tuple[str, str, str, int, str]) -> Mark:
    kind, owner, key, until, facts = row
    return Mark(kind=kind, owner=owner, key=key, until=instant(until), facts=json.loads(facts))


def _job(row: tuple[str, str, str, str, str, int, int | None, str]) -> JobRow:
    job_id, kind, state, owner, region, since, until, facts = row
    return JobRow(
        id=job_id,
        kind=kind,
        state=state,
        owner=owner,
        region=region,
        since=instant(since),
        until=None if until is None else instant(until),
        facts=json.loads(facts),
    )
