"""A small SQLite base in a thread of its own, so that no disk wait reaches the event loop.

Laws of this file: asking never raises; what can't be answered is None, and counted. A damaged base is set aside as
`.broken` and begun anew: it may hold only what can be made again. A full or locked disk is waited out.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> None: ...


B = TypeVar("B", bound=Closable)
T = TypeVar("T")


class BaseThread(Generic[B]):
    """One thread, one connection, questions in the order they are asked.

    `connect` opens the file, or raises sqlite3.Error and leaves nothing open; `check` asks something that a damaged
    file can't answer, before anyone else does. `name` is how the log calls the base.
    """

    def __init__(
        self,
        path: Path,
        connect: Callable[[Path], B],
        *,
        name: str,
        logger: logging.Logger,
        check: Callable[[B], object] | None = None,
    ) -> None:
        self._path = path
        self._connect = connect
        self._name = name
        self._logger = logger
        self._check = check
        self._base: B | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self.faults = 0

    async def open(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def close(self) -> None:
        """Answer what was asked before, then let go of the file."""
        await self.ask(lambda base: base.close())
        self._base = None
        self._thread.shutdown(wait=True)

    async def ask(self, question: Callable[[B], T]) -> T | None:
        """The answer; None where the base is closed or can't give one."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)
        except RuntimeError:  # asked after close
            return None
        except (sqlite3.Error, OSError) as error:
            if self.faults == 0:
                self._logger.warning("%s doesn't answer, pages go on without: %s", self._name, error)
            self.faults += 1
            return None

    def _answer(self, question: Callable[[B], T]) -> T | None:
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
            self._base = self._connect(self._path)
            if self._check is not None:
                self._check(self._base)
        except sqlite3.OperationalError as error:
            self._logger.warning("%s can't be opened, pages go on without: %s", self._name, error)
            self.faults += 1
        except sqlite3.DatabaseError:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The old one is kept as `.broken` for whoever wonders; its files become orphans that a sweep removes."""
        self._logger.error("%s is damaged and begun anew", self._name)
        self.faults += 1
        if self._base is not None:
            self._base.close()
            self._base = None
        self._path.replace(self._path.with_suffix(".broken"))
        for companion in ("-wal", "-shm"):
            self._path.with_name(self._path.name + companion).unlink(missing_ok=True)
        self._base = self._connect(self._path)


def connected(path: Path, schema: str, *pragmas: str) -> sqlite3.Connection:
    """The base at `path` in WAL mode with this schema, readable to nobody else. Raises sqlite3.Error.

    `synchronous=NORMAL` may forget the last statements at a power cut, never corrupt. pragmas: more of them, as
    "secure_delete=ON".
    """
    with suppress(OSError):  # where that can't be, SQLite says so in its own words
        path.touch(mode=0o600)
        path.chmod(0o600)
    base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", *pragmas):
            base.execute(f"PRAGMA {pragma}")
        base.executescript(schema)
    except BaseException:
        base.close()
        raise
    return base


def numbered(*values: object) -> dict[str, object]:
    """Values for `?1`, `?2` … of a statement: from a sequence Python 3.12 warns to take them, and 3.14 doesn't."""
    return {str(number): value for number, value in enumerate(values, 1)}


@contextmanager
def together(base: sqlite3.Connection) -> Iterator[None]:
    """One transaction of several statements: many small commits would each wait for the disk."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")
