"""A body on its way from the origin into the store, read meanwhile by any number of learners.

Laws of this file:
- it is taken from the origin once, and held in memory only as far as the disk or its readers haven't taken it;
- it runs at most so far ahead of its fastest reader, so that who leaves hasn't spent what nobody wanted;
- a disk that takes no more ends the storing and never the reading: what is held goes on to those who read already;
- who reads is told of a broken end after the bytes that came before it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from proxy.cache.asked import Pace
from proxy.cache.body_files import BodyFiles
from proxy.errors import ExchangeError
from proxy.media.bell import Bell
from proxy.media.extents import Extents
from proxy.upstream.faults import upstream_truncated

SMALL_BYTES = 256 << 10  # up to here a body is written in one go, when it is whole
_FLUSH_BYTES = 256 << 10
_AHEAD_BYTES = 1 << 20
_HELD_BYTES = 1 << 20


class Arrival:
    """One body. `length` None: it isn't known before its end.

    name      of the file
    there     which bytes have come
    had       those that were stored before
    storing   False: the disk took no more
    done      no more comes; settled: and what is to be stored of it is
    from_first  its bytes come in order from the first on, so that others may join
    """

    def __init__(
        self,
        files: BodyFiles,
        name: str,
        *,
        length: int | None,
        file: int = -1,
        had: Extents = Extents(),  # noqa: B008 - a frozen value
        published: bool = False,
    ) -> None:
        self._files = files
        self.name = name
        self.length = length
        self.file = file
        self.had = had
        self.there = had
        self.published = published
        self.from_first = True
        self.storing = True
        self.done = False
        self.settled = False
        self.failed: ExchangeError | None = None
        self.error: OSError | None = None
        self.unattended = False
        self._held: list[tuple[int, bytes]] = []
        self._held_bytes = 0
        self._flushed = had
        self._readers: dict[int, int] = {}
        self._next_reader = 0
        self._came, self._moved = Bell(), Bell()

    # -- coming in ---------------------------------------------------------------------------------------------

    async def take(self, chunks: AsyncIterator[bytes], offset: int, pace: Pace | None = None) -> bool:
        """Take what comes, from an offset on, to its end. False: pace said to stop, or nobody reads any more.

        Raises ExchangeError as the origin's side breaks.
        """
        async for chunk in chunks:
            self._hold(offset, chunk)
            offset += len(chunk)
            if self._held_bytes >= _FLUSH_BYTES and self.storing:
                await self._flush()
            if not await self._has_room(offset) or (pace is not None and not await pace(len(chunk))):
                return False
        return True

    def _hold(self, offset: int, chunk: bytes) -> None:
        self._held.append((offset, chunk))
        self._held_bytes += len(chunk)
        self.there = self.there.plus(offset, offset + len(chunk))
        self._came.ring()

    async def _has_room(self, offset: int) -> bool:
        """Wait until the fastest reader is near, and, where the disk is full, until the slowest has its bytes."""
        while self._readers:
            behind = offset - max(self._readers.values())
            if not self.storing:
                self._let_go()
                if self._held_bytes <= _HELD_BYTES:
                    return True
            elif behind <= _AHEAD_BYTES or self.unattended:
                return True
            await self._moved.wait()
        return self.unattended and self.storing

    def _let_go(self) -> None:
        """Drop what every reader has had; the disk doesn't take it."""
        slowest = min(self._readers.values(), default=0)
        self._held = [(at, data) for at, data in self._held if at + len(data) > slowest]
        self._held_bytes = sum(len(data) for _, data in self._held)

    async def _flush(self) -> None:
        """What is held goes to the disk."""
        held = list(self._held)
        try:
            await asyncio.to_thread(self._write, held)
        except OSError as error:
            self.storing, self.error = False, error
            return
        for at, data in held:
            self._flushed = self._flushed.plus(at, at + len(data))
        self._held = self._held[len(held) :]
        self._held_bytes = sum(len(data) for _, data in self._held)

    def _write(self, held: list[tuple[int, bytes]]) -> None:
        if self.file < 0:
            self.file = self._files.create(self.name)
        for at, data in held:
            self._files.write(self.file, at, data)

    async def settle(self) -> None:
        """Everything that came is on the disk, if it takes it."""
        if self.storing and self._held:
            await self._flush()

    def small_body(self) -> bytes | None:
        """A whole body that never touched the disk; None: it did, or isn't whole."""
        if self.file >= 0 or self.length is None or not self.there.covers(0, self.length):
            return None
        return b"".join(data for _, data in self._held)

    def end(self, failed: ExchangeError | None = None) -> None:
        """No more comes."""
        if self.length is None and failed is None:
            self.length = self.there.end_from(0)
        self.failed = failed
        self.done = True
        self._came.ring()

    def close(self) -> None:
        """Nobody reads and nothing is written any more."""
        if self.settled and not self._readers and self.file >= 0:
            os.close(self.file)
            self.file = -1

    # -- going out ---------------------------------------------------------------------------------------------

    @property
    def readers(self) -> int:
        return len(self._readers)

    def joins(self) -> bool:
        """Whether another reader may begin at the first byte."""
        return self.storing and self.from_first and self.failed is None

    def begin(self, offset: int) -> int:
        """A reader's number."""
        self._next_reader += 1
        self._readers[self._next_reader] = offset
        return self._next_reader

    def leave(self, reader: int) -> None:
        if self._readers.pop(reader, None) is not None:
            self._moved.ring()
            self.close()

    def moved(self, reader: int, offset: int) -> None:
        self._readers[reader] = offset
        self._moved.ring()

    def held_from(self, offset: int, max_bytes: int) -> bytes:
        """Bytes that memory has; b"" where it hasn't."""
        for at, data in reversed(self._held):
            if at <= offset < at + len(data):
                return data[offset - at : offset - at + max_bytes] if offset > at or len(data) > max_bytes else data
        return b""

    @property
    def on_disk(self) -> Extents:
        """What has been written of it."""
        return self._flushed

    def on_disk_from(self, offset: int) -> int:
        """How many bytes the disk has from an offset on."""
        return self._flushed.end_from(offset) - offset

    def pread(self, offset: int, nbytes: int) -> bytes:
        return os.pread(self.file, nbytes, offset)

    def ends_at(self, offset: int) -> bool:
        if self.length is not None:
            return offset >= self.length
        return self.done and self.failed is None and offset >= self.there.end_from(0)

    async def wait(self, after: int) -> None:
        await self._came.wait(after)

    @property
    def rings(self) -> int:
        return self._came.rings


