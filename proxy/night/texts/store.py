"""The texts of followed courses on disk: each course as its last night told it.

Laws of this file: a course is replaced as a whole or not at all, so that no page is of two nights; what isn't told anew
goes by itself; nothing of one learner's lies here, and nothing with a secret in it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from policies.frozen import Frozen
from proxy.base_thread import BaseThread, connected, numbered
from proxy.night.texts.spoken import in_language
from proxy.night.texts.values import Sheet, Text, TextKind

logger = logging.getLogger("tropa.night")

LIFE = timedelta(days=14)  # of what no night has told again
_SCHEMA = """
CREATE TABLE IF NOT EXISTS courses (
    origin TEXT NOT NULL, course INTEGER NOT NULL, title TEXT NOT NULL, apart TEXT NOT NULL, came REAL NOT NULL,
    PRIMARY KEY (origin, course)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS texts (
    origin TEXT NOT NULL, course INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
    section TEXT NOT NULL, title TEXT NOT NULL, target TEXT NOT NULL, changed REAL, films TEXT NOT NULL,
    html TEXT NOT NULL, spoken TEXT NOT NULL, PRIMARY KEY (origin, course, key)
);
CREATE TABLE IF NOT EXISTS names (
    origin TEXT NOT NULL, course INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (origin, name, course)
) WITHOUT ROWID;
"""
_TABLES = ("courses", "texts", "names")


class Head(Frozen, frozen=True, kw_only=True):
    """A course that is here. came: when the night told it."""

    course: int
    title: str
    came: datetime
    texts: int
    apart: tuple[str, ...] = ()

    def for_reader(self, language: str) -> Head:
        """The same with its titles in her language alone."""
        apart = tuple(in_language(title, language) for title in self.apart)
        return replace(self, title=in_language(self.title, language), apart=apart)


class Beside(Frozen, frozen=True, kw_only=True):
    """Where a reader may go on, each as (key, title); None: nowhere."""

    before: tuple[str, str] | None = None
    after: tuple[str, str] | None = None

    def for_reader(self, language: str) -> Beside:
        """The same with its titles in her language alone."""
        return Beside(before=_spoken(self.before, language), after=_spoken(self.after, language))


def _spoken(beside: tuple[str, str] | None, language: str) -> tuple[str, str] | None:
    return (beside[0], in_language(beside[1], language)) if beside is not None else None


class TextStore:
    """Questions that a base doesn't answer are answered as if nothing were here."""

    def __init__(self, path: Path) -> None:
        self._base: BaseThread[sqlite3.Connection] = BaseThread(
            path, _connected, name="the store of texts", logger=logger, check=_count
        )

    async def open(self) -> None:
        await self._base.open()

    async def close(self) -> None:
        await self._base.close()

    async def replace(self, origin: str, course: int, sheet: Sheet, at: datetime) -> bool:
        """What a night told of a course now stands for it. False: the disk didn't take it, and the last one stays."""
        return await self._base.ask(lambda base: _replace(base, origin, course, sheet, at.timestamp())) or False

    async def heads(self, origin: str) -> tuple[Head, ...]:
        """The courses of an origin that are here."""
        return await self._base.ask(lambda base: _heads(base, origin)) or ()

    async def texts(self, origin: str, course: int) -> tuple[Text, ...]:
        """A course's texts in their order."""
        return await self._base.ask(lambda base: _texts(base, origin, course)) or ()

    async def text(self, origin: str, course: int, key: str) -> Text | None:
        """By one of its names; the first where it is a book's."""
        found = await self._base.ask(lambda base: _texts(base, origin, course, key)) or ()
        return next(iter(found), None)

    async def chapters_beside(self, origin: str, course: int, text: Text) -> Beside:
        """The chapters before and after a chapter of a book."""
        return await self._base.ask(lambda base: _beside(base, origin, course, text)) or Beside()

    async def courses_with_file(self, origin: str, url: str) -> frozenset[int]:
        """The courses in which everybody may have this stored file."""
        return await self._named(origin, _file(url))

    async def courses_with_module(self, origin: str, module: int) -> frozenset[int]:
        """The courses that this activity stands in."""
        return await self._named(origin, f"module {module}")

    async def courses_with_text(self, origin: str, key: str) -> frozenset[int]:
        """The courses that have a text of this name."""
        return await self._named(origin, f"text {key}")

    async def sweep(self, now: datetime) -> int:
        """Courses that no night has told again for long go; how many."""
        return await self._base.ask(lambda base: _sweep(base, (now - LIFE).timestamp())) or 0

    async def _named(self, origin: str, name: str) -> frozenset[int]:
        return await self._base.ask(lambda base: _named(base, origin, name)) or frozenset()


def _file(url: str) -> str:
    """A stored file by its path: how it is asked for (to show, to keep) doesn't make it another."""
    return f"file {urlsplit(url).path}"


def _connected(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    base = connected(path, _SCHEMA, "secure_delete=ON")
    if "spoken" not in {str(row[1]) for row in base.execute("PRAGMA table_info(texts)")}:  # of an older version
        base.execute("ALTER TABLE texts ADD COLUMN spoken TEXT NOT NULL DEFAULT '[]'")
    return base


def _count(base: sqlite3.Connection) -> int:
    return int(base.execute("SELECT count(*) FROM texts").fetchone()[0])


def _replace(base: sqlite3.Connection, origin: str, course: int, sheet: Sheet, came: float) -> bool:
    names = {f"module {number}" for number in sheet.modules} | {_file(url) for url in sheet.files}
    names |= {f"text {name}" for text in sheet.texts for name in text.names}
    base.execute("BEGIN IMMEDIATE")
    try:
        _drop(base, origin, course)
        apart = json.dumps(sheet.apart, ensure_ascii=False)
        base.execute("INSERT INTO courses VALUES (?,?,?,?,?)", (origin, course, sheet.title, apart, came))
        rows = [_row(origin, course, position, text) for position, text in enumerate(sheet.texts)]
        base.executemany("INSERT OR REPLACE INTO texts VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)
        base.executemany("INSERT INTO names VALUES (?,?,?)", [(origin, course, name) for name in sorted(names)])
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise
    return True


def _row(origin: str, course: int, position: int, text: Text) -> tuple[Any, ...]:
    changed = text.changed.timestamp() if text.changed is not None else None
    films, spoken = json.dumps(text.films), json.dumps(text.spoken, ensure_ascii=False)
    return (
        origin, course, position, text.key, text.kind.value, text.section, text.title, text.target, changed, films,
        text.html, spoken,
    )  # fmt: skip


def _drop(base: sqlite3.Connection, origin: str, course: int) -> None:
    for table in _TABLES:
        base.execute(f"DELETE FROM {table} WHERE origin = ? AND course = ?", (origin, course))  # noqa: S608 - our own


def _heads(base: sqlite3.Connection, origin: str) -> tuple[Head, ...]:
    rows = base.execute(
        "SELECT course, title, came, apart, (SELECT count(*) FROM texts t WHERE t.origin = c.origin AND "
        "t.course = c.course) FROM courses c WHERE origin = ? ORDER BY came DESC, course",
        (origin,),
    )
    return tuple(
        Head(course=course, title=title, came=datetime.fromtimestamp(came, UTC), texts=texts, apart=_words(apart))
        for course, title, came, apart, texts in rows
    )


def _texts(base: sqlite3.Connection, origin: str, course: int, key: str | None = None) -> tuple[Text, ...]:
    rows = base.execute(
        "SELECT key, kind, section, title, target, changed, films, html, spoken FROM texts "
        "WHERE origin = ?1 AND course = ?2 AND (?3 IS NULL OR key = ?3 OR kind = ?4 AND instr(key, ?3 || '-') = 1) "
        "ORDER BY position",
        numbered(origin, course, key, TextKind.CHAPTER.value),
    )
    return tuple(
        Text(
            key=found,
            kind=TextKind(kind),
            section=section,
            title=title,
            target=target,
            changed=datetime.fromtimestamp(changed, UTC) if changed is not None else None,
            films=_words(films),
            html=markup,
            spoken=tuple((language, words) for language, words in json.loads(spoken)),
        )
        for found, kind, section, title, target, changed, films, markup, spoken in rows
    )


def _beside(base: sqlite3.Connection, origin: str, course: int, text: Text) -> Beside:
    rows = base.execute(
        "SELECT key, title FROM texts WHERE origin = ? AND course = ? AND kind = ? AND instr(key, ? || '-') = 1 "
        "ORDER BY position",
        (origin, course, TextKind.CHAPTER.value, text.names[-1]),
    ).fetchall()
    at = next((number for number, (key, _) in enumerate(rows) if key == text.key), None)
    if at is None:
        return Beside()
    return Beside(before=rows[at - 1] if at else None, after=rows[at + 1] if at + 1 < len(rows) else None)


def _words(told: str) -> tuple[str, ...]:
    return tuple(str(word) for word in json.loads(told))


def _named(base: sqlite3.Connection, origin: str, name: str) -> frozenset[int]:
    rows = base.execute("SELECT course FROM names WHERE origin = ? AND name = ?", (origin, name))
    return frozenset(course for (course,) in rows)


def _sweep(base: sqlite3.Connection, before: float) -> int:
    old = base.execute("SELECT origin, course FROM courses WHERE came < ?", (before,)).fetchall()
    for origin, course in old:
        _drop(base, origin, course)
    return len(old)
