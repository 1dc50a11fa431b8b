"""The form of the SQLite state and how older forms become the present one.

Law of this file: a step that was once released is never edited, only followed by another.
"""

from __future__ import annotations

import sqlite3

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE ledger_hour (
        hour INTEGER NOT NULL, region TEXT NOT NULL, site TEXT NOT NULL, origin TEXT NOT NULL,
        class TEXT NOT NULL, kind TEXT NOT NULL, currency TEXT NOT NULL,
        exchanges INTEGER NOT NULL, bytes_from_origin INTEGER NOT NULL, bytes_to_learner INTEGER NOT NULL,
        bytes_up INTEGER NOT NULL, metered_bytes INTEGER NOT NULL, bytes_direct INTEGER NOT NULL,
        bytes_withheld INTEGER NOT NULL, cost_nano INTEGER NOT NULL, direct_cost_nano INTEGER NOT NULL,
        PRIMARY KEY (hour, region, site, origin, class, kind, currency)
    ) WITHOUT ROWID;
    CREATE TABLE allowance_use (
        scope TEXT NOT NULL, holder TEXT NOT NULL, period TEXT NOT NULL, start INTEGER NOT NULL,
        used INTEGER NOT NULL,
        PRIMARY KEY (scope, holder, period, start)
    ) WITHOUT ROWID;
    CREATE TABLE mark (
        kind TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, until INTEGER NOT NULL, facts TEXT NOT NULL,
        PRIMARY KEY (kind, owner, key)
    ) WITHOUT ROWID;
    CREATE INDEX mark_until ON mark (until);
    CREATE TABLE claim (
        id TEXT PRIMARY KEY, uses TEXT NOT NULL, reserved INTEGER NOT NULL, drawn INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE job (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, region TEXT NOT NULL,
        since INTEGER NOT NULL, until INTEGER, facts TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX job_kind ON job (kind, owner);
    """,
    """
    CREATE TABLE ledger_span (
        span TEXT NOT NULL, start INTEGER NOT NULL, region TEXT NOT NULL, site TEXT NOT NULL, origin TEXT NOT NULL,
        class TEXT NOT NULL, kind TEXT NOT NULL, currency TEXT NOT NULL,
        exchanges INTEGER NOT NULL, bytes_from_origin INTEGER NOT NULL, bytes_to_learner INTEGER NOT NULL,
        bytes_up INTEGER NOT NULL, metered_bytes INTEGER NOT NULL, bytes_direct INTEGER NOT NULL,
        bytes_withheld INTEGER NOT NULL, cost_nano INTEGER NOT NULL, direct_cost_nano INTEGER NOT NULL,
        PRIMARY KEY (span, start, region, site, origin, class, kind, currency)
    ) WITHOUT ROWID;
    """,
)


class NewerForm(sqlite3.DatabaseError):
    """The file was written by a newer Tropa."""


def bring_up_to_date(connection: sqlite3.Connection, steps: tuple[str, ...] = STEPS) -> None:
    """Apply the missing steps, each in its own transaction. Raises: NewerForm, sqlite3.Error."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise NewerForm(f"its form is {version}, this Tropa knows {len(steps)}: update Tropa")
    for number, step in enumerate(steps[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
