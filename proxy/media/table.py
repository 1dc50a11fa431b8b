"""A small SQLite base in a thread of its own, so that no disk wait reaches the event loop.

Laws of this file: asking never raises; what can't be answered is None, and counted. A damaged base is set aside as
`.broken` and begun anew; a full or locked disk is waited out. Statements commit by themselves: each is whole or not
there after kill -9.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger("tropa.media")
T = TypeVar("T")


class Table:
    """One thread, one connection, questions in the order they are asked."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._base: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self.faults = 0

    async def open(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def close(self) -> None:
        """Answer what was asked before, then let go of the file."""
        await self.ask(lambda base: base.close())
        self._base = None
        self._thread.shutdown(wait=True)

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        """The answer; None where the base is closed or can't give one."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)
        except RuntimeError:  # asked after close
            return None
        except (sqlite3.Error, OSError) as error:
            if self.faults == 0:
                logger.warning("%s doesn't answer: %s", self._path.name, error)
            self.faults += 1
            return None

    def _answer(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        if self._base is None:
            return None
        try:
            return question(self._base)
        except sqlite3.OperationalError:  # disk full, locked, read-only: may pass
            raise
        except sqlite3.DatabaseError:
            self._begin_anew()
            raise

    def _open(self) -> None:
        try:
            self._base = self._connected()
        except sqlite3.OperationalError as error:
            logger.warning("%s can't be opened: %s", self._path.name, error)
            self.faults += 1
        except sqlite3.DatabaseError:
            self._begin_anew()

    def _connected(self) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        base = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            base.executescript(self._schema)
        except BaseException:
            base.close()
            raise
        return base

    def _begin_anew(self) -> None:
        logger.error("%s is damaged and begun anew", self._path.name)
        self.faults += 1
        if self._base is not None:
            self._base.close()
            self._base = None
        self._path.replace(self._path.with_suffix(".broken"))
        for companion in ("-wal", "-shm"):
            self._path.with_name(self._path.name + companion).unlink(missing_ok=True)
        self._base = self._connected()


@contextmanager
def together(base: sqlite3.Connection) -> Iterator[None]:
    """One transaction of several statements."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")
