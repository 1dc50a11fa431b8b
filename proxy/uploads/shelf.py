"""Where uploads lie on disk: a folder each, with what is known of it, how far it came, and its bytes.

Laws of this file: blocking, so never called on the event loop; folders 0700, files 0600; how far an upload came is
written after the bytes that it counts are on the disk, so that a power cut can't make it count what isn't there; what
lies behind that point is worth nothing and is written over.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from proxy.operate.files import write_whole
from proxy.uploads.entry import Entry, read, written
from proxy.uploads.states import Event, State, after

_OFFSET_DIGITS = 20
_MOST_FOLDERS = 100_000


class Shelf:
    """The folder of uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> list[Entry]:
        """What a process before left here; what can't be understood goes. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found: list[Entry] = []
        for _, path in zip(range(_MOST_FOLDERS), list(self._folder.iterdir()), strict=False):
            entry = self._found(path)
            if entry is None:
                _remove(path)
            else:
                found.append(entry)
        return found

    def _found(self, path: Path) -> Entry | None:
        try:
            entry = read((path / "entry.json").read_bytes())
            if entry is None or entry.id != path.name:
                return None
            if entry.state is State.ACCEPTED:
                return entry
            offset = int((path / "offset").read_bytes() or b"0")
            if offset > min(entry.length_bytes, (path / "bytes").stat().st_size):
                return None
            touched = max(entry.touched, datetime.fromtimestamp((path / "offset").stat().st_mtime, UTC))
        except (OSError, ValueError):
            return None
        state = State.READY if entry.state is State.RECEIVING and offset == entry.length_bytes else entry.state
        kept = replace(entry, offset_bytes=offset, touched=touched, state=after(state, Event.RESTARTED) or state)
        if kept.state is not entry.state:
            self.put(kept)
        return kept

    def create(self, entry: Entry) -> None:
        """Raises OSError, and then nothing is left of it."""
        folder = self._folder / entry.id
        try:
            folder.mkdir(mode=0o700)
            for name in ("bytes", "offset"):
                os.close(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            self.put(entry)
        except OSError:
            _remove(folder)
            raise

    def put(self, entry: Entry) -> None:
        """What is known of it, on the disk when this returns. Raises OSError."""
        write_whole(self._folder / entry.id / "entry.json", written(entry))

    def writing(self, upload_id: str) -> int:
        """A descriptor to write its bytes by; whoever asked closes it. Raises OSError."""
        return os.open(self._folder / upload_id / "bytes", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def keep(self, upload_id: str, file: int, offset_bytes: int) -> None:
        """From here on the bytes before that offset count. Raises OSError."""
        os.fdatasync(file)
        count = os.open(self._folder / upload_id / "offset", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(count, f"{offset_bytes:0{_OFFSET_DIGITS}d}".encode("ascii"), 0)
        finally:
            os.close(count)

    def reading(self, upload_id: str) -> int:
        """A descriptor to read its bytes by; whoever asked closes it. Raises OSError."""
        return os.open(self._folder / upload_id / "bytes", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def drop_bytes(self, upload_id: str) -> None:
        """The origin has them."""
        (self._folder / upload_id / "bytes").unlink(missing_ok=True)

    def remove(self, upload_id: str) -> None:
        """Nothing of it is left."""
        _remove(self._folder / upload_id)


def write_all(file: int, data: bytes, offset: int) -> None:
    """Raises OSError."""
    view = memoryview(data)
    while view:
        taken = os.pwrite(file, view, offset)
        view, offset = view[taken:], offset + taken


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
