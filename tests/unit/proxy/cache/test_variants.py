"""The variant store beside its contract: what it keeps, for how long, and what it promises of a source not yet read."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.cache.memory import BoundedMemory
from proxy.cache.variant_keys import Provisional
from proxy.cache.variant_values import etag_of
from proxy.cache.variants import VariantStore
from proxy.exchange import Refused, Replaced, Unchanged
from tests.clocks import HandClock

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[4]


def key(number: int) -> str:
    return f"{number:064x}"


def picture(body: bytes) -> Replaced:
    return Replaced(body=body, content_type="image/webp", length_bytes=len(body), notes=(("width_px", 800),))


@asynccontextmanager
async def opened(
    folder: Path, clock: HandClock | None = None, *, max_bytes: int = 1 << 30, memory_bytes: int = 32 << 20
) -> AsyncIterator[VariantStore]:
    store = VariantStore(folder, max_bytes=max_bytes, clock=clock or HandClock(START), memory_bytes=memory_bytes)
    await store.open()
    yield store
    await store.close()


def stored_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "objects").rglob("*") if path.is_file()]


async def test_what_is_put_is_found_with_its_bytes_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        first = await store.put(key(1), picture(b"bytes"))
    async with opened(tmp_path) as store:
        assert store.find_hot(key(1)) is None
        again = await store.find(key(1))
        assert again == first
        assert again is not None and await store.read(again) == b"bytes"
        assert again.etag == etag_of(b"bytes") and again.etag.startswith('"')
        assert store.find_hot(key(1)) == again
        assert isinstance(again.outcome, Replaced) and again.outcome.notes == (("width_px", 800),)
        assert again.outcome.body == stored_files(tmp_path)[0]


async def test_a_memory_hit_awaits_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.put(key(1), picture(b"bytes"))
        step = store.find(key(1))
        with pytest.raises(StopIteration) as done:
            step.send(None)
        assert done.value.value.etag == etag_of(b"bytes")
        assert store.stats().memory_hits == 1


async def test_why_nothing_could_be_made_is_kept_too(tmp_path: Path) -> None:
    clock = HandClock(START)
    async with opened(tmp_path, clock) as store:
        await store.put(key(1), Unchanged(why="no-gain"))
        await store.put(key(2), Refused(why="timed-out"))
    clock.at += timedelta(hours=23)
    async with opened(tmp_path, clock) as store:
        unchanged, refused = await store.find(key(1)), await store.find(key(2))
        assert unchanged is not None and unchanged.outcome == Unchanged(why="no-gain")
        assert refused is not None and refused.outcome == Refused(why="timed-out")
        assert await store.read(unchanged) is None and store.stats().negatives == 2
        clock.at += timedelta(hours=2)
        assert await store.find(key(1)) is not None, "a source that gives nothing gives nothing tomorrow either"
        assert await store.find(key(2)) is None, "a bad hour of the machine is forgiven after a day"


async def test_an_outcome_given_as_a_file_is_taken_in(tmp_path: Path) -> None:
    made = tmp_path / "made.webp"
    made.write_bytes(b"from a file")
    async with opened(tmp_path / "store") as store:
        variant = await store.put(key(1), Replaced(body=made, content_type="image/webp", length_bytes=11))
        made.unlink()
        assert await store.read(variant) == b"from a file"
        gone = await store.put(key(2), Replaced(body=made, content_type="image/webp", length_bytes=11))
        assert gone.outcome == Refused(why="lost")


async def test_a_private_source_s_variant_lives_a_day_and_is_gone_from_disk_after_the_sweep(tmp_path: Path) -> None:
    clock = HandClock(START)
    async with opened(tmp_path, clock) as store:
        await store.put(key(1), picture(b"private"), private=True, learner="a")
        await store.put(key(2), picture(b"public"))
        clock.at += timedelta(hours=23, minutes=59)
        assert await store.find(key(1)) is not None
        clock.at += timedelta(minutes=1)
        assert store.find_hot(key(1)) is None and await store.find(key(1)) is None
        stats = await store.sweep(clock.at)
        assert await store.find(key(2)) is not None
        assert stats.files == 1 and [path.read_bytes() for path in stored_files(tmp_path)] == [b"public"]


async def test_a_private_variant_is_listed_only_after_two_learners_have_had_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.put(key(1), picture(b"one"), private=True, learner="anna")
        await store.put(key(2), picture(b"two"))
        assert [variant.key for variant in await store.inspect()] == [key(2)]
        store.note_learner(key(1), "anna")
        assert [variant.key for variant in await store.inspect()] == [key(2)]
    async with opened(tmp_path) as store:
        store.note_learner(key(1), "boris")
        assert {variant.key for variant in await store.inspect()} == {key(1), key(2)}
    with closing(sqlite3.connect(tmp_path / "variants.sqlite")) as base:
        assert b"anna" not in b"".join(row[0] for row in base.execute("SELECT learners FROM variants"))


async def test_what_a_public_source_gave_stays_public(tmp_path: Path) -> None:
    clock = HandClock(START)
    async with opened(tmp_path, clock) as store:
        await store.put(key(1), picture(b"same"), private=True)
        await store.put(key(1), picture(b"same"))
        assert (await store.put(key(1), picture(b"same"), private=True)).private is False
    clock.at += timedelta(days=3)
    async with opened(tmp_path, clock) as store:
        variant = await store.find(key(1))
        assert variant is not None and not variant.private and variant.expires is None


async def test_over_its_limit_the_store_drops_what_was_unused_longest(tmp_path: Path) -> None:
    clock = HandClock(START)
    body = os.urandom(20_000)
    async with opened(tmp_path, clock, max_bytes=20 * 20_480) as store:
        for number in range(19):
            clock.at += timedelta(seconds=1)
            await store.put(key(number), picture(body + bytes([number])))
        clock.at += timedelta(seconds=1)
        assert await store.find(key(0)) is not None  # the oldest is used again
        for number in range(19, 24):
            clock.at += timedelta(seconds=1)
            await store.put(key(number), picture(body + bytes([number])))
        stats = store.stats()
        assert stats.disk_bytes <= 20 * 20_480 and stats.evicted >= 4
        assert await store.find(key(0)) is not None and await store.find(key(1)) is None
        taken = sum(path.stat().st_blocks * 512 for path in stored_files(tmp_path))
        assert taken == stats.disk_bytes and len(stored_files(tmp_path)) == stats.files


async def test_a_source_is_known_again_by_its_validator(tmp_path: Path) -> None:
    clock = HandClock(START)
    public = Provisional(origin="lms", url="http://lms/1.jpg", etag='"v1"', length_bytes=9)
    private = Provisional(origin="lms", url="http://lms/2.jpg", etag='"v1"', length_bytes=9, learner="anna")
    async with opened(tmp_path, clock) as store:
        assert await store.find_provisional(public) is None
        await store.remember_provisional(public, "digest-1")
        await store.remember_provisional(private, "digest-2", private=True)
    async with opened(tmp_path, clock) as store:
        assert await store.find_provisional(public) == "digest-1"
        assert await store.find_provisional(private) == "digest-2"
        clock.at += timedelta(hours=25)
        assert await store.find_provisional(public) == "digest-1"
        assert await store.find_provisional(private) is None
        clock.at += timedelta(days=31)
        await store.sweep(clock.at)
        assert await store.find_provisional(public) is None


async def test_a_weak_validator_promises_nothing(tmp_path: Path) -> None:
    weak = Provisional(origin="lms", url="http://lms/1.jpg", etag='W/"v1"', length_bytes=9)
    async with opened(tmp_path) as store:
        await store.remember_provisional(weak, "digest")
        assert await store.find_provisional(weak) is None


async def test_after_close_questions_are_answered_with_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.put(key(1), picture(b"one"))
    assert await store.find(key(7)) is None


async def test_a_hundred_thousand_variants_open_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    base = sqlite3.connect(tmp_path / "variants.sqlite")
    base.executemany(
        "INSERT INTO variants VALUES (?, 'replaced', '', 'image/webp', '[]', '\"e\"', 9, 4096, 0, x'', 0, NULL, ?)",
        ((key(number << 40), number) for number in range(100_000)),
    )
    base.commit()
    base.close()
    started = time.perf_counter()
    async with opened(tmp_path) as store:
        opening_s = time.perf_counter() - started
        assert store.stats().files == 100_000
        assert await store.find(key(77_777 << 40)) is not None
    assert opening_s < 1.0, opening_s


_PUTS_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from proxy.cache.variants import VariantStore
from proxy.clock import SystemClock
from proxy.exchange import Replaced
async def main():
    store = VariantStore(Path(sys.argv[1]), max_bytes=1 << 30, clock=SystemClock())
    await store.open()
    for number in range(100_000):
        body = number.to_bytes(4, "big") * 3000
        await store.put(f"{number:064x}", Replaced(body=body, content_type="image/webp", length_bytes=len(body)))
        print(number, flush=True)
asyncio.run(main())
"""


