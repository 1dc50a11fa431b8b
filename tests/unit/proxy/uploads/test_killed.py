"""Killed as the kernel kills, at any moment: what was said to be there is there, and nothing else counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.uploads.shelf import Shelf
from proxy.uploads.states import State
from tests.unit.proxy.uploads.test_desk import desk_at

ROOT = Path(__file__).resolve().parents[4]
LENGTH = 4_000_000
CHILD = """
import asyncio, sys
from pathlib import Path
from tests.unit.proxy.uploads.test_desk import chunks, crc, desk_at
from tests.unit.proxy.uploads.test_killed import LENGTH, pattern

async def main():
    desk = await desk_at(Path(sys.argv[1]))
    entry = await desk.create("hers", "form", "print", LENGTH)
    data = pattern()
    while entry.offset_bytes < LENGTH:
        piece = data[entry.offset_bytes : entry.offset_bytes + 9_999]
        entry = await desk.piece(entry.id, entry.offset_bytes, chunks(piece, step=997), crc(piece))
        print(entry.offset_bytes, flush=True)

asyncio.run(main())
"""


def pattern() -> bytes:
    """Bytes that tell their place."""
    return b"".join(number.to_bytes(4, "big") for number in range(LENGTH // 4))


@pytest.mark.parametrize("pieces", [1, 7, 40])
async def test_every_byte_that_was_answered_for_is_there(tmp_path: Path, pieces: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout as said:
        told = [int(said.readline()) for _ in range(pieces)][-1]
        child.kill()
        told = max([told, *(int(line) for line in said.read().splitlines() if line)])
        child.wait(timeout=10)
    desk = await desk_at(tmp_path)
    [entry] = desk.of("hers")
    assert entry.state is State.RECEIVING and entry.offset_bytes >= told
    kept = b"".join([piece async for piece in desk.bytes_of(entry.id, 0, entry.offset_bytes)])
    assert kept == pattern()[: entry.offset_bytes]
    assert [one.id for one in Shelf(tmp_path).open()] == [entry.id]
