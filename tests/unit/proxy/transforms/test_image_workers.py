"""Image workers are real processes here: killed, hung, out of memory and lying ones cost one image each."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from proxy.exchange import Refused, Replaced, Unchanged
from proxy.transforms.frames import NonsenseError, read_outcome
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.workers import ImageWorkers
from tests.pictures import photo, png_bomb, saved, spec

PHOTO = saved(photo(), "JPEG", quality=90)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "proxy.transforms.worker" in " ".join(child.cmdline())]


@asynccontextmanager
async def workers(count: int = 1, **options: float) -> AsyncIterator[ImageWorkers]:
    made = ImageWorkers(count, **options)  # type: ignore[arg-type]
    await made.open()
    yield made
    await made.close()
    assert children() == []


async def test_a_worker_makes_what_the_function_makes(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    expected = adapt_image(PHOTO, spec())
    async with workers(2) as pool:
        assert await asyncio.gather(*(pool.adapt(PHOTO, spec()) for _ in range(6))) == [expected] * 6
        assert await pool.adapt(tmp_path / "photo.jpg", spec()) == expected
        assert await pool.adapt(b"<html>" * 400, spec()) == Unchanged(why="not-an-image")
        assert await pool.adapt(png_bomb(), spec()) == Refused(why="too-many-pixels")
        assert len(children()) == 2 and pool.crashes == 0


async def test_a_worker_killed_in_mid_image_costs_that_image_only() -> None:
    slow = saved(photo(3000, 2000), "PNG")
    async with workers() as pool:
        job = asyncio.create_task(pool.adapt(slow, spec(max_width_px=None)))
        await asyncio.sleep(0.05)
        children()[0].send_signal(signal.SIGKILL)
        assert await job == Refused(why="decoder-crashed")
        assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)
        assert pool.crashes == 1


async def test_a_worker_that_died_while_idle_is_replaced_and_no_image_is_blamed() -> None:
    async with workers() as pool:
        children()[0].send_signal(signal.SIGSEGV)
        await asyncio.sleep(0.1)
        assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)
        assert pool.crashes == 0


async def test_a_worker_that_hangs_is_killed_at_its_deadline() -> None:
    async with workers(deadline_s=0.4) as pool:
        os.kill(children()[0].pid, signal.SIGSTOP)
        assert await pool.adapt(PHOTO, spec()) == Refused(why="timed-out")
        assert children() == []


async def test_an_image_that_does_not_fit_in_memory_is_refused_and_the_worker_lives() -> None:
    huge = saved(photo(200, 150).resize((9000, 8000)), "PNG", compress_level=1)
    async with workers(memory_bytes=300 << 20) as pool:
        before = [child.pid for child in children()]
        outcome = await pool.adapt(huge, spec())
        assert isinstance(outcome, Refused) and outcome.why in ("out-of-memory", "decoder-crashed")
        assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)
        if outcome.why == "out-of-memory":
            assert [child.pid for child in children()] == before


async def test_cancelling_a_job_ends_its_worker_and_frees_its_place() -> None:
    async with workers() as pool:
        job = asyncio.create_task(pool.adapt(saved(photo(3000, 2000), "PNG"), spec(max_width_px=None)))
        await asyncio.sleep(0.05)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)


async def test_a_worker_writes_no_file_and_has_its_limits(tmp_path: Path) -> None:
    async with workers(memory_bytes=512 << 20):
        limits = Path(f"/proc/{children()[0].pid}/limits").read_text()
        found = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
        assert found["Max file size"] == "0" and found["Max core file size"] == "0"
        assert found["Max address space"] == str(512 << 20)


async def test_without_a_source_file_the_image_is_refused(tmp_path: Path) -> None:
    async with workers() as pool:
        assert await pool.adapt(tmp_path / "gone", spec()) == Refused(why="lost")
        assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)


async def test_after_close_a_job_is_refused() -> None:
    pool = ImageWorkers(1)
    await pool.open()
    await pool.close()
    assert await pool.adapt(PHOTO, spec()) == Refused(why="closed")


async def test_a_start_that_is_broken_off_leaves_no_process() -> None:
    pool = ImageWorkers(1)
    starting = asyncio.create_task(pool.open())
    while not children():
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert children() == []
    assert isinstance(await pool.adapt(PHOTO, spec()), Replaced)
    await pool.close()


async def test_an_image_that_comes_while_the_first_worker_starts_waits_for_it() -> None:
    pool = ImageWorkers(1)
    outcomes = await asyncio.gather(pool.open(), pool.adapt(PHOTO, spec()))
    assert isinstance(outcomes[1], Replaced) and len(children()) == 1
    await pool.close()


def answer(head: bytes, body: bytes, *, head_bytes: int | None = None) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(struct.pack(">II", len(head) if head_bytes is None else head_bytes, len(body)) + head + body)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b'{"type": "text/html", "notes": []}', b"<script>"),
        (b'{"type": "image/webp", "notes": []}', b"x" * 101),
        (b"not json", b"x"),
        (b"{}", b""),
        (b'{"notes": []}', b"x"),
        (b'{"type": ["image/webp"], "notes": 5}', b"x"),
        (b"[1]", b"x"),
        (b"x" * 20_000, b"x"),
    ],
)
async def test_nonsense_from_a_worker_is_not_believed(head: bytes, body: bytes) -> None:
    with pytest.raises(NonsenseError):
        await read_outcome(answer(head, body), source_bytes=100)
