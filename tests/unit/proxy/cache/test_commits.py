"""Rows that come together go into the index together, and each is told of itself alone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import pytest

from proxy.base_thread import BaseThread
from proxy.cache.commits import Commits
from proxy.cache.object_index import ObjectIndex, Put, Row

BAD = "bad"


class Index(ObjectIndex):
    """Counts its transactions, waits in each until it may go on, and doesn't take one kind of row."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.sizes: list[int] = []
        self.goes_on = Event()
        self.goes_on.set()

    def put(self, rows: Sequence[Row], *, most_twins: int) -> list[Put]:
        self.sizes.append(len(rows))
        assert self.goes_on.wait(60)
        if any(row.url == BAD for row in rows):
            raise sqlite3.OperationalError("disk I/O error")
        return super().put(rows, most_twins=most_twins)


class There:
    def __init__(self, thread: BaseThread[Index], index: Index) -> None:
        self.thread, self.index = thread, index
        self.commits = Commits(thread, most_twins=16)  # type: ignore[arg-type]

    async def names(self) -> int:
        totals = await self.thread.ask(lambda index: index.totals())
        assert totals is not None
        return totals.objects


@asynccontextmanager
async def there(folder: Path) -> AsyncIterator[There]:
    thread = BaseThread(folder / "index.sqlite", Index, name="an index", logger=logging.getLogger("test"))
    await thread.open()
    index = await thread.ask(lambda base: base)
    assert index is not None
    yield There(thread, index)
    index.goes_on.set()
    await thread.close()


def row(number: int, url: str = "http://lms.test/a") -> Row:
    return Row(key=number.to_bytes(32, "big"), twin=b"", whose="shared", url=url, file=f"{number:024x}", disk_bytes=1)


async def started(there: There, rows: Sequence[Row]) -> list[asyncio.Task[Put | None]]:
    """All are on their way, the first of them stands in its transaction."""
    there.index.goes_on.clear()
    tasks = [asyncio.create_task(there.commits.put(one)) for one in rows]
    while not there.index.sizes:
        await asyncio.sleep(0.001)
    return tasks


async def test_what_comes_during_a_commit_goes_in_the_next_one_together(tmp_path: Path) -> None:
    async with there(tmp_path) as index:
        tasks = await started(index, [row(number) for number in range(300)])
        index.index.goes_on.set()
        puts = await asyncio.gather(*tasks)
        assert len({put.id for put in puts if put is not None}) == 300
        assert await index.names() == 300
        assert sum(index.index.sizes) == 300 and len(index.index.sizes) <= 3
        assert max(index.index.sizes) == 256


async def test_a_row_that_isnt_taken_spoils_no_others(tmp_path: Path) -> None:
    async with there(tmp_path) as index:
        tasks = await started(index, [row(0), row(1), row(2, BAD), row(3)])
        index.index.goes_on.set()
        puts = await asyncio.gather(*tasks)
        assert [put is not None for put in puts] == [True, True, False, True]
        assert await index.names() == 3
        assert await index.commits.put(row(4)) is not None, "and the next is taken as ever"


@pytest.mark.parametrize("leaves", [0, 1, 5])
async def test_who_stops_waiting_takes_nobody_along(tmp_path: Path, leaves: int) -> None:
    """The one who commits, the one who would be next, and another."""
    async with there(tmp_path) as index:
        tasks = await started(index, [row(number) for number in range(8)])
        tasks[leaves].cancel()
        await asyncio.sleep(0)
        index.index.goes_on.set()
        others = await asyncio.gather(*(task for n, task in enumerate(tasks) if n != leaves))
        assert all(put is not None for put in others)
        assert await index.commits.put(row(100)) is not None


async def test_one_who_leaves_as_her_turn_comes_passes_it_on(tmp_path: Path) -> None:
    async with there(tmp_path) as index:
        tasks = await started(index, [row(number) for number in range(4)])
        index.index.goes_on.set()
        await tasks[0]
        tasks[1].cancel()  # she has been told, and hasn't had a turn of the loop since
        assert all(await asyncio.gather(*tasks[2:]))
        assert await index.commits.put(row(100)) is not None
