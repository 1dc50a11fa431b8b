"""Whether a film's first bytes are enough to begin with it. Pure: bytes in, values out.

An MP4 can be read while it arrives if its index (`moov`) stands before its frames (`mdat`); else the index must be
fetched first, from the end. Source: ISO/IEC 14496-12 section 4.2 (boxes), 6.2.3 (their order).
"""

from __future__ import annotations

from policies.frozen import Frozen
from proxy.transforms.media.containers import demuxer_of, id3_bytes

MAX_INDEX_BYTES = 64 << 20  # the index of a ten-hour recording is a third of this
_MAX_BOXES = 64
# Containers that are read from the front to the back, whatever follows.
_FLOWING = frozenset(("matroska", "mpegts", "ogg", "flv", "mp3", "aac", "flac", "wav", "asf", "avi", "amr", "mpeg"))


class Layout(Frozen, frozen=True, kw_only=True):
    """Where an MP4's index and frames begin, as far as its prefix tells.

    moov_at, moov_end  None: the index isn't within the prefix, nor announced by it
    mdat_at            None: the frames aren't reached yet
    faststart          True: index first; False: frames first; None: more bytes are needed to tell
    """

    moov_at: int | None
    moov_end: int | None
    mdat_at: int | None
    faststart: bool | None


def mp4_layout(prefix: bytes) -> Layout:
    """The layout of an MP4 or QuickTime file by its first bytes; 1 MB tells it for nearly every file."""
    moov_at = moov_end = mdat_at = None
    at = 0
    for _ in range(_MAX_BOXES):
        box = _box(prefix, at)
        if box is None:
            break
        kind, end = box
        if kind == b"moov" and moov_at is None:
            moov_at, moov_end = at, end
        elif kind == b"mdat" and mdat_at is None:
            mdat_at = at
        if end is None or (moov_at is not None and mdat_at is not None):
            break
        at = end
    if moov_at is not None:
        faststart: bool | None = mdat_at is None or moov_at < mdat_at
    else:
        faststart = False if mdat_at is not None else None
    return Layout(moov_at=moov_at, moov_end=moov_end, mdat_at=mdat_at, faststart=faststart)


def _box(prefix: bytes, at: int) -> tuple[bytes, int | None] | None:
    """(kind, end) of the box at a place; end None: it reaches to the file's end. None: no whole head of a box there."""
    if at + 8 > len(prefix):
        return None
    length, kind = int.from_bytes(prefix[at : at + 4]), prefix[at + 4 : at + 8]
    if length == 0:
        return kind, None
    if length == 1:
        if at + 16 > len(prefix):
            return None
        length = int.from_bytes(prefix[at + 8 : at + 16])
        return (kind, at + length) if length >= 16 else None
    return (kind, at + length) if length >= 8 else None


def needs_tail(prefix: bytes) -> bool | None:
    """The index stands at the end and must be fetched first. None: more bytes are needed to tell."""
    if demuxer_of(prefix) != "mov":
        return False
    layout = mp4_layout(prefix)
    return None if layout.faststart is None else not layout.faststart


def prefix_to_begin(prefix: bytes) -> int | None:
    """How many first bytes must be there before work on an arriving file can begin.

    None: it can't begin before all is there (index at the end, unknown container, an index above MAX_INDEX_BYTES).
    A number above len(prefix) may grow when it is asked again with more.
    """
    tag = id3_bytes(prefix)
    if tag is not None:
        return tag + _SOME_FRAMES_BYTES
    demuxer = demuxer_of(prefix)
    if demuxer in _FLOWING:
        return _SOME_FRAMES_BYTES
    if demuxer != "mov":
        return None
    layout = mp4_layout(prefix)
    if layout.faststart is False:
        return None
    if layout.moov_end is None:
        return len(prefix) + _SOME_FRAMES_BYTES if len(prefix) < MAX_INDEX_BYTES else None
    return layout.moov_end + _HEAD_BYTES if layout.moov_end <= MAX_INDEX_BYTES else None


_SOME_FRAMES_BYTES = 256 << 10
_HEAD_BYTES = 16
