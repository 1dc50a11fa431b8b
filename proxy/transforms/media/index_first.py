"""An MP4 whose index stands at its end, put in order while it arrives: index first, then the frames. Pure.

Only addresses change: every offset of a chunk grows by the index's own length, since it moves in front of the frames.
What isn't understood to the last byte answers None, and such a film waits until all of it is there.
Source: ISO/IEC 14496-12 sections 4.2 (boxes), 8.7.5 (`stco`, `co64`), 8.2.1 (`moov`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from policies.frozen import Frozen

_WAY = (b"trak", b"mdia", b"minf", b"stbl")  # from the index down to the offsets
_MAX_TRACKS = 64
_MAX_BOXES = 4096
_HEAD_BYTES = 8


class Tail(Frozen, frozen=True, kw_only=True):
    """Where the frames end and what is behind them, by the film's first bytes and its length."""

    frames_at: int
    frames_end: int
    nbytes: int


def tail_of(prefix: bytes, length_bytes: int) -> Tail | None:
    """None: the frames don't tell where they end, or nothing is behind them."""
    for kind, at, _, end in _boxes(prefix, 0, length_bytes):
        if kind == b"mdat":
            behind = length_bytes - end
            return Tail(frames_at=at, frames_end=end, nbytes=behind) if behind >= _HEAD_BYTES else None
    return None


def index_in(tail: bytes) -> bytes | None:
    """The `moov` box among what is behind the frames; None: it isn't there as a whole."""
    for kind, at, _, end in _boxes(tail, 0, len(tail)):
        if kind == b"moov":
            return tail[at:end] if end <= len(tail) else None
    return None


def moved(index: bytes, by_bytes: int) -> bytes | None:
    """The index for frames that lie `by_bytes` further on; None where an offset has no room for that."""
    out = bytearray(index)
    tracks = 0
    for kind, start, end in _tables(index):
        tracks += 1
        if tracks > _MAX_TRACKS or not _shift(out, kind, start, end, by_bytes):
            return None
    return bytes(out) if tracks else None


def _tables(index: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the contents of every table of offsets."""
    for _, _, start, end in _boxes(index, 0, len(index)):
        yield from _below(index, start, end, 0)


def _below(index: bytes, start: int, end: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, _, inner, inner_end in _boxes(index, start, end):
        if depth == len(_WAY):
            if kind in (b"stco", b"co64"):
                yield kind, inner, inner_end
        elif kind == _WAY[depth]:
            yield from _below(index, inner, inner_end, depth + 1)


def _shift(out: bytearray, kind: bytes, start: int, end: int, by_bytes: int) -> bool:
    """Add to every offset of one table (version and flags, count, offsets)."""
    form, width, most = ("I", 4, 0xFFFFFFFF) if kind == b"stco" else ("Q", 8, 0xFFFFFFFFFFFFFFFF)
    if end - start < 8:
        return False
    count = struct.unpack_from(">I", out, start + 4)[0]
    if start + 8 + count * width > end:
        return False
    offsets = struct.unpack_from(f">{count}{form}", out, start + 8)
    if count and max(offsets) + by_bytes > most:
        return False
    struct.pack_into(f">{count}{form}", out, start + 8, *(offset + by_bytes for offset in offsets))
    return True


def _boxes(data: bytes, at: int, limit: int) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, begin, begin of its contents, end) of boxes one after the other; the last may reach beyond the data."""
    for _ in range(_MAX_BOXES):
        if at + _HEAD_BYTES > min(len(data), limit):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        inner = at + _HEAD_BYTES
        if length == 1 and at + 16 <= len(data):
            length, inner = struct.unpack_from(">Q", data, inner)[0], at + 16
        if length < inner - at or at + length > limit:
            return
        yield kind, at, inner, at + length
        at += length
