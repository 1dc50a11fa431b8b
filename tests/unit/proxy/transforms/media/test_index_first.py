"""An index put in front of its frames: every offset moves, nothing else does; what isn't understood is left alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transforms.media.index_first import index_in, moved, tail_of
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import bench, info_of, needs_ffmpeg


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def an_index(*tables: bytes) -> bytes:
    tracks = b"".join(
        box(b"trak", box(b"tkhd", bytes(8)) + box(b"mdia", box(b"minf", box(b"stbl", table)))) for table in tables
    )
    return box(b"moov", box(b"mvhd", bytes(20)) + tracks + box(b"udta", b"stco"))


def stco(*offsets: int, count: int | None = None) -> bytes:
    told = len(offsets) if count is None else count
    return box(b"stco", bytes(4) + struct.pack(f">I{len(offsets)}I", told, *offsets))


def co64(*offsets: int) -> bytes:
    return box(b"co64", bytes(4) + struct.pack(f">I{len(offsets)}Q", len(offsets), *offsets))


def test_offsets_of_every_track_move_and_nothing_else() -> None:
    assert moved(an_index(stco(40, 900), co64(1 << 33)), 1000) == an_index(stco(1040, 1900), co64((1 << 33) + 1000))


@pytest.mark.parametrize(
    "index",
    [
        an_index(stco(0xFFFFFF00)),  # no room for what it would have to say
        an_index(stco(1, count=500_000_000)),
        an_index(box(b"stco", b"\0\0")),
        an_index(),
        box(b"moov", box(b"cmov", bytes(40))),
        an_index(stco(1))[:-3],
        b"",
    ],
)
def test_an_index_that_is_not_understood_to_the_last_byte_is_none(index: bytes) -> None:
    assert moved(index, 1000) is None


def test_where_the_frames_end_is_told_by_their_box() -> None:
    head = box(b"ftyp", bytes(8)) + box(b"free", b"") + struct.pack(">I4sQ", 1, b"mdat", 1016)
    found = tail_of(head + bytes(50), 24 + 1016 + 300)
    assert found is not None and (found.frames_at, found.frames_end, found.nbytes) == (24, 1040, 300)
    assert tail_of(head, 1040) is None and tail_of(head, 500) is None
    assert tail_of(box(b"ftyp", bytes(8)) + struct.pack(">I4s", 0, b"mdat"), 5000) is None
    assert index_in(box(b"free", bytes(9)) + an_index(stco(1))) == an_index(stco(1))
    assert index_in(an_index(stco(1))[:-1]) is None


@given(st.binary(max_size=300), st.integers(0, 1 << 40))
def test_any_bytes_have_an_answer(data: bytes, number: int) -> None:
    tail_of(data, number)
    index_in(data)
    moved(data, number)


@needs_ffmpeg
async def test_a_real_film_put_in_order_is_the_same_film(tmp_path: Path) -> None:
    body = media_samples.film(faststart=False).read_bytes()
    tail = tail_of(body[:65536], len(body))
    assert tail is not None
    index = index_in(body[tail.frames_end :])
    assert index is not None
    in_front = moved(index, len(index))
    assert in_front is not None
    ordered, before = tmp_path / "ordered.mp4", tmp_path / "before.mp4"
    ordered.write_bytes(body[: tail.frames_at] + in_front + body[tail.frames_at : tail.frames_end])
    before.write_bytes(body)
    assert await digests(ordered, tmp_path) == await digests(before, tmp_path)
    assert (await info_of(ordered, tmp_path)).layout.faststart


async def digests(film: Path, folder: Path) -> str:
    """Of every frame and every sound sample as they are stored."""
    at = bench(folder)
    await at.ffmpeg(
        ["-i", str(film), "-map", "0", "-c", "copy", "-f", "streamhash", str(at.folder / "h")], reads=[film]
    )
    return (at.folder / "h").read_text()
