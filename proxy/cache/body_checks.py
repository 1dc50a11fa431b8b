"""The digests by which every piece of a stored body is checked before it is sent.

Law: a piece of 64 KiB has a CRC-32 over those of its bytes that are there; what fails it is never sent.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Iterator

from proxy.media.extents import Extents

PIECE_BYTES = 65536


def there_of(file: int, extents: Extents, number: int) -> bytes:
    """Those bytes of a piece that the extents tell of, joined."""
    start, end = number * PIECE_BYTES, (number + 1) * PIECE_BYTES
    spans = [(max(start, a), min(end, b)) for a, b in extents.spans if a < end and b > start]
    return b"".join(os.pread(file, b - a, a) for a, b in spans)


def checks_of(file: int, extents: Extents, *, known: bytes = b"", known_to: int = 0) -> bytes:
    """A CRC for every piece up to the last byte that is there, four bytes each, little end first.

    known, known_to  checks made before, right for every whole piece below that offset
    """
    pieces = -(-extents.spans[-1][1] // PIECE_BYTES) if extents.spans else 0
    first = min(known_to // PIECE_BYTES, len(known) // 4, pieces)
    rest = (zlib.crc32(there_of(file, extents, number)) for number in range(first, pieces))
    return known[: first * 4] + _packed(rest)


def checks_of_bytes(body: bytes) -> bytes:
    return _packed(zlib.crc32(body[at : at + PIECE_BYTES]) for at in range(0, len(body), PIECE_BYTES))


def is_right(piece: bytes, checks: bytes, number: int) -> bool:
    """Whether the bytes that are there of a piece are those that were stored."""
    return zlib.crc32(piece) == int.from_bytes(checks[number * 4 : number * 4 + 4], "little")


def _packed(values: Iterator[int]) -> bytes:
    numbers = array("I", values)
    if numbers.itemsize != 4 or array("I", [1]).tobytes()[0] != 1:  # pragma: no cover - no such machine is known
        return b"".join(value.to_bytes(4, "little") for value in numbers)
    return numbers.tobytes()
