"""Getting one source from its origin into its spool, over as many attempts as the link needs.

Laws of this file: one attempt at a time; an attempt goes on where the last one broke off (Range with If-Range, RFC
9110 section 13.1.5) and never mixes two contents; memory stays bounded however large the source is; what fails with
one learner's request is tried with another's who asked for the same, before it is given up.
"""

from __future__ import annotations

import asyncio
import errno
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from proxy.clock import Clock
from proxy.errors import ExchangeError
from proxy.media.refs import Fetch, Fetched, SourceFailed, SourceRef
from proxy.media.spool import Spool

WRITE_BYTES = 256 << 10
SAVE_EVERY_BYTES = 8 << 20  # what a killed process may have to fetch again
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # between attempts that brought nothing
_MAX_ATTEMPTS = 200  # a link that drops every few seconds still gets a lecture through; a mocking origin ends
_MAX_FETCHES = 8
_TRY_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)", re.I)
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class _Cut(Exception):
    """An attempt broke off; another may bring the rest."""


class _Refused(Exception):
    """The origin refuses this learner; there is another to try."""


class Download:
    """One source on its way. save: called now and then, when what is there is safe on disk."""

    def __init__(
        self,
        ref: SourceRef,
        spool: Spool,
        *,
        max_bytes: int,
        clock: Clock,
        pause: Callable[[float], Awaitable[None]],
        save: Callable[[], Awaitable[None]],
        make_room: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._ref = ref
        self._spool = spool
        self._max_bytes = max_bytes
        self._clock = clock
        self._pause = pause
        self._save = save
        self._make_room = make_room
        self._fetches: deque[Fetch] = deque(maxlen=_MAX_FETCHES)
        self._unsaved_bytes = 0
        self._came_bytes = 0
        self._began_s = clock.steady_s()
        self._tail = asyncio.Lock()

    def may_use(self, fetch: Fetch) -> None:
        """Another learner asks for the same: her request serves where the first one's fails."""
        self._fetches.append(fetch)

    def left_s(self) -> float | None:
        """Seconds until all is there, at the rate so far; None while that can't be told."""
        took_s = self._clock.steady_s() - self._began_s
        if self._spool.length_bytes is None or not self._came_bytes or took_s <= 0:
            return None
        return (self._spool.length_bytes - self._spool.extents.total_bytes) * took_s / self._came_bytes

    async def run(self) -> None:
        """Returns when the source is whole. Raises SourceFailed."""
        if (self._ref.length_bytes or 0) > self._max_bytes:
            raise SourceFailed("too-large", f"{self._ref.length_bytes} bytes")
        fruitless, last = 0, ""
        for _ in range(_MAX_ATTEMPTS):
            before = self._came_bytes
            try:
                if self._spool.is_whole or await self._attempt():
                    return
            except _Refused:
                continue
            except _Cut as cut:
                last = str(cut)
            fruitless = 0 if self._came_bytes > before else fruitless + 1
            if fruitless >= len(PAUSES_S):
                break
            await self._pause(PAUSES_S[fruitless])
        raise SourceFailed("broken", last)

    async def tail(self, nbytes: int) -> bool:
        """Fetch the last bytes first (an MP4's index may stand there); False where the origin gives no ranges."""
        if not self._ref.validator or not self._fetches:
            return False
        async with self._tail:
            length = self._spool.length_bytes
            if length is not None and self._spool.extents.covers(max(0, length - nbytes), length):
                return True
            try:
                async with self._fetches[0](0, self._ref.validator, nbytes) as answer:
                    return await self._taken_tail(answer)
            except (ExchangeError, OSError, TimeoutError, SourceFailed):
                return False

    async def _attempt(self) -> bool:
        """One request; True when the source is whole."""
        if not self._fetches:
            raise SourceFailed("needs-visit")
        if self._spool.front and not self._ref.validator:
            await self._spool.begin_anew()
        offset = self._spool.front
        try:
            async with self._fetches[0](offset, self._ref.validator or None, None) as answer:
                return await self._taken(answer, offset)
        except (ExchangeError, TimeoutError) as error:
            raise _Cut(str(error)) from error
        except OSError as error:
            raise _disk_or_link(error) from error

    async def _taken(self, answer: Fetched, offset: int) -> bool:
        if answer.status in _TRY_AGAIN:
            raise _Cut(f"the origin answered {answer.status}")
        if answer.status not in (200, 206):
            return await self._refused(answer)
        if not self._same(answer):
            raise SourceFailed("changed", "the origin's validator is another one now")
        if _is_coded(answer):
            raise SourceFailed("coded", "the origin compresses what was asked for as it is")
        start, total = 0, _length(answer)
        if answer.status == 206:
            span = _span(answer)
            if span is None or span[0] != offset:
                raise SourceFailed("broken", "the origin answered with another range than was asked for")
            start, total = span[0], span[2]
        await self._take_length(total)
        await self._store(answer.chunks, start, skip_to=offset)
        if self._spool.length_bytes is None:
            self._spool.length_bytes = self._spool.front  # the body has ended cleanly: that was all
        if not self._spool.is_whole:
            raise _Cut("the origin ended early")
        return True

    async def _taken_tail(self, answer: Fetched) -> bool:
        span = _span(answer)
        if span is None or span[2] is None or _is_coded(answer) or not self._same(answer):
            return False
        await self._take_length(span[2])
        await self._store(answer.chunks, span[0])
        return self._spool.extents.covers(span[0], span[2])

    async def _refused(self, answer: Fetched) -> bool:
        if answer.status == 416 and self._spool.front:
            await self._spool.begin_anew()
            raise _Cut("the origin knows no such range")
        if len(self._fetches) > 1:  # her session has ended, somebody else's may go on
            self._fetches.popleft()
            raise _Refused
        raise SourceFailed(f"origin-{answer.status}")

    def _same(self, answer: Fetched) -> bool:
        """The answer is still of the content that the ref names, as far as it says."""
        name = "etag" if self._ref.validator == self._ref.etag else "last-modified"
        told = answer.headers.get(name)
        return not self._ref.validator or told is None or told == self._ref.validator

    async def _take_length(self, total: int | None) -> None:
        if total is None:
            return
        if total > self._max_bytes:
            raise SourceFailed("too-large", f"{total} bytes")
        if self._spool.length_bytes not in (None, total):
            raise SourceFailed("changed", "the source has another length now")
        if self._spool.length_bytes is None and not await self._make_room(total):
            raise SourceFailed("no-room", f"{total} bytes")
        self._spool.length_bytes = total

    async def _store(self, chunks: AsyncIterator[bytes], start: int, *, skip_to: int = 0) -> None:
        """Write what comes, in large pieces; bytes before `skip_to` are there already."""
        at, waiting = start, bytearray()
        try:
            async for chunk in chunks:
                fresh = chunk[max(0, min(len(chunk), skip_to - at - len(waiting))) :]
                at += len(chunk) - len(fresh)
                waiting += fresh
                self._check_length(at + len(waiting))
                if len(waiting) >= WRITE_BYTES:
                    at = await self._put(at, waiting)
                    if self._spool.is_whole:
                        return  # the rest came before, as the tail
        finally:
            if waiting:
                await self._put(at, waiting)

    def _check_length(self, nbytes: int) -> None:
        if nbytes > self._max_bytes:
            raise SourceFailed("too-large", f"more than {self._max_bytes} bytes came")
        if self._spool.length_bytes is not None and nbytes > self._spool.length_bytes:
            raise SourceFailed("broken", "more bytes came than were announced")

    async def _put(self, at: int, waiting: bytearray) -> int:
        data = bytes(waiting)
        waiting.clear()
        try:
            await self._spool.write(at, data)
        except OSError as error:
            raise _full(error) from error
        self._came_bytes += len(data)
        self._unsaved_bytes += len(data)
        if self._unsaved_bytes >= SAVE_EVERY_BYTES:
            self._unsaved_bytes = 0
            await self._save()
        return at + len(data)


def _length(answer: Fetched) -> int | None:
    told = answer.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() else None


def _is_coded(answer: Fetched) -> bool:
    return answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def _span(answer: Fetched) -> tuple[int, int, int | None] | None:
    """First byte, last byte and length of a 206 (RFC 9110 section 14.4)."""
    told = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if answer.status != 206 or told is None:
        return None
    return int(told[1]), int(told[2]), None if told[3] == "*" else int(told[3])


def _full(error: OSError) -> SourceFailed:
    return SourceFailed("disk-full" if error.errno in _FULL else "disk", str(error))


def _disk_or_link(error: OSError) -> Exception:
    return _full(error) if error.errno in _FULL else _Cut(str(error))
