"""A reply from the store, or from what is just arriving in it, as the stages see any origin's.

Laws: those of `proxy.upstream.reply`; it tells what it is: Age (RFC 9111 section 5.1) where it was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.cache.stored import StoredResponse
from proxy.upstream.reply import Way

_PIECE_BYTES = 65536


class Body(Protocol):
    """Where bytes come from, by offset."""

    @property
    def from_origin(self) -> bool: ...
    def read_now(self, offset: int, max_bytes: int) -> bytes: ...
    async def read(self, offset: int, max_bytes: int) -> bytes: ...
    def close(self) -> None: ...


class NoBody:
    """A head alone."""

    from_origin = False

    def read_now(self, offset: int, max_bytes: int) -> bytes:
        return b""

    async def read(self, offset: int, max_bytes: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


class KeptReply:
    """Bytes [start, end) of a body under a head. end None: until it ends.

    stored  what it says all of: a whole response, or that the client has that one; None: a part, or one that is coming
    """

    __slots__ = (
        "_body",
        "_closed",
        "_end",
        "_offset",
        "_over",
        "content_length",
        "headers",
        "reason",
        "status",
        "stored",
        "way",
    )

    http_version = (1, 1)
    close_delimited = False

    def __init__(
        self,
        status: int,
        reason: str,
        headers: CIMultiDict[str],
        body: Body,
        *,
        way: Way,
        start: int = 0,
        end: int | None = None,
        stored: StoredResponse | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers: CIMultiDictProxy[str] = CIMultiDictProxy(headers)
        self.way = way
        self.stored = stored
        self._body = body
        self._offset = start
        self._end = end
        self._over = False
        self._closed = False
        length = headers.get("Content-Length")
        self.content_length: int | None = int(length) if length is not None and length.isdigit() else None

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        fields = self.headers.items()
        return tuple((n.encode("latin-1", "replace"), v.encode("utf-8", "surrogateescape")) for n, v in fields)

    @property
    def at_end(self) -> bool:
        return self._over or (self._end is not None and self._offset >= self._end)

    @property
    def from_origin(self) -> bool:
        return self._body.from_origin

    async def iter_chunks(self, max_bytes: int = _PIECE_BYTES) -> AsyncIterator[bytes]:
        """As `OriginReply.iter_chunks`; by itself in whole pieces, which spares the way out most of its work."""
        while not self.at_end and (chunk := await self._next(max_bytes)):
            yield chunk
        self._over = True

    async def _next(self, max_bytes: int) -> bytes:
        wanted = self._wanted(max_bytes)
        chunk = self._body.read_now(self._offset, wanted) or await self._body.read(self._offset, wanted)
        self._offset += len(chunk)
        self._over = not chunk
        return chunk

    async def read_up_to(self, max_bytes: int, within_s: float) -> bytes:
        """As `OriginReply.read_up_to`; never of two sources, so that `from_origin` is true of all of it."""
        at_once = self._now(max_bytes)
        if len(at_once) >= max_bytes or self.at_end:
            return at_once
        taken, side = bytearray(at_once), self.from_origin if at_once else None
        try:
            async with asyncio.timeout(within_s):
                while len(taken) < max_bytes and not self.at_end:
                    if side is not None and side != self.from_origin:
                        break
                    taken += await self._next(max_bytes - len(taken))
                    side = self.from_origin
        except TimeoutError:
            pass
        return bytes(taken)

    def _wanted(self, max_bytes: int) -> int:
        return max_bytes if self._end is None else min(max_bytes, self._end - self._offset)

    def _now(self, max_bytes: int) -> bytes:
        """What is here already. A body of one piece stays the one object that the store holds."""
        first = self._body.read_now(self._offset, self._wanted(max_bytes)) if not self.at_end else b""
        self._offset += len(first)
        if not first or len(first) >= max_bytes or self.at_end:
            return first
        taken = bytearray(first)
        while len(taken) < max_bytes and not self.at_end:
            chunk = self._body.read_now(self._offset, self._wanted(max_bytes - len(taken)))
            if not chunk:
                break
            taken += chunk
            self._offset += len(chunk)
        return bytes(taken)

    def release(self) -> None:
        if not self._closed:
            self._closed = True
            self._body.close()

    def abort(self) -> None:
        self.release()
