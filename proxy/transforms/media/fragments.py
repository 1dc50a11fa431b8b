"""Fragmented MP4 as bytes: its head and its fragments apart, and fragments put where they belong in time. Pure.

Source: ISO/IEC 14496-12, sections 8.8.4 to 8.8.12 (`moof`, `traf`, `tfhd`, `tfdt`, `trun`); RFC 8216 section 3.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

VIDEO_TRACK, SOUND_TRACK = 1, 2  # ffmpeg numbers tracks in the order in which it was given them


def split(body: bytes) -> tuple[bytes, bytes]:
    """(head, fragments): what a player needs once, and what belongs to this segment. Raises ValueError."""
    head, fragments = b"", b""
    for kind, start, end in boxes(body, 0, len(body)):
        if kind in (b"ftyp", b"moov"):
            head += body[start:end]
        elif kind in (b"moof", b"mdat"):
            fragments += body[start:end]
    if not head or not fragments:
        raise ValueError("not a fragmented MP4")
    return head, fragments


def placed(fragments: bytes, starts: Mapping[int, int]) -> bytes:
    """The fragments with the decode time of each track's first sample as given, in the track's own time scale.

    Later fragments of a track keep their distance from its first one. Raises ValueError.
    """
    body = bytearray(fragments)
    shifts: dict[int, int] = {}
    for track, at, time in _decode_times(fragments):
        shift = shifts.setdefault(track, starts.get(track, time) - time)
        struct.pack_into(">Q", body, at, time + shift)
    return bytes(body)


def sample_counts(fragments: bytes) -> dict[int, int]:
    """How many samples each track has."""
    counts: dict[int, int] = {}
    for track, start, end in _tracks(fragments):
        for kind, at, _ in boxes(fragments, start, end):
            if kind == b"trun":
                counts[track] = counts.get(track, 0) + int(struct.unpack_from(">I", fragments, at + 12)[0])
    return counts


def first_offset(fragments: bytes, track: int) -> int:
    """How much later than it is decoded a track's first sample is shown, in the track's time scale."""
    for found, start, end in _tracks(fragments):
        if found != track:
            continue
        for kind, at, _ in boxes(fragments, start, end):
            if kind == b"trun":
                return _first_offset(fragments, at)
    return 0


def _first_offset(fragments: bytes, at: int) -> int:
    """Of one `trun`: version and flags, count, then as the flags say; offsets are signed from version 1 on."""
    version, flags = fragments[at + 8], int.from_bytes(fragments[at + 9 : at + 12])
    if not flags & 0x800:
        return 0
    before = 4 * sum(1 for bit in (0x1, 0x4, 0x100, 0x200, 0x400) if flags & bit)
    return int(struct.unpack_from(">i" if version else ">I", fragments, at + 16 + before)[0])


def boxes(body: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the boxes between two places. Raises ValueError where one doesn't fit."""
    while start + 8 <= end:
        length = int.from_bytes(body[start : start + 4])
        if length == 1 and start + 16 <= end:
            length = int.from_bytes(body[start + 8 : start + 16])
        if length < 8 or start + length > end:
            raise ValueError("a box that doesn't fit")
        yield body[start + 4 : start + 8], start, start + length
        start += length


def _tracks(fragments: bytes) -> Iterator[tuple[int, int, int]]:
    """(track, start, end) of the inside of each `traf`."""
    for kind, start, end in boxes(fragments, 0, len(fragments)):
        if kind != b"moof":
            continue
        for inner, inner_start, inner_end in boxes(fragments, start + 8, end):
            if inner == b"traf":
                yield _track_id(fragments, inner_start + 8, inner_end), inner_start + 8, inner_end


def _track_id(fragments: bytes, start: int, end: int) -> int:
    for kind, at, _ in boxes(fragments, start, end):
        if kind == b"tfhd":
            return int(struct.unpack_from(">I", fragments, at + 12)[0])
    raise ValueError("a track fragment without its head")


def _decode_times(fragments: bytes) -> Iterator[tuple[int, int, int]]:
    """(track, place of the number, number) of each `tfdt`; only its long form, which ffmpeg writes."""
    for track, start, end in _tracks(fragments):
        for kind, at, _ in boxes(fragments, start, end):
            if kind == b"tfdt":
                if fragments[at + 8] != 1:
                    raise ValueError("a short decode time")
                yield track, at + 12, int(struct.unpack_from(">Q", fragments, at + 12)[0])
