"""One source's bytes on disk while they come: maybe with a hole between its head and its tail.

Laws of this file: nothing here runs on the event loop but bookkeeping; a byte counts as there only after it was
written; the digest is of the unbroken bytes from the first on, computed in the thread that writes them. Whoever has
begun to read goes on reading after the file was renamed or removed: it is
closed when nobody holds the spool any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.media.bell import Bell
from proxy.media.extents import Extents
from proxy.media.refs import SourceFailed

READ_BYTES = 256 << 10
_CATCH_UP_BYTES = 1 << 20


class Spool:
    """Bytes of one source under `path`; `open` before use."""

    def __init__(self, path: Path, *, extents: Extents, length_bytes: int | None) -> None:
        self.path = path
        self.extents = extents
        self.length_bytes = length_bytes
        self._file = -1
        self._digest = hashlib.sha256()
        self._digested_bytes = 0
        self._digesting = threading.Lock()
        self._bell = Bell()
        self._failed: SourceFailed | None = None
        self._beginnings = 0

    async def open(self) -> None:
        """Open or create the file, mode 0600; bytes that it lost since are not there. Raises OSError."""
        self._file, size = await asyncio.to_thread(_opened, self.path)
        weakref.finalize(self, os.close, self._file)
        self.extents = Extents.of((start, min(end, size)) for start, end in self.extents.spans)

    @property
    def front(self) -> int:
        """Where the unbroken bytes from the first on end."""
        return self.extents.end_from(0)

    @property
    def is_whole(self) -> bool:
        return self.length_bytes is not None and self.extents.covers(0, self.length_bytes)

    async def write(self, offset: int, data: bytes) -> None:
        """Put bytes at an offset and wake those who wait for them. Raises OSError; then they are not there."""
        await asyncio.to_thread(self._written, offset, data)
        self.extents = self.extents.plus(offset, offset + len(data))
        self._bell.ring()

    async def sha256(self) -> str:
        """The digest of the whole source, which must be there."""
        await asyncio.to_thread(self._catch_up, self.extents.end_from(0))
        return self._digest.hexdigest()

    async def sync(self) -> None:
        """What was written is on the disk, even after a power cut."""
        await asyncio.to_thread(os.fdatasync, self._file)

    async def begin_anew(self) -> None:
        """Forget every byte: they were another content's. Who has read some of them ends broken."""
        self.extents, self._digest, self._digested_bytes = Extents(), hashlib.sha256(), 0
        self._beginnings += 1
        await asyncio.to_thread(os.ftruncate, self._file, 0)
        self._bell.ring()

    async def read_from(self, offset: int = 0) -> AsyncIterator[bytes]:
        """The bytes from an offset on, each as soon as it is there.

        Raises SourceFailed where they will not come, or turned out to be another content's.
        """
        beginnings = self._beginnings
        while not self._ends_at(offset):
            if self._beginnings != beginnings:
                raise SourceFailed("changed", "the source changed while it was read")
            there = self.extents.end_from(offset)
            if there > offset:
                data = await asyncio.to_thread(os.pread, self._file, min(READ_BYTES, there - offset), offset)
                offset += len(data)
                yield data
            elif self._failed is not None:
                raise self._failed
            else:
                await self._bell.wait()

    async def wait_for(self, nbytes: int) -> int:
        """Until so many first bytes are there, or all; answers how many are. Raises SourceFailed: they won't come."""
        while self.front < nbytes and not self.is_whole:
            if self._failed is not None:
                raise self._failed
            await self._bell.wait()
        return self.front

    def fail(self, why: SourceFailed) -> None:
        """No more bytes will come for now."""
        self._failed = why
        self._bell.ring()

    def _ends_at(self, offset: int) -> bool:
        return self.length_bytes is not None and offset >= self.length_bytes and self.is_whole

    def _written(self, offset: int, data: bytes) -> None:
        view, at = memoryview(data), offset
        while view:
            taken = os.pwrite(self._file, view, at)
            view, at = view[taken:], at + taken
        with self._digesting:
            if offset == self._digested_bytes:
                self._digest.update(data)
                self._digested_bytes += len(data)

    def _catch_up(self, end: int) -> None:
        while self._digested_bytes < end:
            data = os.pread(self._file, min(_CATCH_UP_BYTES, end - self._digested_bytes), self._digested_bytes)
            if not data:
                raise OSError("the file is shorter than what was written")
            self._digest.update(data)
            self._digested_bytes += len(data)


def _opened(path: Path) -> tuple[int, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return file, os.fstat(file).st_size
