"""What media there are and when they were last used; names that stand for them; what was tried in vain.

Laws of this file: statements on the connection of the table's thread. The manifests are the truth: an index that was
lost is made again from them, folder by folder, as they are asked for. Times are seconds since 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from policies.frozen import Frozen
from proxy.base_thread import numbered, together
from proxy.cache.index_file import ENOUGH_BYTES, MARK_BYTES, marking, marks_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS media (
    key TEXT PRIMARY KEY, disk_bytes INTEGER NOT NULL, private INTEGER NOT NULL, learners BLOB NOT NULL,
    expires REAL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS media_used ON media (used, disk_bytes);
CREATE TABLE IF NOT EXISTS negatives (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, why TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    name TEXT PRIMARY KEY, key TEXT NOT NULL, source TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_key ON names (key);
CREATE TABLE IF NOT EXISTS public_sources (
    url TEXT PRIMARY KEY, source TEXT NOT NULL, facts TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
"""
_MARK = marking("media", "key")


class MediaRow(Frozen, frozen=True, kw_only=True):
    """One medium. expires: None: until it is evicted."""

    key: str
    disk_bytes: int
    private: bool
    expires: float | None
    used: float


class Totals(Frozen, frozen=True):
    media: int
    disk_bytes: int
    negatives: int


def find(base: sqlite3.Connection, key: str) -> MediaRow | None:
    found = base.execute("SELECT disk_bytes, private, expires, used FROM media WHERE key = ?", (key,)).fetchone()
    if found is None:
        return None
    disk_bytes, private, expires, used = found
    return MediaRow(key=key, disk_bytes=disk_bytes, private=bool(private), expires=expires, used=used)


def put(base: sqlite3.Connection, row: MediaRow) -> None:
    """Insert or replace. What was public stays public; learners already noted stay noted."""
    with together(base):
        base.execute(
            "INSERT INTO media VALUES (?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET disk_bytes=excluded.disk_bytes,"
            " used=excluded.used, private=min(private, excluded.private),"
            " expires=CASE WHEN min(private, excluded.private) THEN excluded.expires END",
            (row.key, row.disk_bytes, int(row.private), b"", row.expires, row.used),
        )
        base.execute("DELETE FROM negatives WHERE key = ?", (row.key,))


def remove(base: sqlite3.Connection, keys: list[str]) -> None:
    with together(base):
        base.executemany("DELETE FROM media WHERE key = ?", ((key,) for key in keys))


def touch(base: sqlite3.Connection, used: dict[str, float], learners: set[tuple[str, bytes]]) -> None:
    """Note when media were last used, and by whom, until two learners are known."""
    with together(base):
        base.executemany("UPDATE media SET used = ?2 WHERE key = ?1", (numbered(*use) for use in used.items()))
        base.executemany(_MARK, (numbered(key, who[:MARK_BYTES], ENOUGH_BYTES) for key, who in learners))
        base.executemany(  # two learners had it: it is no person's own
            "UPDATE media SET expires = NULL WHERE key = ?1 AND length(learners) >= ?2",
            (numbered(key, ENOUGH_BYTES) for key, _ in learners),
        )


def totals(base: sqlite3.Connection) -> Totals:
    count, taken = base.execute("SELECT count(*), coalesce(sum(disk_bytes), 0) FROM media").fetchone()
    negatives = base.execute("SELECT count(*) FROM negatives").fetchone()[0]
    return Totals(count, taken, negatives)


def least_used(base: sqlite3.Connection, disk_bytes: int, keep: frozenset[str]) -> list[str]:
    """The keys of the media longest unused, together at least `disk_bytes`, without those to keep."""
    keys: list[str] = []
    for key, taken in base.execute("SELECT key, disk_bytes FROM media ORDER BY used"):
        if disk_bytes <= 0:
            break
        if key not in keep:
            keys.append(key)
            disk_bytes -= taken
    return keys


def expired(base: sqlite3.Connection, now: float) -> list[str]:
    return [key for (key,) in base.execute("SELECT key FROM media WHERE expires <= ?", (now,))]


def known_of(base: sqlite3.Connection, keys: list[str]) -> set[str]:
    return {key for key in keys if base.execute("SELECT 1 FROM media WHERE key = ?", (key,)).fetchone()}


def listing(base: sqlite3.Connection, limit: int) -> list[str]:
    """The latest used that may be shown: public ones, and private ones that two learners have had."""
    rows = base.execute(
        "SELECT key FROM media WHERE private = 0 OR length(learners) >= ? ORDER BY used DESC LIMIT ?",
        (ENOUGH_BYTES, limit),
    )
    return [key for (key,) in rows]


