"""State in one SQLite file: write-ahead log, one thread, one transaction for all that waits.

Laws of this file: only the thread touches the connection; what can't be written stays in `Unsaved` and is tried
again with the next commit; a file that is no database is put aside, never overwritten; a killed process loses
nothing that was committed (synchronous=NORMAL is safe against the process's death; against a power cut the last
transactions may be missing, which is the same second again).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any, cast, overload

from proxy.account import sqlite_rows as rows
from proxy.account.sqlite_form import NewerForm, bring_up_to_date
from proxy.account.state import (
    AddSums,
    AddUse,
    Change,
    Claim,
    ClaimQuery,
    Health,
    JobQuery,
    JobRow,
    LedgerQuery,
    Mark,
    MarkQuery,
    PutRolled,
    RolledQuery,
    UseQuery,
)
from proxy.account.unsaved import MAX_WAITING, Unsaved

logger = logging.getLogger("tropa.account.state")

FILE_NAME = "tropa.db"
MAX_FILE_BYTES = 2 * 1024**3  # a year of hourly sums of 1,000 regions is well under it
_PAGE_BYTES = 4096

_Query = LedgerQuery | RolledQuery | UseQuery | MarkQuery | ClaimQuery | JobQuery


class SqliteState:
    """`State` in a file.

    read_only  for commands that look while Tropa runs: nothing is created or written
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        max_file_bytes: int = MAX_FILE_BYTES,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._path = path
        self._read_only = read_only
        self._max_pages = max(1, max_file_bytes // _PAGE_BYTES)
        self._unsaved = Unsaved(max_waiting)
        self._claims: dict[str, Claim] = {}
        self._connection: sqlite3.Connection | None = None
        self._trouble: str | None = None
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="tropa-state", daemon=True)
        self._thread.start()
        await self._on_thread(self._ready)

    async def reserve(self, claims: Sequence[Claim]) -> None:
        def job() -> None:
            self._claims.update((claim.id, claim) for claim in claims)
            self._write()

        await self._on_thread(job)

    async def commit(self, changes: Sequence[Change]) -> None:
        def job() -> None:
            self._unsaved.add(changes)
            self._write()

        await self._on_thread(job)

    async def read(self, kind: str, owner: str, key: str, *, now: datetime) -> Mark | None:
        return cast("Mark | None", await self._look(rows.read_mark, None, kind, owner, key, now))

    @overload
    async def list(self, query: LedgerQuery) -> tuple[AddSums, ...]: ...
    @overload
    async def list(self, query: RolledQuery) -> tuple[PutRolled, ...]: ...
    @overload
    async def list(self, query: UseQuery) -> tuple[AddUse, ...]: ...
    @overload
    async def list(self, query: MarkQuery) -> tuple[Mark, ...]: ...
    @overload
    async def list(self, query: ClaimQuery) -> tuple[Claim, ...]: ...
    @overload
    async def list(self, query: JobQuery) -> tuple[JobRow, ...]: ...
    async def list(self, query: _Query) -> tuple[Any, ...]:
        lister: Callable[..., tuple[Any, ...]]
        match query:
            case LedgerQuery():
                lister = rows.list_sums
            case RolledQuery():
                lister = rows.list_rolled
            case UseQuery():
                lister = rows.list_uses
            case MarkQuery():
                lister = rows.list_marks
            case ClaimQuery():
                lister = rows.list_claims
            case JobQuery():
                lister = rows.list_jobs
        return cast("tuple[Any, ...]", await self._look(lister, (), query))

    @property
    def health(self) -> Health:
        waiting = len(self._unsaved) + len(self._claims) if self._trouble else 0
        return Health(trouble=self._trouble, unsaved=waiting, lost=self._unsaved.lost)

    async def close(self) -> None:
        if self._thread is None:
            return
        await self._on_thread(self._let_go)
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    # -- on the event loop's side ---------------------------------------------------------------------------

    async def _on_thread(self, job: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._jobs.put((job, future))
        return await asyncio.wrap_future(future)

    async def _look(self, look: Callable[..., Any], otherwise: Any, *arguments: Any) -> Any:
        def job() -> Any:
            connection = self._ready()
            if connection is None:
                return otherwise
            try:
                return look(connection, *arguments)
            except sqlite3.Error as error:
                self._fail(error)
                return otherwise

        return await self._on_thread(job)

    # -- on the thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except Exception as error:  # the thread must outlive any fault of one job
                future.set_exception(error)

    def _write(self) -> None:
        if self._read_only or not (len(self._unsaved) or self._claims):
            return
        connection = self._ready()
        if connection is None:
            return
        changes, claims = self._unsaved.take(), self._claims
        try:
            connection.execute("BEGIN IMMEDIATE")
            rows.journal(connection, claims.values())
            for change in changes:
                rows.apply(connection, change)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._unsaved.add(changes)
            self._fail(error)
        else:
            self._claims = {}
            self._recover()

    def _ready(self) -> sqlite3.Connection | None:
        """The open connection; None while the file can't be opened."""
        if self._connection is None:
            try:
                self._connection = self._open()
            except NewerForm as error:
                self._fail(error)
            except sqlite3.DatabaseError as error:
                self._fail(error)
                if not isinstance(error, sqlite3.OperationalError):
                    self._put_aside()
            except OSError as error:
                self._fail(error)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if not self._read_only:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        mode = "ro" if self._read_only else "rw"
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            if not self._read_only:
                bring_up_to_date(connection)  # before anything is written into a file that may be a newer one's
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA journal_size_limit = 8388608")
                connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self) -> None:
        if self._read_only:
            return
        number = 1
        while (broken := self._path.with_name(f"{self._path.name}.broken-{number}")).exists():
            number += 1
        self._path.rename(broken)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        logger.error("%s is no database; it is kept as %s and the counters begin anew", self._path, broken.name)
        self._connection = self._open()
        self._recover()

    def _fail(self, error: Exception) -> None:
        if self._trouble is None:
            logger.error("%s: %s; counters go on in memory until it can be written again", self._path, error)
        self._trouble = str(error)

    def _recover(self) -> None:
        if self._trouble is not None:
            logger.warning("%s: can be written again, %d changes were lost", self._path, self._unsaved.lost)
        self._trouble = None

    def _let_go(self) -> None:
        self._write()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
