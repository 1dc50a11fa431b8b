"""A file that is being made is read by many, to its end or to its break."""

from __future__ import annotations

import asyncio
import errno
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.media import growing as growing_module
from proxy.media.growing import Growing, GrowingBroken


@pytest.fixture
async def growing(tmp_path: Path) -> AsyncIterator[Growing]:
    growing = Growing(tmp_path / "growing", "video/mp4")
    await growing.open()
    pump = asyncio.create_task(growing.pump())
    yield growing
    growing.break_off("over")
    await pump


async def read(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_readers_get_what_there_is_and_then_the_rest(growing: Growing) -> None:
    growing.take(b"one ")
    early = asyncio.create_task(read(growing.read_from()))
    await asyncio.sleep(0.01)
    growing.take(b"two ")
    late = asyncio.create_task(read(growing.read_from(4)))
    growing.take(b"three")
    growing.end()
    assert await early == b"one two three"
    assert await late == b"two three"
    assert growing.is_whole and growing.length_bytes == 13


async def test_a_slow_reader_holds_up_nobody(growing: Growing) -> None:
    slow = growing.read_from()
    growing.take(b"x" * 200_000)
    assert len(await anext(slow)) == growing_module.READ_BYTES
    for _ in range(100):
        growing.take(b"y" * 10_000)
    growing.end()
    assert len(await read(growing.read_from())) == 1_200_000
    assert len(await read(slow)) == 1_200_000 - growing_module.READ_BYTES


async def test_who_reads_after_the_end_and_the_removal_gets_all(growing: Growing, tmp_path: Path) -> None:
    growing.take(b"film")
    growing.end()
    await read(growing.read_from())
    (tmp_path / "growing").unlink()
    assert await read(growing.read_from(1)) == b"ilm"
    assert await read(growing.read_from(4)) == b""


async def test_a_break_reaches_everybody_and_nothing_is_taken_after(growing: Growing) -> None:
    growing.take(b"half")
    reader = asyncio.create_task(read(growing.read_from()))
    await asyncio.sleep(0.01)
    growing.break_off("timed-out")
    growing.take(b"more")
    with pytest.raises(GrowingBroken, match="timed-out"):
        await reader
    with pytest.raises(GrowingBroken):
        await read(growing.read_from())
    assert not growing.is_whole


async def test_after_its_end_it_does_not_break(growing: Growing) -> None:
    growing.take(b"film")
    growing.end()
    growing.break_off("cancelled")
    assert await read(growing.read_from()) == b"film"


async def test_a_full_disk_breaks_it_even_at_the_end(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(growing_module.os, "pwrite", full)
    growing.take(b"film")
    growing.end()
    with pytest.raises(GrowingBroken, match="disk-full"):
        await read(growing.read_from())


async def test_the_file_is_closed_when_nobody_holds_it(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "g", "video/mp4")
    await growing.open()
    assert _is_open(tmp_path / "g")
    del growing
    gc.collect()
    assert not _is_open(tmp_path / "g")


def _is_open(path: Path) -> bool:
    return any(link.is_symlink() and str(link.readlink()) == str(path) for link in Path("/proc/self/fd").iterdir())


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "g", "video/mp4")
    await growing.open()
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o600