async def test_what_was_answered_before_kill_9_is_there_after_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PUTS_FOR_EVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        last = -1
        for line in process.stdout:
            last = int(line)
            if last >= 40:
                break
        process.send_signal(signal.SIGKILL)
    async with opened(tmp_path) as store:
        for number in range(last + 1):
            variant = await store.find(key(number))
            assert variant is not None
            assert await store.read(variant) == number.to_bytes(4, "big") * 3000
        assert store.stats().faults == 0


_PUTS_ON_A_FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from proxy.cache.variants import VariantStore
from proxy.clock import SystemClock
from proxy.exchange import Replaced
async def main():
    store = VariantStore(Path(sys.argv[1]), max_bytes=1 << 30, clock=SystemClock())
    await store.open()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    size = int(sys.argv[3])
    body = b"x" * size
    variant = await store.put("a" * 64, Replaced(body=body, content_type="image/webp", length_bytes=size))
    assert await store.read(variant) == body, "memory has it still"
    assert await store.find("a" * 64) == variant
    stats = store.stats()
    assert stats.failed_writes + stats.faults >= 1, stats
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.put("b" * 64, Replaced(body=body, content_type="image/webp", length_bytes=size))
    await store.close()
    again = VariantStore(Path(sys.argv[1]), max_bytes=1 << 30, clock=SystemClock())
    await again.open()
    assert await again.find("a" * 64) is None
    assert await again.read(await again.find("b" * 64)) == body
    files = [path for path in Path(sys.argv[1]).rglob("*") if path.is_file() and path.stat().st_size == size]
    assert len(files) == 1, files
    await again.close()
asyncio.run(main())
"""


@pytest.mark.parametrize(("room_bytes", "body_bytes"), [(0, 50_000), (10_000, 50_000), (10_000, 5_000)])
def test_a_disk_without_room_costs_only_the_variant(tmp_path: Path, room_bytes: int, body_bytes: int) -> None:
    """A limit on file size gives the same OSError and SQLite errors as a full disk does, at the file or the index."""
    done = subprocess.run(
        [sys.executable, "-c", _PUTS_ON_A_FULL_DISK, str(tmp_path), str(room_bytes), str(body_bytes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_bodies_in_memory_are_bounded_and_the_least_used_goes_first() -> None:
    memory = BoundedMemory(max_bytes=64_000)
    for number in range(70):
        memory.put(str(number), bytes(1000))
        assert memory.get("0") is not None
    assert memory.get("1") is None and memory.get("69") is not None
    memory.put("huge", bytes(2000))
    assert memory.get("huge") is None
