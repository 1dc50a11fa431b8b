"""From an origin's answer into the store: one arrival for each body, committed when it ends.

Laws: an arrival is found by others from its first byte to the moment its row is written; what ends early is kept only
where the origin's own validator lets it go on (RFC 9111 section 3.3), and never looks whole; long bodies are named in
the index from time to time, so that a power cut at nine tenths costs one tenth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from proxy.cache.answering import Held
from proxy.cache.arrival import Arrival
from proxy.cache.asked import Asked, Pace
from proxy.cache.body_checks import checks_of, checks_of_bytes
from proxy.cache.body_files import taken_bytes
from proxy.cache.http.conditions import is_strong
from proxy.cache.object_index import Row
from proxy.cache.object_store import ObjectStore
from proxy.cache.stored import StoredResponse, stored_of, with_body
from proxy.errors import ExchangeError, Fault
from proxy.media.extents import Extents
from proxy.tasks import TaskKeeper
from proxy.upstream.reply import OriginReply

_PIECE_BYTES = 65536
_WORTH_KEEPING_BYTES = 65536  # of a part
_CHECKPOINT_BYTES = 16 << 20
_MOST_UNFILED = 256  # small bodies that wait for the disk in memory, 64 KiB each at the most

# Asks for the bytes from an offset on of what goes on; None: it can't be had any more.
More = Callable[[int], Awaitable[OriginReply | None]]


@dataclass(slots=True)
class Taking:
    """One arrival under way. row: as it will be written, but for its body."""

    asked: Asked
    row: Row
    arrival: Arrival
    checks: bytes = b""
    checked_to: int = 0
    named_bytes: int = 0
    stored: StoredResponse | None = None

    def row_with(self, *, length: int | None, there: Extents, checks: bytes, taken: int) -> Row:
        name = self.arrival.name
        return with_body(self.row, self.asked, file=name, length=length, extents=there, checks=checks, taken=taken)


class Intake:
    """All arrivals of a process."""

    def __init__(self, store: ObjectStore, keeper: TaskKeeper) -> None:
        self._store = store
        self._keeper = keeper
        self._under_way: dict[bytes, dict[bytes, Taking]] = {}
        self._unfiled = 0

    def arriving(self, key: bytes) -> list[Held]:
        """What is on its way under a key and may be joined."""
        return [
            Held(stored=stored_of(taking.row), arrival=taking.arrival)
            for taking in self._under_way.get(key, {}).values()
            if taking.arrival.joins()
        ]

    def is_arriving(self, key: bytes, twin: bytes) -> bool:
        return twin in self._under_way.get(key, {})

    def invalidate(self, keys: Sequence[bytes]) -> None:
        """What is on its way under these keys is outdated already: it must be confirmed before it is used again."""
        for key in keys:
            for taking in self._under_way.get(key, {}).values():
                taking.row = replace(taking.row, invalid=1)

    @property
    def is_behind(self) -> bool:
        """Whether the disk is so slow that what comes now had better not be stored."""
        return self._unfiled >= _MOST_UNFILED

    def begin(self, asked: Asked, row: Row, *, length: int | None) -> Taking:
        """A new body."""
        arrival = Arrival(self._store.files, self._store.files.new_name(), length=length)
        return self._registered(Taking(asked=asked, row=row, arrival=arrival))

    async def go_on(self, asked: Asked, row: Row, stored: StoredResponse) -> Taking | None:
        """One of which a part is stored; row: with its new head. None: the part is gone."""
        try:
            file = await asyncio.to_thread(self._store.files.open, stored.row.file, writing=True)
        except OSError as error:
            await self._store.damaged(stored, error)
            return None
        arrival = Arrival(
            self._store.files, stored.row.file, length=stored.row.length, file=file, had=stored.there, published=True
        )
        taking = Taking(asked=asked, row=row, arrival=arrival, checks=stored.row.checks)
        taking.checked_to = stored.there.end_from(0)
        return self._registered(taking)

    def _registered(self, taking: Taking) -> Taking:
        self._under_way.setdefault(taking.row.key, {})[taking.row.twin] = taking
        self._store.writing(taking.arrival.name)
        return taking

    def start(self, taking: Taking, response: OriginReply, *, offset: int = 0, more: More | None = None) -> None:
        """Take it in, whoever reads it meanwhile."""
        self._keeper.start(self.take(taking, response, offset=offset, more=more), name="arrival")

    async def take(
        self,
        taking: Taking,
        response: OriginReply,
        *,
        offset: int = 0,
        more: More | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Take a body to its end and write its row. more: asks for what is missing behind the first part."""
        arrival = taking.arrival
        try:
            await self._taken(taking, response, offset, more, pace)
        except ExchangeError as error:
            arrival.end(error)
        except BaseException:
            arrival.end(ExchangeError("upstream-truncated", 502, Fault.UPSTREAM, "the store stopped"))
            raise
        finally:
            response.release()
            await self._ended(taking)

    async def _taken(
        self, taking: Taking, response: OriginReply, offset: int, more: More | None, pace: Pace | None
    ) -> None:
        arrival, going_on = taking.arrival, True
        while going_on:
            going_on = await arrival.take(self._named(taking, response.iter_chunks(_PIECE_BYTES)), offset, pace)
            gap = _gap(arrival) if going_on and more is not None else None
            if gap is None:
                break
            assert more is not None
            response.release()
            further = await more(gap)
            if further is None:
                break
            response, offset = further, gap
        whole = arrival.length is None or arrival.there.covers(0, arrival.length)
        arrival.end(None if going_on and whole else _stopped())

    async def _named(self, taking: Taking, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same; now and then what has come is named in the index."""
        async for chunk in chunks:
            yield chunk
            come = taking.arrival.there.total_bytes
            if come - taking.named_bytes >= _CHECKPOINT_BYTES and _goes_on(taking):
                taking.named_bytes = come
                await self._commit(taking)

    async def _ended(self, taking: Taking) -> None:
        arrival = taking.arrival
        self._unfiled += 1
        try:
            await self._commit(taking)
        finally:
            self._unfiled -= 1
            twins = self._under_way.get(taking.row.key, {})
            if twins.get(taking.row.twin) is taking:
                del twins[taking.row.twin]
                if not twins:
                    self._under_way.pop(taking.row.key, None)
            self._store.written(arrival.name)
            arrival.settled = True
            arrival.close()

    async def _commit(self, taking: Taking) -> None:
        """The file under its name, then the row; or neither."""
        arrival = taking.arrival
        try:
            row = await self._filed(taking)
        except OSError as error:
            arrival.storing, arrival.error = False, error
            row = None
        if arrival.error is not None:
            self._store.failed_write(arrival.error)
            arrival.error = None
        if row is not None:
            taking.stored = await self._store.put(row)
            asked = taking.asked
            if taking.stored is not None and row.whose == "confirmed" and asked.own_life_s > 0 and asked.learner:
                await self._store.note_reader(taking.stored, asked.learner, asked.own_life_s)
        elif arrival.file >= 0 and not arrival.published:
            await asyncio.to_thread(self._store.files.give_up, arrival.name)

    async def _filed(self, taking: Taking) -> Row | None:
        arrival = taking.arrival
        body = arrival.small_body() if arrival.storing and arrival.done and arrival.failed is None else None
        if body is not None:
            taken = await asyncio.to_thread(self._store.files.keep, arrival.name, body)
            checks = checks_of_bytes(body)
            return taking.row_with(length=len(body), there=arrival.there, checks=checks, taken=taken)
        whole = arrival.done and arrival.length is not None and arrival.there.covers(0, arrival.length)
        if not whole and not _goes_on(taking):
            return None
        await arrival.settle()
        if not arrival.storing and not arrival.published:
            return None
        return await asyncio.to_thread(self._large, taking, arrival.on_disk)

    def _large(self, taking: Taking, there: Extents) -> Row:
        """Off the event loop."""
        arrival = taking.arrival
        taking.checks = checks_of(arrival.file, there, known=taking.checks, known_to=taking.checked_to)
        taking.checked_to = there.end_from(0)
        taken = taken_bytes(arrival.file, there.total_bytes)
        if not arrival.published:
            self._store.files.publish(arrival.name)
            arrival.published = True
        return taking.row_with(length=arrival.length, there=there, checks=taking.checks, taken=taken)


def _gap(arrival: Arrival) -> int | None:
    """Where the first byte is missing; None: none is, or nobody knows."""
    front = arrival.there.end_from(0)
    return front if arrival.length is not None and front < arrival.length else None


def _goes_on(taking: Taking) -> bool:
    """Whether a part of it may be kept and gone on with: a strong validator, a known length, enough of it."""
    arrival = taking.arrival
    enough = arrival.there.total_bytes >= _WORTH_KEEPING_BYTES or bool(arrival.had.spans)
    return arrival.length is not None and is_strong(taking.row.etag) and enough and taking.row.whose != "own"


def _stopped() -> ExchangeError:
    return ExchangeError("upstream-truncated", 502, Fault.UPSTREAM, "it was stopped before its end", retry_after_s=60)
