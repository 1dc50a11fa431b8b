"""The file behind State: killed processes, full disks, damaged and foreign files."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.account.sqlite import SqliteState
from proxy.account.sqlite_form import STEPS, bring_up_to_date
from proxy.account.state import (
    AddSums,
    DropJob,
    JobQuery,
    JobRow,
    LedgerKey,
    LedgerQuery,
    Mark,
    MarkQuery,
    PutJob,
    PutMark,
    Sums,
)
from proxy.account.unsaved import Unsaved

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = LedgerKey(hour=NOW, region="koryak", site="", origin="lms", traffic_class="lesson", kind="page")
ONE = AddSums(key=HOUR, sums=Sums(exchanges=1))


def a_mark(number: int, size: int = 10) -> PutMark:
    return PutMark(Mark(kind="x", owner="", key=f"{number:05}", until=NOW + timedelta(days=1), facts={"t": "x" * size}))


async def opened(path: Path, **settings: int) -> SqliteState:
    state = SqliteState(path, **settings)
    await state.start()
    return state


async def exchanges_of(state: SqliteState) -> int:
    return sum(line.sums.exchanges for line in await state.list(LedgerQuery()))


WRITER = """
import asyncio, sys
from pathlib import Path
from datetime import datetime, UTC
from proxy.account.sqlite import SqliteState
from proxy.account.state import AddSums, LedgerKey, Sums
async def main():
    state = SqliteState(Path(sys.argv[1]))
    await state.start()
    hour = datetime(2026, 3, 2, 9, tzinfo=UTC)
    key = LedgerKey(hour=hour, region="r", site="", origin="o", traffic_class="c", kind="k")
    while True:
        await state.commit([AddSums(key=key, sums=Sums(exchanges=1))])
        print("kept", flush=True)
asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    told = 0
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()) as writer:
        assert writer.stdout is not None
        while told < 200:
            assert writer.stdout.readline() == b"kept\n"
            told += 1
        os.kill(writer.pid, signal.SIGKILL)
        told += writer.stdout.read().count(b"kept\n")
    state = await opened(path)
    assert await exchanges_of(state) in (told, told + 1)
    assert state.health.trouble is None
    await state.close()


