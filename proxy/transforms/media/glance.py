"""How long a film or recording is, from its first bytes: no decoder, no file, no whole box.

Laws: pure and total; whatever the bytes say, an answer is a plausible length or None; nothing is believed that a
variant depends on (the recipes probe for themselves): it only lets a card name minutes and megabytes beforehand.
Sources: ISO/IEC 14496-12 section 8.2.2 (mvhd); RFC 8794 and RFC 9559 (EBML, Matroska); RFC 3533 is left out, since an
Ogg tells its length only at its end.
"""

from __future__ import annotations

import struct

_LONGEST_S = 48 * 3600.0
_MATROSKA = b"\x1aE\xdf\xa3"
_INFO, _SCALE, _DURATION = b"\x15I\xa9f", b"*\xd7\xb1", b"D\x89"


def duration_s(prefix: bytes) -> float | None:
    """The length in seconds that the head of an MP4, MOV, WebM or Matroska file declares; None: it isn't told here."""
    found = _of_matroska(prefix) if prefix.startswith(_MATROSKA) else _of_mp4(prefix)
    return found if found is not None and 0.05 <= found <= _LONGEST_S else None


def _of_mp4(prefix: bytes) -> float | None:
    at = prefix.find(b"mvhd")
    if at < 4 or b"ftyp" not in prefix[:16] or b"moov" not in prefix[:at]:
        return None
    try:
        if prefix[at + 4] == 1:
            scale, length = struct.unpack_from(">IQ", prefix, at + 24)
        else:
            scale, length = struct.unpack_from(">II", prefix, at + 16)
    except (struct.error, IndexError):
        return None
    return length / scale if scale else None


def _of_matroska(prefix: bytes) -> float | None:
    info = prefix.find(_INFO)
    if info < 0:
        return None
    head = prefix[info : info + 2048]
    scale_ns = _unsigned(head, _SCALE) or 1_000_000
    at = head.find(_DURATION)
    if at < 0 or at + 3 > len(head):
        return None
    size = head[at + 2] & 0x7F
    try:
        (ticks,) = struct.unpack_from(">d" if size == 8 else ">f", head, at + 3)
    except struct.error:
        return None
    return float(ticks) * scale_ns / 1e9 if ticks == ticks else None


def _unsigned(head: bytes, element: bytes) -> int | None:
    at = head.find(element)
    if at < 0 or at + 4 > len(head):
        return None
    size = head[at + 3] & 0x7F
    return int.from_bytes(head[at + 4 : at + 4 + size], "big") if 0 < size <= 8 else None
