"""Folders of what recipes made: under their key wholly, by one rename, or not at all.

Laws of this file: blocking, so never called on the event loop. A folder gets its name only after every file in it,
its manifest and it itself are on the disk (an hour's encode is worth the wait); what is removed is renamed away first,
so that nobody sees half of it. Folders are 0700, files 0600; links and strays that a recipe left are not taken.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from proxy.media.store_values import MANIFEST, StoredMedia, inside, manifest_of, media_of
from proxy.transforms.media.spec import MediaMade

SHARDS = 256
FULL_BELOW_BYTES = 64 << 20  # an hour's film and its growing copy
_BLOCK_BYTES = 512  # st_blocks counts these whatever the file system's own block is (stat(2))


class Folders:
    """`made/` has what is whole, `work/` what recipes are at, `gone/` what is being removed."""

    def __init__(self, root: Path) -> None:
        self._made = root / "made"
        self._work = root / "work"
        self._gone = root / "gone"

    def prepare(self, *, clear: bool = True) -> None:
        """Make the folders; clear: what an earlier process left at work goes. Raises OSError."""
        for folder in (self._made, self._work, self._gone):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self._work, self._gone) if clear else ():
            for left in folder.iterdir():
                shutil.rmtree(left, ignore_errors=True)

    def path(self, key: str) -> Path:
        return self._made / key[:2] / key

    def is_full(self) -> bool:
        """There is no room for another medium to be made."""
        return shutil.disk_usage(self._work).free < FULL_BELOW_BYTES

    def new_work(self) -> Path:
        """A folder for one run of a recipe. Raises OSError."""
        folder = self._work / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder

    def place(
        self, key: str, folder: Path, made: MediaMade, *, recipe: str, source_bytes: int, private: bool, at: datetime
    ) -> int:
        """Give a finished folder its name; answers the bytes taken on disk.

        Raises OSError where the disk doesn't take it, ValueError where the folder isn't what `made` says.
        """
        names = [str(inside(name)) for name in made.files]
        if made.main not in names:
            raise ValueError("the main file isn't among the files")
        files = {name: _settled(folder, name) for name in names}
        _drop_strays(folder, names)
        told = manifest_of(made, files, recipe=recipe, source_bytes=source_bytes, private=private, at=at)
        _write(folder / MANIFEST, told.encode())
        taken = _taken_bytes(folder)
        _sync_folders(folder)
        target = self.path(key)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if target.exists():
            self.remove([key])  # the same content by the same recipe, or a damaged one
        folder.rename(target)
        _sync(target.parent)
        return taken

    def load(self, key: str) -> StoredMedia | None:
        """What is under a key, if every file has its length; None if there is nothing or it is damaged."""
        folder = self.path(key)
        try:
            media = media_of(key, folder, (folder / MANIFEST).read_text("utf-8"))
            whole = all(_length(file.path) == file.length_bytes for file in media.files.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return media if whole else None

    def exists(self, key: str) -> bool:
        return self.path(key).is_dir()

    def is_there(self, media: StoredMedia) -> bool:
        """None of its files was removed."""
        return all(file.path.exists() for file in media.files.values())

    def is_sound(self, media: StoredMedia) -> bool:
        """Every file's bytes are those that were made."""
        try:
            return all(f'"{_digest(file.path)[:32]}"' == file.etag for file in media.files.values())
        except OSError:
            return False

    def taken_bytes(self, key: str) -> int:
        return _taken_bytes(self.path(key))

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            gone = self._gone / secrets.token_hex(16)
            try:
                self.path(key).rename(gone)
            except OSError:  # not there, or a read-only disk: the sweep meets it again
                continue
            shutil.rmtree(gone, ignore_errors=True)

    def throw_away(self, work: Path) -> None:
        """Remove a folder of `new_work`, whatever is in it."""
        shutil.rmtree(work, ignore_errors=True)

    def in_shard(self, number: int) -> list[str]:
        """The keys of the folders in one shard."""
        shard = self._made / f"{number % SHARDS:02x}"
        if not shard.is_dir():
            return []
        return [entry.name for entry in os.scandir(shard) if entry.is_dir(follow_symlinks=False)]


def _settled(folder: Path, name: str) -> tuple[int, str]:
    """Length and digest of a file that is made 0600 and put on the disk."""
    path = folder / name
    if path.resolve() != folder.resolve() / name or not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(f"no regular file in its folder: {name}")
    path.chmod(0o600)
    digest = _digest(path)
    _sync(path)
    return path.lstat().st_size, digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _length(path: Path) -> int:
    told = path.lstat()
    return told.st_size if stat.S_ISREG(told.st_mode) else -1


def _drop_strays(folder: Path, names: list[str]) -> None:
    wanted = {folder / name for name in names}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path in wanted:
            continue
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink()


def _write(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    path.chmod(0o600)
    _sync(path)


def _sync_folders(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _taken_bytes(folder: Path) -> int:
    """Blocks really taken, or lengths where the file system counts blocks only after write-back."""
    told = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    return max(1, sum(max(one.st_blocks * _BLOCK_BYTES, one.st_size) for one in told))
