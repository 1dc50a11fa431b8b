"""What every store of bodies promises, whichever it is: whole or not there, bounded, and never the cost of a page."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.cache.body_files import BodyFiles
from tests.clocks import HandClock
from tests.contract.stores import BASES, LARGE, NEWER, SMALL, STORES, Full, Opener, Stepping, Unscanned
from tests.media_desk import START

ROOT = Path(__file__).parents[2]
every_store = pytest.mark.parametrize("store", STORES)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


def files_of(folder: Path) -> list[Path]:
    return [path for path in (folder / "objects").rglob("*") if path.is_file()]


def opener(store: str) -> Opener:
    return STORES[store]


# -- kept and found --------------------------------------------------------------------------------------------------


@every_store
async def test_what_is_kept_is_found_by_the_next_process_without_a_scan(
    store: str, tmp_path: Path, clock: HandClock
) -> None:
    async with opener(store)(tmp_path, clock) as kept:
        await kept.keep("small", SMALL)
        await kept.keep("large", LARGE)
    async with opener(store)(tmp_path, clock, files=Unscanned(tmp_path)) as kept:
        assert await kept.body("small") == SMALL
        assert await kept.body("large") == LARGE
        assert await kept.body("other") is None


@every_store
async def test_a_newer_body_takes_the_older_ones_place(store: str, tmp_path: Path, clock: HandClock) -> None:
    async with opener(store)(tmp_path, clock) as kept:
        await kept.keep("small", SMALL)
        await kept.keep("small", NEWER)
        await kept.sweep()
        assert kept.held()[0] == 1 == len(files_of(tmp_path))
        assert await kept.body("small") == NEWER


@every_store
async def test_many_at_once_dont_disturb_each_other(store: str, tmp_path: Path, clock: HandClock) -> None:
    async with opener(store)(tmp_path, clock) as kept:

        async def one(number: int) -> None:
            await kept.keep(f"n{number}", bytes([number]) * 3000)

        await asyncio.gather(*(one(number) for number in range(40)), kept.sweep(), kept.shown())
        await kept.sweep()
        assert kept.held()[0] == 40 == len(files_of(tmp_path))
        assert [await kept.body(f"n{number}") for number in range(40)] == [bytes([n]) * 3000 for n in range(40)]


@every_store
async def test_what_only_one_learner_had_is_in_no_list(store: str, tmp_path: Path, clock: HandClock) -> None:
    async with opener(store)(tmp_path, clock) as kept:
        await kept.keep("hers", SMALL, learner="anna")
        await kept.keep("open", SMALL)
        assert await kept.shown() == {"open"}
        await kept.had("hers", "anna")
        assert await kept.shown() == {"open"}
        await kept.had("hers", "boris")
        assert await kept.shown() == {"open", "hers"}
    base = (tmp_path / BASES[store]).read_bytes()
    assert b"anna" not in base and b"boris" not in base


# -- bounded ---------------------------------------------------------------------------------------------------------


@every_store
async def test_over_its_limit_it_drops_bodies_and_says_what_it_holds(
    store: str, tmp_path: Path, clock: HandClock
) -> None:
    body, limit = os.urandom(20_000), 20 * 20_480
    async with opener(store)(tmp_path, clock, max_bytes=limit) as kept:
        for number in range(30):
            clock.moves(1)
            await kept.keep(f"n{number}", body + bytes([number]))
            assert kept.held()[1] <= limit
        count, held = kept.held()
        assert 10 <= count == len(files_of(tmp_path)) < 30
        assert held == sum(path.stat().st_blocks * 512 for path in files_of(tmp_path))
        assert await kept.body("n29") == body + bytes([29])


@every_store
async def test_files_that_no_row_names_and_unfinished_ones_go(store: str, tmp_path: Path, clock: HandClock) -> None:
    stray, left = tmp_path / "objects" / "00" / ("00" + "f" * 62), tmp_path / "unfinished" / "left"
    for path in (stray, left):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    async with opener(store)(tmp_path, clock) as kept:
        assert not left.exists()
        await kept.keep("small", SMALL)
        await kept.sweep()
        assert not stray.exists() and len(files_of(tmp_path)) == 1
        assert await kept.body("small") == SMALL


# -- disks that fail -------------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def turned(path: Path) -> None:
    """One bit, at the length that was stored: as a card that wears out does it."""
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)


def emptied(path: Path) -> None:
    """As a power cut leaves what was written a moment ago."""
    path.write_bytes(b"")


def zeroed(path: Path) -> None:
    """As a power cut leaves it where the length came to the disk and the bytes didn't."""
    path.write_bytes(bytes(path.stat().st_size))


