"""Stored responses' bodies on disk, and the digests by which every piece is checked before it is sent.

Laws of this file: a body appears under its name by one rename; bytes that a row tells of are never written over;
nothing here runs on the event loop. No fsync: after a power cut a file may be short, empty or hold other bytes, so
each piece of 64 KiB is compared with its CRC before it goes out, and what fails is fetched again. That costs nothing
while all is well, where an fsync for each picture would wear out a school box's card.
"""

from __future__ import annotations

import os
import secrets
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

from proxy.media.extents import Extents

PIECE_BYTES = 65536
SHARDS = 256
_BLOCK_BYTES = 512  # st_blocks counts these (stat(2))


class ObjectFiles:
    """A folder of bodies named by random hex, in 256 shards. Its methods are the only ones that touch the disk, one
    step each: what a crash between any two of them leaves must be found in order again."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._unfinished = root / "unfinished"

    def prepare(self, *, clear: bool) -> None:
        """Make the folders; clear: what an earlier process left unfinished goes. Raises OSError."""
        self._objects.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._unfinished.mkdir(exist_ok=True, mode=0o700)
        if clear:
            for left in self._unfinished.iterdir():
                left.unlink(missing_ok=True)

    @staticmethod
    def new_name() -> str:
        return secrets.token_hex(12)

    def path(self, name: str) -> Path:
        return self._objects / name[:2] / name

    def create(self, name: str) -> int:
        """A new unfinished file, open for writing and reading. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._unfinished / name, flags, 0o600)

    def open(self, name: str, *, writing: bool = False) -> int:
        """A finished file. Raises OSError where it is gone."""
        return os.open(self.path(name), (os.O_RDWR if writing else os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW)

    def write(self, file: int, offset: int, data: bytes) -> None:
        """Raises OSError; then nobody may count on the bytes."""
        view = memoryview(data)
        while view:
            taken = os.pwrite(file, view, offset)
            view, offset = view[taken:], offset + taken

    def publish(self, name: str) -> None:
        """From here on it is found under its name. Raises OSError."""
        target = self.path(name)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        (self._unfinished / name).replace(target)

    def give_up(self, name: str) -> None:
        (self._unfinished / name).unlink(missing_ok=True)

    def remove(self, names: list[str]) -> None:
        for name in names:
            try:
                self.path(name).unlink(missing_ok=True)
            except OSError:  # a read-only or failing disk: the sweep meets the file again
                continue

    def in_shard(self, number: int) -> Iterator[str]:
        """The names in one shard."""
        folder = self._objects / f"{number % SHARDS:02x}"
        if folder.is_dir():
            yield from (entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))


def taken_bytes(file: int, length_bytes: int) -> int:
    """What a file takes on disk; some file systems count blocks only after write-back."""
    return max(os.fstat(file).st_blocks * _BLOCK_BYTES, min(length_bytes, 4096))


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
