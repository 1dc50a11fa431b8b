"""Which responses are stored.

Laws of this file: those of `index_file`; a row is written after its file, and removed before it: a row without its file
is a miss, a file without its row an orphan that a sweep removes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from policies.frozen import Frozen
from proxy.base_thread import numbered
from proxy.cache.index_file import ENOUGH_BYTES, MARK_BYTES, IndexFile, marking

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, twin BLOB NOT NULL, whose TEXT NOT NULL, learner TEXT NOT NULL,
    origin TEXT NOT NULL, url TEXT NOT NULL, vary TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL,
    head TEXT NOT NULL, etag TEXT NOT NULL, file TEXT NOT NULL, length INTEGER, extents TEXT NOT NULL,
    checks BLOB NOT NULL, disk_bytes INTEGER NOT NULL, cost_s REAL NOT NULL, initial_age REAL NOT NULL,
    came REAL NOT NULL, lifetime REAL NOT NULL, invalid INTEGER NOT NULL, expires REAL, used REAL NOT NULL,
    uses INTEGER NOT NULL, worth REAL NOT NULL, learners BLOB NOT NULL, UNIQUE (key, twin)
);
CREATE INDEX IF NOT EXISTS objects_worth ON objects (worth, disk_bytes, file);
CREATE INDEX IF NOT EXISTS objects_expires ON objects (expires) WHERE expires IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_learner ON objects (learner) WHERE learner <> '';
CREATE INDEX IF NOT EXISTS objects_file ON objects (file);
CREATE TABLE IF NOT EXISTS readers (
    learner TEXT NOT NULL, object INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE, until REAL NOT NULL,
    PRIMARY KEY (learner, object)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS readers_object ON readers (object);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""
_MARK = marking("objects", "id")


class Row(Frozen, frozen=True, kw_only=True):
    """One stored response.

    twin      tells those of one key apart: digest of what Vary names, or of the entity tag
    extents   "" where the body is whole, else JSON of the spans that are there
    checks    a CRC for each piece of 64 KiB
    cost_s    what having it again costs
    learners  digests of the first two that had it, for what is shown in no list before
    """

    id: int = 0
    key: bytes
    twin: bytes
    whose: str
    learner: str = ""
    origin: str = ""
    url: str = ""
    vary: str = ""
    status: int = 200
    reason: str = ""
    head: str = "[]"
    etag: str = ""
    file: str = ""
    length: int | None = None
    extents: str = ""
    checks: bytes = b""
    disk_bytes: int = 0
    cost_s: float = 0.0
    initial_age: float = 0.0
    came: float = 0.0
    lifetime: float = 0.0
    invalid: int = 0
    expires: float | None = None
    used: float = 0.0
    uses: int = 1
    worth: float = 0.0
    learners: bytes = b""


_NAMES = tuple(field.name for field in fields(Row))
_COLUMNS = ", ".join(_NAMES)
_WRITTEN = _NAMES[1:]
_VALUES = ", ".join("?" * len(_WRITTEN))


class Totals(Frozen, frozen=True, kw_only=True):
    objects: int
    disk_bytes: int


class Put(Frozen, frozen=True, kw_only=True):
    """What an insertion did. gone_files: those that nothing names any more."""

    id: int
    gone_files: list[str]
    grown_objects: int
    grown_bytes: int


class ObjectIndex(IndexFile):
    """The index in one file. Every method may raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    # -- finding -----------------------------------------------------------------------------------------------

    def find(self, key: bytes) -> list[Row]:
        rows = self._base.execute(f"SELECT {_COLUMNS} FROM objects WHERE key = ?", (key,))  # noqa: S608
        return [Row(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def was_read_by(self, learner: str, ids: Sequence[int], now: float) -> list[int]:
        """Which of these the learner has had confirmed to her lately."""
        statement = "SELECT object FROM readers WHERE learner = ? AND object = ? AND until > ?"
        found = (self._base.execute(statement, (learner, one, now)).fetchone() for one in ids)
        return [row[0] for row in found if row is not None]

    def keys(self) -> array[int]:
        """The first eight bytes of every key, as numbers."""
        found = array("Q")
        for (key,) in self._base.execute("SELECT key FROM objects"):
            found.append(int.from_bytes(key[:8], "big"))
        return found

    def changes(self) -> int:
        """Another number after another process changed the base."""
        return int(self._base.execute("PRAGMA data_version").fetchone()[0])

    # -- writing -----------------------------------------------------------------------------------------------

    def put(self, rows: Sequence[Row], *, most_twins: int) -> list[Put]:
        """Insert, each in place of the same key's same twin; all of them or none."""
        with self._together():
            return [self._put(row, most_twins) for row in rows]

    def _put(self, row: Row, most_twins: int) -> Put:
        gone = self._base.execute(
            "SELECT id, file, disk_bytes FROM objects WHERE key = ?1 AND (twin = ?2 OR id IN"
            " (SELECT id FROM objects WHERE key = ?1 AND twin <> ?2 ORDER BY used DESC LIMIT -1 OFFSET ?3))",
            numbered(row.key, row.twin, most_twins - 1),
        ).fetchall()
        same = next((one for one, file, _ in gone if file == row.file), None)
        self._base.executemany("DELETE FROM objects WHERE id = ?", ((one,) for one, _, _ in gone if one != same))
        values = tuple(getattr(row, name) for name in _WRITTEN)
        if same is None:
            sql = f"INSERT INTO objects ({', '.join(_WRITTEN)}) VALUES ({_VALUES})"  # noqa: S608
            made = int(self._base.execute(sql, values).lastrowid or 0)
        else:
            made, names = same, ", ".join(f"{name} = ?" for name in _WRITTEN)
            self._base.execute(f"UPDATE objects SET {names} WHERE id = ?", (*values, same))  # noqa: S608
        return Put(
            id=made,
            gone_files=[file for _, file, _ in gone if file != row.file],
            grown_objects=1 - len(gone),
            grown_bytes=row.disk_bytes - sum(taken for _, _, taken in gone),
        )

    def renew(self, row: Row) -> None:
        """A validation's new head and age."""
        self._base.execute(
            "UPDATE objects SET head = ?, initial_age = ?, came = ?, lifetime = ?, expires = ?, invalid = 0"
            " WHERE id = ?",
            (row.head, row.initial_age, row.came, row.lifetime, row.expires, row.id),
        )

    def invalidate(self, keys: Iterable[bytes]) -> None:
        with self._together():
            self._base.executemany("UPDATE objects SET invalid = 1 WHERE key = ?", ((key,) for key in keys))

    def touch(self, used: Iterable[tuple[int, float, int, float]], learners: Iterable[tuple[int, bytes]]) -> None:
        """(id, used, further uses, worth); and who had what, until two are known."""
        with self._together():
            statement = "UPDATE objects SET used = ?2, uses = uses + ?3, worth = ?4 WHERE id = ?1"
            self._base.executemany(statement, (numbered(*use) for use in used))
            self._base.executemany(_MARK, (numbered(one, who[:MARK_BYTES], ENOUGH_BYTES) for one, who in learners))

    def note_reader(self, learner: str, one: int, until: float) -> None:
        self._base.execute("INSERT OR REPLACE INTO readers VALUES (?, ?, ?)", (learner, one, until))

    def remove(self, ids: Iterable[int]) -> int:
        with self._together():
            return self._base.executemany("DELETE FROM objects WHERE id = ?", ((one,) for one in ids)).rowcount

    # -- keeping house -----------------------------------------------------------------------------------------

    def totals(self) -> Totals:
        objects, taken = self._base.execute("SELECT count(*), coalesce(sum(disk_bytes), 0) FROM objects").fetchone()
        return Totals(objects=objects, disk_bytes=taken)

    def least_worth(self, *, disk_bytes: int) -> list[tuple[int, str, float]]:
        """(id, file, worth) of what is worth least, together taking at least `disk_bytes`."""
        found: list[tuple[int, str, float]] = []
        for one, file, worth, taken in self._base.execute(
            "SELECT id, file, worth, disk_bytes FROM objects ORDER BY worth"
        ):
            if disk_bytes <= 0:
                break
            found.append((one, file, worth))
            disk_bytes -= taken
        return found

    def expired(self, now: float) -> list[tuple[int, str]]:
        self._base.execute("DELETE FROM readers WHERE until <= ?", (now,))
        return self._base.execute("SELECT id, file FROM objects WHERE expires <= ?", (now,)).fetchall()

    def of_learner(self, learner: str) -> list[tuple[int, str]]:
        """What is kept for this learner alone; her marks on what she shares are gone after this."""
        self._base.execute("DELETE FROM readers WHERE learner = ?", (learner,))
        return self._base.execute("SELECT id, file FROM objects WHERE learner = ?", (learner,)).fetchall()

    def held_of(self, learner: str) -> tuple[int, int]:
        """(rows, bytes) of this learner alone."""
        found: tuple[int, int] = self._base.execute(
            "SELECT count(*), coalesce(sum(length), 0) FROM objects WHERE learner = ? AND learner <> ''", (learner,)
        ).fetchone()
        return found

    def known_of(self, names: Sequence[str]) -> set[str]:
        """Which of these files a row names."""
        statement = "SELECT 1 FROM objects WHERE file = ?"
        return {name for name in names if self._base.execute(statement, (name,)).fetchone()}

    def matching(self, *, origin: str | None, pattern: str | None) -> list[tuple[int, str]]:
        """By origin's id and shell pattern of the address; None: any. Pages of learners' own have no address."""
        return self._base.execute(
            "SELECT id, file FROM objects WHERE (?1 IS NULL OR origin = ?1) AND (?2 IS NULL OR url GLOB ?2)",
            numbered(origin, pattern),
        ).fetchall()

    def listing(self, *, whose: Sequence[str], limit: int) -> list[Row]:
        """The latest used that may be shown: anybody's, and what two learners have had."""
        marks = ", ".join("?" * len(whose))
        rows = self._base.execute(
            f"SELECT {_COLUMNS} FROM objects WHERE whose IN ({marks}) AND (whose = 'shared' OR length(learners) >= ?)"  # noqa: S608
            " ORDER BY used DESC LIMIT ?",
            (*whose, ENOUGH_BYTES, limit),
        )
        return [Row(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def shared(self, pattern: str | None) -> list[Row]:
        """All of what anybody may have."""
        rows = self._base.execute(
            f"SELECT {_COLUMNS} FROM objects WHERE whose = 'shared' AND (?1 IS NULL OR url GLOB ?1) ORDER BY url",  # noqa: S608
            numbered(pattern),
        )
        return [Row(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def sums(self) -> list[tuple[str, str, int, int]]:
        """(origin, whose, objects, bytes)."""
        return self._base.execute(
            "SELECT origin, whose, count(*), sum(disk_bytes) FROM objects GROUP BY origin, whose ORDER BY 4 DESC"
        ).fetchall()

    def number(self, name: str) -> float:
        found = self._base.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return float(found[0]) if found else 0.0

    def set_number(self, name: str, value: float) -> None:
        self._base.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (name, value))
