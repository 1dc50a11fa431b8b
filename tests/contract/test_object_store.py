"""What the store of responses promises beyond `test_stores.py`: bodies stream in and out, in parts, for many."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.caching import Got, Says, Told, cached, read
from tests.contract.stores import LARGE, PUBLIC, SMALL, Full, Stepping, answers

ROOT = Path(__file__).parents[2]
TARGETS = (("/small", SMALL), ("/large", LARGE), ("/part", LARGE))


async def test_one_fetch_serves_all_who_ask_while_it_streams_in(tmp_path: Path) -> None:
    body, go_on = LARGE * 8, asyncio.Event()

    async def slowly(told: Told) -> Says:
        await go_on.wait()
        return Says(200, PUBLIC, body)

    async with cached(tmp_path, slowly) as there:

        async def asks() -> Got:
            return await read(await there.cache.open(there.asked("/large")))

        asking = [asyncio.create_task(asks()) for _ in range(5)]
        await asyncio.sleep(0)
        go_on.set()
        got = await asyncio.gather(*asking)
        assert [one.body for one in got] == [body] * 5
        assert len(there.told) == 1


@pytest.mark.parametrize(
    ("wanted", "first", "after"),
    [("0-0", 0, 1), ("65535-65536", 65_535, 65_537), ("100000-199999", 100_000, 200_000), ("-7", -7, None)],
)
async def test_any_part_of_what_is_stored_is_given_without_a_question(
    wanted: str, first: int, after: int | None, tmp_path: Path
) -> None:
    async with cached(tmp_path, answers) as there:
        await there.get("/large")
        part = await there.get("/large", headers={"Range": f"bytes={wanted}"})
        assert (part.status, part.body) == (206, LARGE[first:after])
        assert len(there.told) == 1


async def test_a_part_is_gone_on_with_where_it_ends(tmp_path: Path) -> None:
    async with cached(tmp_path, answers) as there:
        await there.get("/part", headers={"Range": "bytes=0-99999"})
        whole = await there.get("/part")
        assert whole.body == LARGE
        assert there.told[-1].headers["Range"].startswith("bytes=100000-")
        assert (await there.get("/part")).body == LARGE and len(there.told) == 2


async def test_a_piece_that_isnt_what_was_stored_ends_the_reading_and_is_never_sent(tmp_path: Path) -> None:
    async with cached(tmp_path, answers) as there:
        await there.get("/large")
    (path,) = (path for path in (tmp_path / "objects").rglob("*") if path.is_file())
    with path.open("r+b") as file:
        file.seek(200_000)
        file.write(b"XX")
    async with cached(tmp_path, answers) as there:
        reply = await there.cache.open(there.asked("/large"))
        got = b""
        with pytest.raises(Exception, match="stored response"):
            async for chunk in reply.iter_chunks():
                got += chunk
        reply.release()
        assert got == LARGE[: len(got)] and len(got) <= 196_608  # whole pieces before it
        again = await there.get("/large")
        assert again.body == LARGE and again.from_origin
        assert there.store.stats().damaged == 1


async def test_a_disk_that_fills_while_two_read_costs_neither(tmp_path: Path) -> None:
    writes = 0

    def before(step: str) -> None:
        nonlocal writes
        writes += step == "write"
        if writes > 3:
            raise Full

    body = LARGE * 24
    async with cached(tmp_path, lambda told: Says(200, PUBLIC, body), files=Stepping(tmp_path, before)) as there:
        replies = [await there.cache.open(there.asked("/large")) for _ in range(2)]
        first, second = await asyncio.gather(*(read(reply) for reply in replies))
        await there.settled()
        assert first.body == second.body == body and len(there.told) == 1
        assert there.store.stats().objects == 0 and there.store.stats().failed_writes == 1


def test_killed_at_any_step_no_part_is_taken_for_the_whole(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.contract.killed", "parts", str(tmp_path)]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    deaths = int(done.stdout)
    assert deaths >= 15, "the visit touches the disk often"
    for step in range(deaths):
        asyncio.run(found_in_order(tmp_path / str(step)))


async def found_in_order(folder: Path) -> None:
    """What a new process finds is whole, or is fetched; and then it is found."""
    async with cached(folder, answers) as there:
        for target, body in TARGETS:
            got = await there.get(target)
            assert (got.status, got.body) == (200, body)
        asked = len(there.told)
        for target, body in TARGETS:
            assert (await there.get(target)).body == body
        assert len(there.told) == asked, "what was stored is found"
        assert there.store.stats().damaged == 0