def hers(base: sqlite3.Connection, marks_her: Callable[[str], bytes]) -> list[tuple[str, bool]]:
    """(key, it is private and nobody else's) of the media that note one learner. marks_her: key -> her mark."""
    rows = base.execute("SELECT key, learners, private FROM media WHERE length(learners) > 0")
    return [
        (key, bool(private) and len(learners) == MARK_BYTES)
        for key, learners, private in rows
        if marks_her(key) in marks_of(learners)
    ]


def unnote(base: sqlite3.Connection, marks: list[tuple[str, bytes]]) -> None:
    """Take these learners' marks out of these media."""
    with together(base):
        for key, mark in marks:
            row = base.execute("SELECT learners FROM media WHERE key = ?", (key,)).fetchone()
            if row is not None:
                kept = b"".join(one for one in marks_of(row[0]) if one != mark)
                base.execute("UPDATE media SET learners = ? WHERE key = ?", (kept, key))


def negative(base: sqlite3.Connection, key: str, now: float) -> tuple[str, str, float] | None:
    found: tuple[str, str, float] | None = base.execute(
        "SELECT kind, why, until FROM negatives WHERE key = ? AND until > ?", (key, now)
    ).fetchone()
    return found


def put_negative(base: sqlite3.Connection, key: str, kind: str, why: str, until: float) -> None:
    base.execute("INSERT OR REPLACE INTO negatives VALUES (?,?,?,?)", (key, kind, why, until))


def named(base: sqlite3.Connection, name: str, now: float) -> tuple[str, str] | None:
    """The key and the source's key that a name stands for."""
    found: tuple[str, str] | None = base.execute(
        "SELECT key, source FROM names WHERE name = ? AND until > ?", (name, now)
    ).fetchone()
    return found


def standing(base: sqlite3.Connection, names: Iterable[str], now: float) -> frozenset[str]:
    """Those names that stand for a medium that is there."""
    statement = (
        "SELECT 1 FROM names JOIN media ON media.key = names.key"
        " WHERE names.name = ?1 AND names.until > ?2 AND (media.expires IS NULL OR media.expires > ?2)"
    )
    return frozenset(name for name in names if base.execute(statement, numbered(name, now)).fetchone())


def put_name(base: sqlite3.Connection, name: str, key: str, source: str, until: float) -> None:
    base.execute("INSERT OR REPLACE INTO names VALUES (?,?,?,?)", (name, key, source, until))


def put_public_source(base: sqlite3.Connection, url: str, source: str, facts: str, until: float) -> None:
    base.execute("INSERT OR REPLACE INTO public_sources VALUES (?,?,?,?)", (url, source, facts, until))


def public_source(base: sqlite3.Connection, url: str, now: float) -> str | None:
    """What an origin lets anybody have under this address."""
    statement = "SELECT facts FROM public_sources WHERE url = ? AND until > ?"
    found = base.execute(statement, (url, now)).fetchone()
    return str(found[0]) if found is not None else None


def public_sources(base: sqlite3.Connection, pattern: str | None, now: float) -> list[tuple[str, str, str]]:
    """(address, source's key, facts) under addresses that match a shell pattern; None: any."""
    return base.execute(
        "SELECT url, source, facts FROM public_sources WHERE until > ?1 AND (?2 IS NULL OR url GLOB ?2) ORDER BY url",
        numbered(now, pattern),
    ).fetchall()


def public_names(base: sqlite3.Connection, source: str, now: float) -> list[tuple[str, str]]:
    """(name, key) of the media made from this source that anybody may have."""
    return base.execute(
        "SELECT names.name, names.key FROM names JOIN media ON media.key = names.key"
        " WHERE names.source = ? AND names.until > ? AND media.private = 0 ORDER BY names.name",
        (source, now),
    ).fetchall()


def prune(base: sqlite3.Connection, now: float, most: int) -> None:
    """Forget negatives, names and public sources that ended, and the oldest of each beyond `most`."""
    for table, column in (("negatives", "key"), ("names", "name"), ("public_sources", "url")):
        base.execute(f"DELETE FROM {table} WHERE until <= ?", (now,))  # noqa: S608 - own words only
        over = int(base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) - most  # noqa: S608
        if over > 0:
            oldest = f"SELECT {column} FROM {table} ORDER BY until LIMIT ?"  # noqa: S608
            base.execute(f"DELETE FROM {table} WHERE {column} IN ({oldest})", (over,))  # noqa: S608