@contextmanager
def no_file_grows_beyond(nbytes: int) -> Iterator[None]:
    """A disk without room, as the kernel shows it to this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_costs_nothing_once_there_is_room_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = await opened(tmp_path / "s.sqlite3")
    await state.commit([ONE])
    with no_file_grows_beyond(100_000):
        for number in range(40):
            await state.commit([ONE, a_mark(number, size=8000)])
        trouble, unsaved = state.health.trouble, state.health.unsaved
    assert trouble is not None
    assert unsaved > 0
    await state.commit([ONE])
    assert (state.health.trouble, state.health.unsaved, state.health.lost) == (None, 0, 0)
    assert await exchanges_of(state) == 42
    assert len(await state.list(MarkQuery(kind="x", now=NOW))) == 40
    assert sum("counters go on in memory" in line for line in caplog.messages) == 1
    await state.close()


async def test_the_file_never_outgrows_its_limit(tmp_path: Path) -> None:
    state = await opened(tmp_path / "s.sqlite3", max_file_bytes=128 * 1024)
    for number in range(100):
        await state.commit([ONE, a_mark(number, size=4000)])
    assert "full" in (state.health.trouble or "")
    await state.close()
    assert (tmp_path / "s.sqlite3").stat().st_size <= 128 * 1024


async def test_counting_goes_on_without_a_file_and_is_kept_when_it_comes_back(tmp_path: Path) -> None:
    blocked = tmp_path / "folder"
    blocked.write_text("in the way")
    state = await opened(blocked / "s.sqlite3")
    for _ in range(3):
        await state.commit([ONE])
    assert state.health.trouble is not None
    assert await state.list(LedgerQuery()) == ()
    blocked.unlink()
    await state.commit([ONE])
    assert state.health.trouble is None
    assert await exchanges_of(state) == 4
    await state.close()


async def test_a_file_that_is_no_database_is_put_aside_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    path.write_bytes(b"not a database at all, and long enough to be looked at as one" * 20)
    state = await opened(path)
    await state.commit([ONE])
    assert await exchanges_of(state) == 1
    assert (tmp_path / "s.sqlite3.broken-1").read_bytes().startswith(b"not a database")
    await state.close()


async def test_a_file_of_a_newer_tropa_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    state = await opened(path)
    await state.commit([ONE])
    assert "update Tropa" in (state.health.trouble or "")
    await state.close()
    assert path.read_bytes() == before


async def test_an_older_file_is_brought_up_to_date_with_its_content(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        bring_up_to_date(connection)
        connection.execute("INSERT INTO mark VALUES ('k', '', 'a', 1, '{}')")
        bring_up_to_date(connection, (*STEPS, "ALTER TABLE mark ADD COLUMN extra TEXT NOT NULL DEFAULT 'x';"))
        assert connection.execute("SELECT key, extra FROM mark").fetchall() == [("a", "x")]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 1,)


async def test_a_file_without_jobs_gets_them_and_keeps_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    bring_up_to_date(connection, STEPS[:1])
    until = int(NOW.timestamp()) + 60
    connection.execute("INSERT INTO mark VALUES ('code', '', 'a', ?, '{}')", (until,))
    connection.close()
    state = await opened(path)
    await state.commit([PutJob(JobRow(id="x", kind="media", state="queued", owner="", region="koryak", since=NOW))])
    assert [job.id for job in await state.list(JobQuery(kind="media"))] == ["x"]
    assert [mark.key for mark in await state.list(MarkQuery(kind="code", now=NOW))] == ["a"]
    await state.close()


def test_jobs_that_wait_for_the_disk_keep_their_last_word_and_go_before_sums() -> None:
    job = JobRow(id="x", kind="media", state="queued", owner="", region="koryak", since=NOW)
    waiting = Unsaved(max_waiting=2)
    waiting.add([PutJob(job), DropJob("x"), ONE])
    assert [change for change in waiting.take() if isinstance(change, PutJob | DropJob)] == [DropJob("x")]
    waiting.add([DropJob("x"), PutJob(job), DropJob("y"), ONE])
    assert waiting.lost == 1 and ONE in waiting.take()


async def test_a_failed_step_leaves_the_older_form(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        bring_up_to_date(connection)
        with pytest.raises(sqlite3.Error):
            bring_up_to_date(connection, (*STEPS, "CREATE TABLE fresh (a TEXT); CREATE TABLE mark (b TEXT);"))
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert not connection.execute("SELECT * FROM sqlite_master WHERE name = 'fresh'").fetchall()


async def test_a_command_reads_while_the_process_runs_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    running = await opened(path)
    await running.commit([ONE])
    looking = SqliteState(path, read_only=True)
    await looking.start()
    assert await exchanges_of(looking) == 1
    await looking.commit([ONE])
    assert await exchanges_of(looking) == 1
    await looking.close()
    await running.close()


async def test_a_command_that_looks_into_an_empty_folder_finds_nothing_and_creates_nothing(tmp_path: Path) -> None:
    looking = SqliteState(tmp_path / "s.sqlite3", read_only=True)
    await looking.start()
    assert await looking.list(MarkQuery(kind="code", now=NOW)) == ()
    await looking.close()
    assert list(tmp_path.iterdir()) == []


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    state = await opened(tmp_path / "new" / "s.sqlite3")
    assert stat.S_IMODE((tmp_path / "new" / "s.sqlite3").stat().st_mode) == 0o600
    await state.close()


def test_what_waits_is_merged_and_sheds_marks_before_sums() -> None:
    waiting = Unsaved(max_waiting=10)
    for number in range(30):
        waiting.add([ONE, a_mark(number)])
    assert len(waiting) == 10
    assert waiting.lost == 21
    changes = waiting.take()
    assert AddSums(key=HOUR, sums=Sums(exchanges=30)) in changes
    assert [change.mark.key for change in changes if isinstance(change, PutMark)] == [f"{n:05}" for n in range(21, 30)]
    assert len(waiting) == 0
