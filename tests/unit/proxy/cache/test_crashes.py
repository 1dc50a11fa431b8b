"""Killed at every step that touches the disk, and on disks that are full: nothing lost, nothing half."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.cache.object_files import ObjectFiles
from tests.caching import Cached, Says, Told, cached, ranged

HASH = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
BIG = bytes(range(256)) * 1300  # a third of a megabyte: larger than what is written in one go
SMALL = b"small" * 100
PUBLIC = {"Cache-Control": "public, max-age=600"}
ROOT = Path(__file__).parents[4]
MOST_STEPS = 60


class Stepping(ObjectFiles):
    """Files that tell before each step that touches the disk."""

    def __init__(self, root: Path, before: Callable[[str], None]) -> None:
        super().__init__(root)
        self._before = before

    def create(self, name: str) -> int:
        self._before("create")
        return super().create(name)

    def write(self, file: int, offset: int, data: bytes) -> None:
        half = len(data) // 2
        self._before("write")
        super().write(file, offset, data[:half])
        self._before("write the rest")
        super().write(file, offset + half, data[half:])

    def publish(self, name: str) -> None:
        self._before("publish")
        super().publish(name)
        self._before("published")

    def remove(self, names: list[str]) -> None:
        self._before("remove")
        super().remove(names)


def answers(told: Told) -> Says:
    if "small" in told.target:
        return Says(200, PUBLIC, SMALL)
    return ranged(told, BIG, HASH, PUBLIC)


async def visit(there: Cached) -> None:
    """Small and large, a part that is gone on with, and a new version in the old one's place."""
    await there.get("/small")
    await there.get("/big")
    await there.get("/part", headers={"Range": "bytes=0-99999"})
    await there.get("/part")
    there.clock.moves(700)
    await there.get("/small")


def dies_at(folder: Path, step: int) -> bool:
    """Run the visit in a process that is killed at a step; whether it came to that step."""
    words = [sys.executable, "-m", "tests.unit.proxy.cache.test_crashes", str(folder), str(step)]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def test_killed_at_any_step_nothing_is_lost_and_nothing_half(tmp_path: Path) -> None:
    """Every fourth step, each in a folder of its own; the steps between differ only in the bytes that were written."""
    for step in range(0, MOST_STEPS, 4):
        folder = tmp_path / str(step)
        folder.mkdir()
        if not dies_at(folder, step):
            break
        asyncio.run(found_in_order(folder))
    else:
        pytest.fail("the visit has more steps than were tried")
    assert step >= 15, "the visit touches the disk often"


async def found_in_order(folder: Path) -> None:
    """What a new process finds is whole, or is fetched; every file has its row after one sweep of all shards."""
    async with cached(folder, answers) as there:
        assert not list((folder / "unfinished").iterdir())
        for target, body in (("/small", SMALL), ("/big", BIG), ("/part", BIG)):
            got = await there.get(target)
            assert (got.status, got.body) == (200, body)
        asked = len(there.told)
        for target, body in (("/small", SMALL), ("/big", BIG), ("/part", BIG)):
            assert (await there.get(target)).body == body
        assert len(there.told) == asked, "what was stored is found"
        for _ in range(256):
            await there.store._drop_orphans()
        named = {one.row.file for one in await there.store.listing(100)}
        assert {path.name for path in (folder / "objects").rglob("*") if path.is_file()} == named
        assert there.store.stats().damaged == 0


class Full(OSError):
    def __init__(self) -> None:
        super().__init__(28, "No space left on device")


@pytest.mark.parametrize("when", ["create", "write", "write the rest", "publish"])
async def test_a_full_disk_costs_nobody_her_page(when: str, tmp_path: Path) -> None:
    full = True

    def before(step: str) -> None:
        if full and step == when:
            raise Full

    async with cached(tmp_path, answers, files=Stepping(tmp_path, before)) as there:
        for target, body in (("/small", SMALL), ("/big", BIG), ("/small", SMALL)):
            got = await there.get(target)
            assert (got.body, got.from_origin) == (body, True)
        stats = there.store.stats()
        assert stats.failed_writes >= 3 and stats.objects == 0
        assert not list(tmp_path.rglob("objects/*/*")), "nothing is left behind"
        full = False
        assert (await there.get("/big")).from_origin
        assert not (await there.get("/big")).from_origin


async def test_a_disk_that_fills_while_two_read_costs_neither(tmp_path: Path) -> None:
    writes = 0

    def before(step: str) -> None:
        nonlocal writes
        writes += step == "write"
        if writes > 3:
            raise Full

    body = BIG * 24
    async with cached(tmp_path, lambda told: Says(200, PUBLIC, body), files=Stepping(tmp_path, before)) as there:
        replies = [await there.cache.open(there.asked("/big")) for _ in range(2)]

        async def taken(reply) -> bytes:  # type: ignore[no-untyped-def]
            return b"".join([chunk async for chunk in reply.iter_chunks()])

        first, second = await asyncio.gather(*(taken(reply) for reply in replies))
        for reply in replies:
            reply.release()
        await there.settled()
        assert first == second == body and len(there.told) == 1
        assert there.store.stats().objects == 0 and there.store.stats().failed_writes == 1


async def test_a_damaged_index_is_begun_anew(tmp_path: Path) -> None:
    async with cached(tmp_path, answers) as there:
        await there.get("/small")
    for path in tmp_path.glob("cache.sqlite*"):
        path.write_bytes(b"not a database" * 1000)
    async with cached(tmp_path, answers) as there:
        assert (await there.get("/small")).from_origin
        assert not (await there.get("/small")).from_origin


async def _dying(folder: Path, at: int) -> None:
    steps = 0

    def before(step: str) -> None:
        nonlocal steps
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    async with cached(folder, answers, files=Stepping(folder, before)) as there:
        await visit(there)


if __name__ == "__main__":
    asyncio.run(_dying(Path(sys.argv[1]), int(sys.argv[2])))
