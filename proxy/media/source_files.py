"""Where sources lie on disk: whole ones under their SHA-256, partial ones under their provisional key.

Laws of this file: blocking, so never called on the event loop, but for `read_from`; files are 0600 in folders 0700.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

SHARDS = 256
_READ_BYTES = 256 << 10


def prepare(folder: Path) -> None:
    """Make the folders. Raises OSError where the place can't be written."""
    for part in (folder, folder / "whole", folder / "partial"):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)


def path_of(folder: Path, name: str, *, whole: bool) -> Path:
    return folder / ("whole" if whole else "partial") / name[:2] / name


def size_of(path: Path) -> int | None:
    """None: there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def rename(old: Path, new: Path) -> None:
    """One rename, and its folder on the disk. Raises OSError."""
    new.parent.mkdir(mode=0o700, exist_ok=True)
    old.replace(new)
    folder = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove(folder: Path, names: Iterable[tuple[str, bool]]) -> None:
    """Remove files by name and wholeness; what can't be removed is met again by the sweep."""
    for name, whole in names:
        try:
            path_of(folder, name, whole=whole).unlink(missing_ok=True)
        except OSError:
            continue


def in_shard(folder: Path, number: int) -> list[tuple[str, bool]]:
    """Name and wholeness of the files in one shard."""
    found: list[tuple[str, bool]] = []
    for whole in (True, False):
        shard = path_of(folder, f"{number % SHARDS:02x}", whole=whole).parent
        if shard.is_dir():
            found += [(entry.name, whole) for entry in os.scandir(shard) if entry.is_file(follow_symlinks=False)]
    return found


async def read_from(path: Path, offset: int) -> AsyncIterator[bytes]:
    """A whole file's bytes from an offset on; it may be removed meanwhile. Raises OSError."""
    file = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        while data := await asyncio.to_thread(os.pread, file, _READ_BYTES, offset):
            offset += len(data)
            yield data
    finally:
        os.close(file)
