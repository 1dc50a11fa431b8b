"""Variants' bytes on disk: whole or not at all.

Laws of this file: a file appears under its name by one rename, complete; nothing here runs on the event loop.
No fsync: a variant is worth less than the wear on a village hub's SD card. After a power cut a file may be short or
empty, so a reader compares length and digest before it trusts one (`VariantStore.read`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

SHARDS = 256
_BLOCK_BYTES = 512  # st_blocks counts these whatever the file system's own block is (stat(2))


class VariantFiles:
    """A folder of files named by key, in 256 shards by the key's first byte."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._unfinished = root / "unfinished"

    def prepare(self) -> None:
        """Make the folders and clear what an earlier process left unfinished.

        Raises OSError where the place can't be written.
        """
        self._objects.mkdir(parents=True, exist_ok=True)
        self._unfinished.mkdir(exist_ok=True)
        for left in self._unfinished.iterdir():
            left.unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        return self._objects / key[:2] / key

    def write(self, key: str, body: bytes) -> int:
        """Store bytes under a key; returns the bytes taken on disk. Raises OSError; then nothing is left behind."""
        unfinished, target = self._unfinished / secrets.token_hex(16), self.path(key)
        try:
            unfinished.write_bytes(body)
            taken = unfinished.stat().st_blocks * _BLOCK_BYTES
            target.parent.mkdir(exist_ok=True)
            unfinished.replace(target)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return taken or len(body)  # some file systems count blocks only after write-back

    def read(self, key: str) -> bytes | None:
        """The bytes under a key; None if there are none to be had."""
        try:
            return self.path(key).read_bytes()
        except OSError:
            return None

    def remove(self, keys: list[str]) -> None:
        for key in keys:
            try:
                self.path(key).unlink(missing_ok=True)
            except OSError:  # a read-only or failing disk: the sweep meets the file again
                continue

    def in_shard(self, number: int) -> Iterator[str]:
        """The keys of the files in one shard."""
        folder = self._objects / f"{number % SHARDS:02x}"
        if folder.is_dir():
            yield from (entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
