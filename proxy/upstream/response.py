"""One response of an origin: head, body as it arrives, and whether the body is whole.

Laws: bytes pass as received (nothing is decompressed); a body that ends early raises and is never mistaken for a
complete one; whoever holds a response ends it with `release` or `abort`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import StreamReader
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDictProxy

from proxy.errors import ExchangeError
from proxy.live.duplex import Duplex, taken_from_origin
from proxy.upstream.address import Target
from proxy.upstream.channel import Channel
from proxy.upstream.faults import body_fault, upstream_too_large
from proxy.upstream.reply import FORWARDED, Way
from proxy.upstream.wire import Wire


class UpstreamResponse:
    """A response whose head is complete.

    status, reason       as received
    headers              all fields, in order, hop-by-hop ones included
    content_length       None where the origin didn't say
    on_break             called when the body stalls or breaks off
    """

    from_origin = True

    __slots__ = (
        "_channel",
        "_connection",
        "_content",
        "_max_body_bytes",
        "_message",
        "_read_bytes",
        "_where",
        "content_length",
        "headers",
        "on_break",
        "reason",
        "status",
        "way",
    )

    def __init__(
        self,
        channel: Channel | Wire,
        connection: Connection | None,
        message: RawResponseMessage,
        content: StreamReader,
        *,
        where: Target,
        max_body_bytes: int,
    ) -> None:
        self._channel = channel
        self._connection = connection
        self._message = message
        self._content = content
        self._where = where
        self._max_body_bytes = max_body_bytes
        self._read_bytes = 0
        self.on_break: Callable[[], None] | None = None
        self.way: Way = FORWARDED
        self.status: int = message.code
        self.reason: str = message.reason
        self.headers: CIMultiDictProxy[str] = message.headers
        length = message.headers.get("Content-Length")
        self.content_length: int | None = int(length) if length is not None else None

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Every field's bytes as the origin sent them."""
        return self._message.raw_headers

    @property
    def http_version(self) -> tuple[int, int]:
        version = self._message.version
        return version.major, version.minor

    @property
    def close_delimited(self) -> bool:
        """The body ends with the connection: its end can't be told from a break."""
        return self.content_length is None and "Transfer-Encoding" not in self.headers and not self.at_end

    @property
    def at_end(self) -> bool:
        """Whether the whole body has been read; True from the start where there is none."""
        return self._content.at_eof()

    async def iter_chunks(self, max_bytes: int = 16384) -> AsyncIterator[bytes]:
        """What is left of the body, as it comes, in pieces of at most max_bytes.

        Raises ExchangeError: upstream-truncated, upstream-timeout, upstream-too-large.
        """
        content = self._content
        try:
            # A body that is here already needs no further turn of the loop to learn of its end.
            while not content.at_eof() and (chunk := await content.read(max_bytes)):
                self._count(chunk)
                yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._broken(error) from error

    async def read_up_to(self, max_bytes: int, within_s: float) -> bytes:
        """The body's next bytes: until max_bytes are there, the body ends, or within_s seconds are over.

        They are consumed: `iter_chunks` goes on after them. `at_end` tells whether they were all.

        Raises ExchangeError as `iter_chunks`.
        """
        content = self._content
        taken = bytearray()
        try:
            if content.is_eof():  # a small body is complete as soon as its head is: no timer for it
                at_once = content.read_nowait(max_bytes)
                if content.at_eof():
                    self._count(at_once)
                    return at_once
                taken += at_once
            if not content.at_eof() and len(taken) < max_bytes:
                await self._fill(taken, max_bytes, within_s)
        except (aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from error
        self._count(taken)
        return bytes(taken)

    async def _fill(self, taken: bytearray, max_bytes: int, within_s: float) -> None:
        content = self._content
        timer = asyncio.timeout(within_s)
        try:
            async with timer:
                while len(taken) < max_bytes:
                    chunk = await content.read(max_bytes - len(taken))
                    if not chunk:
                        return
                    taken += chunk
        except TimeoutError as error:
            if not timer.expired():  # the origin's own stall, not the end of our patience
                raise self._broken(error) from error

    def _broken(self, error: BaseException) -> ExchangeError:
        if self.on_break is not None:
            self.on_break()
        return body_fault(error, self._where.authority)

    def _count(self, chunk: bytes | bytearray) -> None:
        self._read_bytes += len(chunk)
        if self._read_bytes > self._max_body_bytes:
            self.abort()
            raise upstream_too_large(self._max_body_bytes)

    def take_over(self) -> Duplex:
        """After 101: the raw connection, both ways, with whatever the origin has sent already.

        Whoever takes it closes it.
        """
        assert self._connection is not None, "asked for by nobody"
        return taken_from_origin(self._connection)

    def release(self) -> None:
        """Done with it: the connection is used again if the body was received to its end, else closed."""
        if not self._content.is_eof():
            self._channel.abort()

    def abort(self) -> None:
        """Close the connection now, unless it was given back already: then it may be somebody else's."""
        self.release()
