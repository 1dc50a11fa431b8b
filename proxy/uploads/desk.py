"""The uploads of one process: who may have how many, pieces as they come, and what goes when.

Laws of this file: an upload is its learner's alone; a piece counts when all of it is here and is what was sent, and a
later piece puts an earlier one aside that still hangs on a dead link; nothing grows beyond its limit; whatever isn't
asked about for a day is gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from policies.model import Limits
from proxy.clock import Clock
from proxy.errors import ExchangeError, Fault
from proxy.uploads.entry import Entry
from proxy.uploads.shelf import Shelf, write_all
from proxy.uploads.states import Event, State, after
from proxy.uploads.tus import MISMATCH, Checksum, Running, refused

logger = logging.getLogger("tropa.uploads")

T = TypeVar("T")

LIFETIME = timedelta(hours=24)
CLAIMED_LIFETIME = timedelta(minutes=10)  # a page that is loaded again is given the same answer
_IDLE = timedelta(hours=1)  # who hasn't been heard of for so long makes room first
_WRITE_BYTES = 262_144
_READ_BYTES = 65_536


@dataclass(slots=True)
class _Turn:
    """Whose piece is being written: the last that came. The lock is held over one write."""

    number: int
    lock: asyncio.Lock


class UploadDesk:
    """`start` before use. limits: those in force."""

    def __init__(self, shelf: Shelf, clock: Clock, limits: Callable[[], Limits]) -> None:
        self._shelf = shelf
        self._clock = clock
        self._limits = limits
        self._entries: dict[str, Entry] = {}
        self._turns: dict[str, _Turn] = {}
        self.on_drop: Callable[[str], None] = lambda upload_id: None

    async def start(self) -> None:
        """Take over what is on the disk; where that can't be had, nothing is taken in."""
        try:
            found = await asyncio.to_thread(self._shelf.open)
        except OSError as error:
            logger.error("uploads can't be kept, forms go as browsers send them: %s", error)
            found = []
        self._entries = {entry.id: entry for entry in found}

    # -- what there is ---------------------------------------------------------------------------------------

    def get(self, upload_id: str) -> Entry | None:
        return self._entries.get(upload_id)

    @property
    def held_bytes(self) -> int:
        """What the store is taken up with, bytes that are still to come included."""
        return sum(entry.held_bytes for entry in self._entries.values())

    @property
    def open_uploads(self) -> int:
        return len(self._entries)

    def until(self, entry: Entry) -> datetime:
        """When it goes by itself."""
        return entry.touched + (CLAIMED_LIFETIME if entry.claimed else LIFETIME)

    def of(self, owner: str) -> list[Entry]:
        """A learner's own."""
        return [entry for entry in self._entries.values() if entry.owner == owner]

    # -- coming and going ------------------------------------------------------------------------------------

    async def create(self, owner: str, form: str, fingerprint: str, length_bytes: int) -> Entry:
        """A new upload, or the one that these same files began for this form.

        Raises ExchangeError: 413 too large, 429 too many of hers, 507 no room.
        """
        same = self._same(owner, form, fingerprint, length_bytes)
        if same is not None:
            return same
        limits = self._limits()
        if length_bytes > limits.max_upload_bytes:
            raise refused(413, "upload-too-large", f"{length_bytes} bytes")
        if len(self.of(owner)) >= limits.uploads_per_learner:
            raise refused(429, "uploads-too-many")
        await self._make_room(limits.upload_store_bytes - length_bytes)
        entry = Entry(
            id=secrets.token_hex(16),
            owner=owner,
            form=form,
            fingerprint=fingerprint,
            length_bytes=length_bytes,
            touched=self._clock.now(),
            state=State.RECEIVING if length_bytes else State.READY,
        )
        self._entries[entry.id] = entry  # its bytes are promised before anybody else asks for room
        try:
            await asyncio.to_thread(self._shelf.create, entry)
        except OSError as error:
            del self._entries[entry.id]
            raise _no_room(str(error)) from error
        return entry

    def _same(self, owner: str, form: str, fingerprint: str, length_bytes: int) -> Entry | None:
        key = (owner, form, fingerprint, length_bytes)
        for entry in self._entries.values():
            if (entry.owner, entry.form, entry.fingerprint, entry.length_bytes) == key and not entry.claimed:
                return entry
        return None

    async def _make_room(self, most_bytes: int) -> None:
        """Until no more than so many bytes are held: what is over goes first, then what was left longest ago."""
        long_ago = self._clock.now() - _IDLE
        idle = [entry for entry in self._entries.values() if entry.touched < long_ago]
        for entry in sorted(idle, key=lambda entry: entry.touched):
            if self.held_bytes <= most_bytes:
                return
            if entry.state is not State.SENDING:
                await self.drop(entry.id)
        if self.held_bytes > most_bytes:
            raise _no_room("the store of uploads is full")

    async def drop(self, upload_id: str) -> None:
        """Nothing of it is left; harmless where it is gone."""
        if self._entries.pop(upload_id, None) is not None:
            self._turns.pop(upload_id, None)
            self.on_drop(upload_id)
            await asyncio.to_thread(self._shelf.remove, upload_id)

    async def forget(self, owner: str) -> int:
        """The learner's logout, or her word: all of hers goes. Returns how many there were."""
        hers = self.of(owner)
        for entry in hers:
            await self.drop(entry.id)
        return len(hers)

    async def sweep(self) -> None:
        """Drop what is over."""
        now = self._clock.now()
        for entry in list(self._entries.values()):
            if self.until(entry) <= now and entry.state is not State.SENDING:
                await self.drop(entry.id)

    # -- pieces ----------------------------------------------------------------------------------------------

    async def piece(
        self, upload_id: str, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Entry:
        """Take a piece in. Without a checksum what came before a cut counts; with one all of it or nothing.

        Raises ExchangeError: 404 gone, 409 another offset is wanted, or a later piece came; 413 beyond the end;
        460 not what was sent; 507 no room.
        """
        entry = self._here(upload_id)
        if entry.state is not State.RECEIVING or offset != entry.offset_bytes:
            raise refused(409, "upload-offset", f"{entry.offset_bytes} is wanted")
        turn = self._turns.setdefault(upload_id, _Turn(0, asyncio.Lock()))
        turn.number = number = turn.number + 1
        try:
            file = await asyncio.to_thread(self._shelf.writing, upload_id)
        except OSError as error:
            raise _no_room(str(error)) from error
        try:
            return await self._taken_in(entry, turn, number, file, pieces, checksum)
        except OSError as error:
            raise _no_room(str(error)) from error
        finally:
            os.close(file)

    async def _taken_in(
        self,
        entry: Entry,
        turn: _Turn,
        number: int,
        file: int,
        pieces: AsyncIterator[bytes],
        checksum: Checksum | None,
    ) -> Entry:
        running = Running(checksum.algorithm) if checksum is not None else None
        reached = entry.offset_bytes
        try:
            async for data in _in_blocks(pieces):
                if reached + len(data) > entry.length_bytes:
                    raise refused(413, "upload-too-large", "beyond its end")
                async with turn.lock:
                    self._still(entry.id, turn, number)
                    await to_its_end(write_all, file, data, reached)
                if running is not None:
                    running.update(data)
                reached += len(data)
        except (ExchangeError, OSError, ConnectionError, asyncio.CancelledError):
            if running is None and reached > entry.offset_bytes:
                await self._counted(entry.id, turn, number, file, reached)
            raise
        if running is not None and checksum is not None and running.digest() != checksum.wanted:
            raise refused(MISMATCH, "upload-checksum")
        return await self._counted(entry.id, turn, number, file, reached)

    async def _counted(self, upload_id: str, turn: _Turn, number: int, file: int, reached: int) -> Entry:
        async with turn.lock:
            self._still(upload_id, turn, number)
            await to_its_end(self._shelf.keep, upload_id, file, reached)
            entry = replace(self._here(upload_id), offset_bytes=reached, touched=self._clock.now())
            if reached == entry.length_bytes:
                entry = replace(entry, state=after(entry.state, Event.COMPLETED) or entry.state)
            self._entries[upload_id] = entry
            return entry

    def _still(self, upload_id: str, turn: _Turn, number: int) -> None:
        if turn.number != number or self._turns.get(upload_id) is not turn:
            raise refused(409, "upload-overtaken")

    def _here(self, upload_id: str) -> Entry:
        entry = self._entries.get(upload_id)
        if entry is None:
            raise refused(404, "upload-gone")
        return entry

    # -- to the origin ---------------------------------------------------------------------------------------

    async def move(self, upload_id: str, event: Event, *, status: int = 0) -> Entry:
        """What happened to it, on the disk before this returns.

        Raises ExchangeError: 404 it is gone, 409 that can't happen now, 507 it can't be written down.
        """
        entry = self._here(upload_id)
        state = after(entry.state, event)
        if state is None:
            raise refused(409, "upload-state", f"{event} while {entry.state}")
        attempts = entry.attempts + 1 if event is Event.SENT else entry.attempts
        moved = replace(entry, state=state, attempts=attempts, status=status, touched=self._clock.now())
        self._entries[upload_id] = moved
        try:
            await asyncio.to_thread(self._shelf.put, moved)
        except OSError as error:
            if event is Event.SENT:  # a form isn't sent whose sending a restart wouldn't know of
                self._entries[upload_id] = entry
                raise _no_room(str(error)) from error
            logger.warning("what became of an upload is known in memory only: %s", error)
        if state is State.ACCEPTED:
            await asyncio.to_thread(self._shelf.drop_bytes, upload_id)
        return moved

    async def claimed(self, upload_id: str) -> None:
        """The page has the origin's answer: an upload that was accepted is over."""
        entry = self._entries.get(upload_id)
        if entry is not None and entry.state is State.ACCEPTED and not entry.claimed:
            self._entries[upload_id] = replace(entry, claimed=True, touched=self._clock.now())
            await asyncio.to_thread(self._shelf.put, self._entries[upload_id])

    async def bytes_of(self, upload_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [start, end), from the disk as they are needed. Raises OSError."""
        file = await asyncio.to_thread(self._shelf.reading, upload_id)
        try:
            while start < end:
                data = await to_its_end(os.pread, file, min(_READ_BYTES, end - start), start)
                if not data:
                    raise OSError("an upload is shorter than it was")
                start += len(data)
                yield data
        finally:
            os.close(file)

    def counts(self) -> Counter[State]:
        """How many are in which state."""
        return Counter(entry.state for entry in self._entries.values())


async def to_its_end(work: Callable[..., T], *args: object) -> T:
    """A blocking call in a thread; who is cancelled waits for its end, so that no descriptor is closed under it."""
    future = asyncio.get_running_loop().run_in_executor(None, work, *args)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


async def _in_blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Fewer and larger writes: a network's packets are small."""
    held = bytearray()
    try:
        async for piece in pieces:
            held += piece
            if len(held) >= _WRITE_BYTES:
                yield bytes(held)
                held.clear()
    except (ExchangeError, OSError):
        if held:
            yield bytes(held)
        raise
    if held:
        yield bytes(held)


def _no_room(why: str) -> ExchangeError:
    return ExchangeError("upload-no-room", 507, Fault.TROPA, why)