class ArrivalReader:
    """One learner's reading of an arrival. leads: what comes from the origin comes for her."""

    def __init__(self, arrival: Arrival, *, offset: int, leads: bool) -> None:
        self._arrival = arrival
        self._leads = leads
        self._reader = arrival.begin(offset)
        self.from_origin = leads

    def read_now(self, offset: int, max_bytes: int) -> bytes:
        """What memory has from an offset on."""
        data = self._arrival.held_from(offset, max_bytes)
        if data:
            self._moved(offset, len(data))
        return data

    async def read(self, offset: int, max_bytes: int) -> bytes:
        """The bytes from an offset on, as soon as there are any; b"" at the end. Raises ExchangeError."""
        arrival = self._arrival
        while True:
            rings = arrival.rings
            if data := self.read_now(offset, max_bytes):
                return data
            there = arrival.on_disk_from(offset)
            if there > 0:
                data = await asyncio.to_thread(arrival.pread, offset, min(there, max_bytes))
                self._moved(offset, len(data))
                return data
            if arrival.ends_at(offset):
                return b""
            if arrival.failed is not None:
                raise arrival.failed
            if arrival.done:
                raise upstream_truncated("it ended before these bytes came")
            await arrival.wait(rings)

    def close(self) -> None:
        self._arrival.leave(self._reader)

    def _moved(self, offset: int, nbytes: int) -> None:
        self.from_origin = self._leads and not self._arrival.had.covers(offset, offset + nbytes)
        self._arrival.moved(self._reader, offset + nbytes)
