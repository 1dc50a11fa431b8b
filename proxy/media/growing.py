"""A file that is being made and already read: as much of it as there is, then the rest as it comes.

Laws of this file: the maker is never held up by a reader, nor a reader by another; readers read from disk, so memory
stays flat however many they are; what fails ends broken for everybody and is never mistaken for whole. Whoever holds
it can read it after it was removed: the file is closed when nobody does.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from proxy.media.bell import Bell

READ_BYTES = 64 << 10
MAX_WAITING_BYTES = 64 << 20  # a disk that doesn't take this in time is no disk to serve films from


class GrowingBroken(Exception):
    """What was read so far is not the beginning of anything whole. why: as the recipe's outcome says."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Growing:
    """One output under `path`. The maker calls `take` and in the end `end` or `break_off`; `pump` runs beside it."""

    def __init__(self, path: Path, content_type: str, begun: Callable[[], None] = lambda: None) -> None:
        """begun: called when the first bytes can be read."""
        self.content_type = content_type
        self._begun = begun
        self.length_bytes = 0
        self._path = path
        self._file = -1
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ending = False
        self._ended = False
        self._broken = ""
        self._bell = Bell()

    @property
    def is_whole(self) -> bool:
        return self._ended and not self._broken

    @property
    def broken(self) -> str:
        """Why it broke; "": it didn't."""
        return self._broken

    async def open(self) -> None:
        """Create the file. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = await asyncio.to_thread(os.open, self._path, flags, 0o600)
        weakref.finalize(self, os.close, self._file)

    def take(self, data: bytes) -> None:
        """The next bytes, from the event loop; never waits."""
        if self._broken or self._ending or not data:
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self.break_off("disk")
        self._bell.ring()

    async def pump(self) -> None:
        """Write what was taken, until the end."""
        while not self._ended:
            if self._waiting:
                await self._write_on()
            elif self._ending:
                self._ended = True
                self._bell.ring()
            else:
                await self._bell.wait()

    def end(self) -> None:
        """That was all."""
        self._ending = True
        self._bell.ring()

    def break_off(self, why: str) -> None:
        """It will never be whole; after `end` this says nothing."""
        if not self._ending:
            self._break(why)

    def _break(self, why: str) -> None:
        self._broken, self._ended = why, True
        self._waiting.clear()
        self._bell.ring()

    async def _write_on(self) -> None:
        data = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        try:
            await asyncio.to_thread(_write, self._file, data, self.length_bytes)
        except OSError:
            self._break("disk-full")
        else:
            first = self.length_bytes == 0
            self.length_bytes += len(data)
            self._bell.ring()
            if first:
                self._begun()

    async def read_from(self, offset: int = 0) -> AsyncIterator[bytes]:
        """The bytes from an offset on, each as soon as it is there. Raises GrowingBroken, OSError."""
        while not self._broken:
            if offset < self.length_bytes:
                most = min(READ_BYTES, self.length_bytes - offset)
                data = await asyncio.to_thread(os.pread, self._file, most, offset)
                offset += len(data)
                yield data
            elif self._ended:
                return
            else:
                await self._bell.wait()
        raise GrowingBroken(self._broken)


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        taken = os.pwrite(file, view, offset)
        view, offset = view[taken:], offset + taken
