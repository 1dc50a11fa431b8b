"""What the indices of stores have in common: one SQLite file in WAL mode, so that 100,000 rows need no scan at start.

Laws of this file: one connection, used by one thread (the store's); each statement or block `together` is whole or not
there after kill -9. `synchronous=NORMAL` may forget the last ones at a power cut, never corrupt. Times are seconds
since 1970. Of learners there are marks of eight bytes that say the same of nobody in two rows, and of two at the most:
more isn't needed to tell whether something may be shown.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from proxy.base_thread import connected, together

MARK_BYTES = 8
ENOUGH_BYTES = 2 * MARK_BYTES  # two learners


class IndexFile:
    """Base of an index. Every method may raise sqlite3.Error."""

    def __init__(self, path: Path, schema: str) -> None:
        self._base = connected(path, schema, "foreign_keys=ON")

    def close(self) -> None:
        self._base.close()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the base, so that it doesn't grow."""
        self._base.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _together(self) -> AbstractContextManager[None]:
        return together(self._base)


def marking(table: str, column: str) -> str:
    """The statement that adds a mark (?2) to the row with this value (?1) in a column, until ?3 bytes are there."""
    return (
        f"UPDATE {table} SET learners = CAST(learners || ?2 AS BLOB)"  # noqa: S608 - names of ours
        f" WHERE {column} = ?1 AND instr(learners, ?2) = 0 AND length(learners) < ?3"
    )


def marks_of(learners: bytes) -> list[bytes]:
    """One by one."""
    return [learners[at : at + MARK_BYTES] for at in range(0, len(learners), MARK_BYTES)]
