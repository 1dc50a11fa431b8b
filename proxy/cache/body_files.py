"""Bodies on disk: whole under their name, or not there.

Laws of this file: a body appears under its name by one rename; bytes that a row tells of are never written over;
nothing here runs on the event loop. No fsync: after a power cut a file may be short, empty or hold other bytes, so
whoever reads one compares it with what was stored (a digest of the whole, or a CRC for each piece), and what fails is
fetched or made again. What that saves, and why it is enough: docs/decisions/bodies-without-fsync.md.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

SHARDS = 256
_BLOCK_BYTES = 512  # st_blocks counts these (stat(2))


class BodyFiles:
    """A folder of bodies named in hex, in 256 shards by the first byte. Its methods are the only ones that touch the
    disk, one step each: what a crash between any two of them leaves must be found in order again."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._unfinished = root / "unfinished"

    def prepare(self, *, clear: bool = True) -> None:
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

    def publish(self, unfinished: str, name: str | None = None) -> None:
        """From here on it is found under its name; None: the same. Raises OSError."""
        target = self.path(name or unfinished)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        (self._unfinished / unfinished).replace(target)

    def keep(self, name: str, body: bytes) -> int:
        """A body that is here as a whole, under its name; the bytes taken on disk. Raises OSError: nothing is left."""
        unfinished = self.new_name()
        file = self.create(unfinished)
        try:
            self.write(file, 0, body)
            taken = taken_bytes(file, len(body))
            self.publish(unfinished, name)
        except OSError:
            self.give_up(unfinished)
            raise
        finally:
            os.close(file)
        return taken

    def read(self, name: str) -> bytes | None:
        """All that lies under a name; None: nothing that can be read."""
        try:
            return self.path(name).read_bytes()
        except OSError:
            return None

    def give_up(self, unfinished: str) -> None:
        (self._unfinished / unfinished).unlink(missing_ok=True)

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
