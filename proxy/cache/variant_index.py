"""What variants there are, and which source a validator stands for.

Laws of this file: those of `index_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from policies.frozen import Frozen
from proxy.base_thread import numbered
from proxy.cache.index_file import ENOUGH_BYTES, MARK_BYTES, IndexFile, marking, marks_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS variants (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, why TEXT NOT NULL, content_type TEXT NOT NULL, notes TEXT NOT NULL,
    digest TEXT NOT NULL, length INTEGER NOT NULL, disk_bytes INTEGER NOT NULL, private INTEGER NOT NULL,
    learners BLOB NOT NULL, made REAL NOT NULL, expires REAL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS variants_used ON variants (used, disk_bytes);
CREATE INDEX IF NOT EXISTS variants_expires ON variants (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS sources (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sources_expires ON sources (expires);
"""
_COLUMNS = "key, kind, why, content_type, notes, digest, length, disk_bytes, private, learners, made, expires, used"
_MARK = marking("variants", "key")


class Row(Frozen, frozen=True, kw_only=True):
    """One variant as the index keeps it; kind is "replaced", "unchanged" or "refused"."""

    key: str
    kind: str
    why: str = ""
    content_type: str = ""
    notes: str = "[]"
    digest: str = ""
    length: int = 0
    disk_bytes: int = 0
    private: bool = False
    learners: bytes = b""
    made: float
    expires: float | None = None
    used: float


class Totals(Frozen, frozen=True, kw_only=True):
    files: int
    negatives: int
    disk_bytes: int


class VariantIndex(IndexFile):
    """The index in one file. Every method may raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    def find(self, key: str) -> Row | None:
        found = self._base.execute(f"SELECT {_COLUMNS} FROM variants WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return _row(found) if found else None

    def put(self, row: Row) -> None:
        """Insert or replace. What was public stays public; learners already noted stay noted."""
        self._base.execute(
            f"INSERT INTO variants ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET "  # noqa: S608
            "kind=excluded.kind, why=excluded.why, content_type=excluded.content_type, notes=excluded.notes,"
            "digest=excluded.digest, length=excluded.length, disk_bytes=excluded.disk_bytes, used=excluded.used,"
            "made=excluded.made, private=min(private, excluded.private),"
            "expires=CASE WHEN min(private, excluded.private) OR excluded.kind='refused' THEN excluded.expires END",
            (
                *(row.key, row.kind, row.why, row.content_type, row.notes, row.digest, row.length, row.disk_bytes),
                *(int(row.private), row.learners, row.made, row.expires, row.used),
            ),
        )

    def remove(self, keys: Iterable[str]) -> None:
        with self._together():
            self._base.executemany("DELETE FROM variants WHERE key = ?", ((key,) for key in keys))

    def touch(self, used: Iterable[tuple[str, float]], learners: Iterable[tuple[str, bytes]]) -> None:
        """Note when variants were last used, and by whom, until two learners are known."""
        with self._together():
            self._base.executemany("UPDATE variants SET used = ?2 WHERE key = ?1", (numbered(*use) for use in used))
            self._base.executemany(_MARK, (numbered(key, who[:MARK_BYTES], ENOUGH_BYTES) for key, who in learners))

    def totals(self) -> Totals:
        files, taken = self._base.execute(
            "SELECT count(*), coalesce(sum(disk_bytes), 0) FROM variants WHERE disk_bytes > 0"
        ).fetchone()
        negatives = self._base.execute("SELECT count(*) FROM variants WHERE disk_bytes = 0").fetchone()[0]
        return Totals(files=files, negatives=negatives, disk_bytes=taken)

    def least_used(self, *, disk_bytes: int) -> list[str]:
        """The keys of the files longest unused, together taking at least `disk_bytes`."""
        keys: list[str] = []
        for key, taken in self._base.execute("SELECT key, disk_bytes FROM variants WHERE disk_bytes > 0 ORDER BY used"):
            if disk_bytes <= 0:
                break
            keys.append(key)
            disk_bytes -= taken
        return keys

    def least_used_negatives(self, *, count: int) -> list[str]:
        rows = self._base.execute(
            "SELECT key FROM variants WHERE disk_bytes = 0 ORDER BY used LIMIT ?", (max(0, count),)
        )
        return [key for (key,) in rows]

    def expired(self, now: float) -> list[str]:
        return [key for (key,) in self._base.execute("SELECT key FROM variants WHERE expires <= ?", (now,))]

    def known_of(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys have a file in the index."""
        statement = "SELECT 1 FROM variants WHERE key = ? AND disk_bytes > 0"
        return {key for key in keys if self._base.execute(statement, (key,)).fetchone()}

    def listing(self, limit: int) -> list[Row]:
        """The latest used variants that may be shown: public ones, and private ones that two learners have had."""
        rows = self._base.execute(
            f"SELECT {_COLUMNS} FROM variants WHERE private = 0 OR length(learners) >= ? ORDER BY used DESC LIMIT ?",  # noqa: S608
            (ENOUGH_BYTES, limit),
        )
        return [_row(row) for row in rows]

    def find_source(self, key: str, now: float) -> tuple[str, float] | None:
        """The digest that a provisional key stands for, and until when."""
        statement = "SELECT digest, expires FROM sources WHERE key = ? AND expires > ?"
        found: tuple[str, float] | None = self._base.execute(statement, (key, now)).fetchone()
        return found

    def put_source(self, key: str, digest: str, expires: float) -> None:
        self._base.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", (key, digest, expires))

    def prune_sources(self, now: float, *, keep: int) -> int:
        """Forget expired provisional keys, and the oldest ones beyond `keep`."""
        gone = self._base.execute("DELETE FROM sources WHERE expires <= ?", (now,)).rowcount
        over = self._base.execute("SELECT count(*) FROM sources").fetchone()[0] - keep
        if over > 0:
            oldest = "SELECT key FROM sources ORDER BY expires LIMIT ?"
            gone += self._base.execute(f"DELETE FROM sources WHERE key IN ({oldest})", (over,)).rowcount  # noqa: S608
        return gone

    def hers(self, marks_her: Callable[[str], bytes]) -> list[tuple[str, bool]]:
        """(key, it is private and nobody else's) of the variants that note one learner. marks_her: key -> her mark."""
        rows = self._base.execute("SELECT key, learners, private FROM variants WHERE length(learners) > 0")
        return [
            (key, bool(private) and len(learners) == MARK_BYTES)
            for key, learners, private in rows
            if marks_her(key) in marks_of(learners)
        ]

    def unnote(self, marks: Iterable[tuple[str, bytes]]) -> None:
        """Take these learners' marks out of these variants."""
        with self._together():
            for key, mark in marks:
                row = self._base.execute("SELECT learners FROM variants WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    kept = b"".join(one for one in marks_of(row[0]) if one != mark)
                    self._base.execute("UPDATE variants SET learners = ? WHERE key = ?", (kept, key))


def _row(values: Sequence[object]) -> Row:
    row = dict(zip(_COLUMNS.split(", "), values, strict=True))
    return Row(**{**row, "private": bool(row["private"])})  # type: ignore[arg-type]
