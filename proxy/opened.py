"""Which pages a learner opened, by title: what she is offered when a link is down and a page isn't here.

Laws of this file: a page is noted for the learner who opened it and shown to nobody else; notes end by themselves, at
her logout and at an erasure; writing never keeps an exchange waiting; each learner's notes are bounded.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policies.frozen import Frozen
from proxy.base_thread import BaseThread, connected, numbered
from proxy.tasks import TaskKeeper

logger = logging.getLogger("tropa.opened")

MOST_OF_ONE = 300
_SCHEMA = """
CREATE TABLE IF NOT EXISTS opened (
    learner TEXT NOT NULL, origin TEXT NOT NULL, target TEXT NOT NULL, title TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (learner, origin, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS opened_at ON opened (at);
"""


class Opened(Frozen, frozen=True):
    """A page that she opened. target: raw path and query."""

    target: str
    title: str
    at: datetime


class OpenedPages:
    """Notes on disk, written behind the exchange."""

    def __init__(self, path: Path, keeper: TaskKeeper) -> None:
        self._keeper = keeper
        self._base: BaseThread[sqlite3.Connection] = BaseThread(
            path, _connected, name="the list of opened pages", logger=logger, check=_count
        )

    async def start(self) -> None:
        await self._base.open()

    async def close(self) -> None:
        await self._base.close()

    def note(self, learner: str, origin: str, page: Opened) -> None:
        """She opened this page now; kept in a while."""
        row = (learner, origin, page.target, page.title, page.at.timestamp())
        self._keeper.start(self._put(row), name="opened")

    async def _put(self, row: tuple[str, str, str, str, float]) -> None:
        await self._base.ask(lambda base: _put(base, row))

    async def of(self, learner: str, origin: str | None = None) -> tuple[Opened, ...]:
        """Her pages, the latest first; origin None: of all."""
        rows = await self._base.ask(lambda base: _of(base, learner, origin)) or []
        return tuple(Opened(target, title, datetime.fromtimestamp(at, UTC)) for target, title, at in rows)

    async def withdraw(self, learner: str, origin: str, target: str) -> None:
        """The origin no longer gives her this page."""
        await self._base.ask(lambda base: _withdraw(base, (learner, origin, target)))

    async def forget(self, learner: str) -> int:
        return await self._base.ask(lambda base: _drop(base, "learner = ?", learner)) or 0

    async def sweep(self, now: datetime, life: timedelta) -> None:
        """Forget what is older than `life`."""
        await self._base.ask(lambda base: _drop(base, "at < ?", (now - life).timestamp()))


def _connected(path: Path) -> sqlite3.Connection:
    return connected(path, _SCHEMA, "secure_delete=ON")


def _count(base: sqlite3.Connection) -> int:
    return int(base.execute("SELECT count(*) FROM opened").fetchone()[0])


def _put(base: sqlite3.Connection, row: tuple[str, str, str, str, float]) -> None:
    base.execute("INSERT OR REPLACE INTO opened VALUES (?,?,?,?,?)", row)
    base.execute(
        "DELETE FROM opened WHERE learner = ?1 AND at < (SELECT at FROM opened WHERE learner = ?1 "
        "ORDER BY at DESC LIMIT 1 OFFSET ?2)",
        numbered(row[0], MOST_OF_ONE),
    )


def _withdraw(base: sqlite3.Connection, page: tuple[str, str, str]) -> None:
    base.execute("DELETE FROM opened WHERE learner = ? AND origin = ? AND target = ?", page)


def _of(base: sqlite3.Connection, learner: str, origin: str | None) -> list[tuple[str, str, float]]:
    return base.execute(
        "SELECT target, title, at FROM opened WHERE learner = ?1 AND (?2 IS NULL OR origin = ?2) ORDER BY at DESC",
        numbered(learner, origin),
    ).fetchall()


def _drop(base: sqlite3.Connection, which: str, value: str | float) -> int:
    return base.execute(f"DELETE FROM opened WHERE {which}", (value,)).rowcount  # noqa: S608 - our own two conditions
