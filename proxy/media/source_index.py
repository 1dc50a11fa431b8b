"""What sources are on disk, wholly or in part, and which content a provisional key stands for.

Laws of this file: statements on the connection of the table's thread; a row names a file that is there or has been
removed since, never one that is yet to come. Times are seconds since 1970.
"""

from __future__ import annotations

import json
import sqlite3

from policies.frozen import Frozen
from proxy.base_thread import numbered, together
from proxy.media.extents import Extents

SCHEMA = """
CREATE TABLE IF NOT EXISTS names (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_expires ON names (expires);
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY, whole INTEGER NOT NULL, length INTEGER, extents TEXT NOT NULL, bytes INTEGER NOT NULL,
    used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_used ON files (used, bytes);
"""


class FileRow(Frozen, frozen=True, kw_only=True):
    """One file. name: the content's SHA-256, or the provisional key of what isn't whole yet."""

    name: str
    whole: bool
    length_bytes: int | None
    extents: Extents
    used: float


def digest_of(base: sqlite3.Connection, key: str, now: float) -> str | None:
    found = base.execute("SELECT sha256 FROM names WHERE key = ? AND expires > ?", (key, now)).fetchone()
    return None if found is None else str(found[0])


def file_named(base: sqlite3.Connection, name: str) -> FileRow | None:
    found = base.execute("SELECT whole, length, extents, used FROM files WHERE name = ?", (name,)).fetchone()
    if found is None:
        return None
    whole, length, extents, used = found
    return FileRow(
        name=name, whole=bool(whole), length_bytes=length, extents=Extents.of(json.loads(extents)), used=used
    )


def put_file(base: sqlite3.Connection, row: FileRow) -> None:
    spans, nbytes = json.dumps(row.extents.spans), row.extents.total_bytes
    values = (row.name, int(row.whole), row.length_bytes, spans, nbytes, row.used)
    base.execute("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?)", values)


def became_whole(base: sqlite3.Connection, key: str, expires: float, row: FileRow) -> None:
    """The partial file of `key` is the whole content `row.name` now."""
    with together(base):
        base.execute("DELETE FROM files WHERE name = ?", (key,))
        put_file(base, row)
        base.execute("INSERT OR REPLACE INTO names VALUES (?,?,?)", (key, row.name, expires))


def remove_files(base: sqlite3.Connection, names: list[str]) -> None:
    with together(base):
        base.executemany("DELETE FROM files WHERE name = ?", ((name,) for name in names))


def touch(base: sqlite3.Connection, used: dict[str, float]) -> None:
    with together(base):
        base.executemany("UPDATE files SET used = ?2 WHERE name = ?1", (numbered(*use) for use in used.items()))


def bytes_of_all(base: sqlite3.Connection) -> int:
    return int(base.execute("SELECT coalesce(sum(bytes), 0) FROM files").fetchone()[0])


def least_used(base: sqlite3.Connection, wanted_bytes: int, keep: frozenset[str]) -> list[tuple[str, bool]]:
    """Name and wholeness of the files longest unused, together at least `wanted_bytes`, without those to keep."""
    chosen: list[tuple[str, bool]] = []
    for name, whole, nbytes in base.execute("SELECT name, whole, bytes FROM files ORDER BY used"):
        if wanted_bytes <= 0:
            break
        if name not in keep:
            chosen.append((name, bool(whole)))
            wanted_bytes -= nbytes
    return chosen


def known_of(base: sqlite3.Connection, names: list[str]) -> set[str]:
    return {name for name in names if base.execute("SELECT 1 FROM files WHERE name = ?", (name,)).fetchone()}


def unused_since(base: sqlite3.Connection, before: float, keep: frozenset[str]) -> list[tuple[str, bool]]:
    rows = base.execute("SELECT name, whole FROM files WHERE used < ?", (before,))
    return [(name, bool(whole)) for name, whole in rows if name not in keep]


def prune_names(base: sqlite3.Connection, now: float, most: int) -> None:
    base.execute("DELETE FROM names WHERE expires <= ?", (now,))
    over = int(base.execute("SELECT count(*) FROM names").fetchone()[0]) - most
    if over > 0:
        oldest = "SELECT key FROM names ORDER BY expires LIMIT ?"
        base.execute(f"DELETE FROM names WHERE key IN ({oldest})", (over,))  # noqa: S608 - own words only