@every_store
@pytest.mark.parametrize("damage", [cut, turned, emptied, zeroed, Path.unlink])
async def test_what_isnt_what_was_stored_is_never_given_out(
    store: str, damage: Callable[[Path], object], tmp_path: Path, clock: HandClock
) -> None:
    async with opener(store)(tmp_path, clock) as kept:
        await kept.keep("small", SMALL)
    for path in files_of(tmp_path):
        damage(path)
    async with opener(store)(tmp_path, clock) as kept:
        assert await kept.body("small") is None
        assert files_of(tmp_path) == []
        await kept.keep("small", SMALL)
        assert await kept.body("small") == SMALL, "it is kept anew"


@every_store
@pytest.mark.parametrize("when", ["create", "write", "write the rest", "publish"])
async def test_a_full_disk_costs_the_store_and_nobody_else(
    store: str, when: str, tmp_path: Path, clock: HandClock
) -> None:
    full = True

    def before(step: str) -> None:
        if full and step == when:
            raise Full

    async with opener(store)(tmp_path, clock, files=Stepping(tmp_path, before)) as kept:
        for name, body in (("small", SMALL), ("large", LARGE)):
            await kept.keep(name, body)
        assert kept.refused() == 2
        assert not [path for path in tmp_path.rglob("*/*") if path.is_file()], "nothing is left behind"
        full = False
        await kept.keep("large", LARGE)
    async with opener(store)(tmp_path, clock) as kept:
        assert await kept.body("large") == LARGE
        assert await kept.body("small") is None


@every_store
@pytest.mark.parametrize(
    "garbage", [b"this is no database at all" * 400, b"SQLite format 3\0" + bytes(range(256)) * 40]
)
async def test_an_index_that_cant_be_read_is_begun_anew(
    store: str, garbage: bytes, tmp_path: Path, clock: HandClock
) -> None:
    async with opener(store)(tmp_path, clock) as kept:
        await kept.keep("small", SMALL)
    base = tmp_path / BASES[store]
    for name in ("-wal", "-shm"):
        base.with_name(base.name + name).unlink(missing_ok=True)
    base.write_bytes(garbage)
    async with opener(store)(tmp_path, clock) as kept:
        assert await kept.body("small") is None
        assert kept.refused() >= 1
        await kept.keep("small", NEWER)
        assert await kept.body("small") == NEWER
        await kept.sweep()
        assert len(files_of(tmp_path)) == 1
    assert base.with_suffix(".broken").exists()


@every_store
def test_killed_at_any_step_what_is_found_is_whole(store: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.contract.killed", store, str(tmp_path)]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    deaths = int(done.stdout)
    assert deaths >= 15, "it touches the disk often"
    for step in range(deaths + 1):
        asyncio.run(found_in_order(store, tmp_path / str(step), finished=step == deaths))


async def found_in_order(store: str, folder: Path, *, finished: bool) -> None:
    """Whole bodies, one file a row, nothing unfinished; and the store takes what it lost."""
    clock = HandClock(START)
    async with opener(store)(folder, clock, files=BodyFiles(folder)) as kept:
        assert not list((folder / "unfinished").iterdir())
        await kept.sweep()
        assert kept.held()[0] == len(files_of(folder))
        small, large = await kept.body("small"), await kept.body("large")
        assert small in (None, SMALL, NEWER) and large in (None, LARGE)
        if finished:
            assert (small, large) == (NEWER, LARGE)
        for name, body in (("small", NEWER), ("large", LARGE)):
            await kept.keep(name, body)
            assert await kept.body(name) == body
