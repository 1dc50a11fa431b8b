"""One request and its response on one connection to an origin (RFC 9112).

Laws: a head goes out in one piece with its bytes unchanged; a body that breaks off here breaks off there, it is never
completed; a connection whose request or response isn't complete is never used again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import StreamReader
from aiohttp.client_exceptions import (
    ClientConnectionResetError,
    ClientOSError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.streams import EofStream
from multidict import CIMultiDict

from policies.model import Limits, Timeouts
from proxy.errors import ExchangeError, upstream_malformed
from proxy.headbytes import head_bytes
from proxy.tasks import TaskKeeper
from proxy.upstream.body import RequestBody

READ_BUFFER_BYTES = 16384  # small, so that a slow reader holds little (0.3 MB measured against 0.5 to 1.0)
_EXPECT_WAIT_S = 3.0  # RFC 9110 section 10.1.1: don't wait for ever for an origin that ignores Expect
_MOST_INTERIM = 1000
# llhttp refuses blanks before colons (RFC 9112 section 5.1) but behind the names that it looks for itself.
_BEHIND_A_BLANK = ("Content-Length ", "Transfer-Encoding ", "Connection ", "Upgrade ", "Proxy-Connection ")
_OF_THE_CONNECTION = frozenset({"ntlm", "negotiate", "nego2", "kerberos"})
DISCONNECTED = (ServerDisconnectedError, ClientOSError, ClientConnectionResetError, EofStream)


class Channel:
    """Sends one request on a connection and reads the response's head."""

    __slots__ = ("_connection", "_head_s", "_once", "_payload", "_protocol", "_sent_s", "_unsent", "_upload")

    def __init__(
        self, connection: Connection, *, bodyless: bool, limits: Limits, timeouts: Timeouts, once: bool = False
    ) -> None:
        """once: the connection is nobody else's afterwards."""
        protocol = connection.protocol
        if protocol is None:
            raise ServerDisconnectedError
        self._connection = connection
        self._once = once
        self._protocol = protocol
        self._upload: asyncio.Task[None] | None = None
        self._payload: StreamReader | None = None
        self._unsent = False  # a body that isn't out in full
        self._sent_s: float | None = None  # when it was, on the loop's clock
        self._head_s = timeouts.response_head_s
        protocol.set_response_params(
            skip_payload=bodyless,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=timeouts.response_head_s,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=limits.max_header_bytes,
            max_field_size=limits.max_header_bytes,
        )

    @property
    def protocol(self) -> Any:
        return self._protocol

    async def exchange(
        self, head: bytes, body: RequestBody | None, *, expect: bool, keeper: TaskKeeper
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Send, and wait for the response's head. Interim responses end here (RFC 9110 section 15.2).

        Raises what aiohttp raises, or the ExchangeError for which the body broke.
        """
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise ServerDisconnectedError
        self._unsent = body is not None
        transport.write(head)
        if body is None:
            self._protocol.start_timeout()
        elif not expect:
            self._start(body, keeper)
        try:
            return await self._read_head(body, expect, keeper)
        except BaseException:
            self.abort()
            if body is not None and body.failure is not None:
                raise body.failure from None
            raise

    async def _read_head(
        self, body: RequestBody | None, expect: bool, keeper: TaskKeeper
    ) -> tuple[RawResponseMessage, StreamReader]:
        for _ in range(_MOST_INTERIM):
            waiting = body is not None and self._upload is None
            said = await self._word() if waiting and expect else await self._protocol.read()
            if said is not None:
                message, payload = said
                if not 100 <= message.code <= 199 or message.code == 101:
                    if (why := misframed(message)) is not None:
                        raise upstream_malformed(why)
                    self._payload = payload
                    payload.on_eof(self._ended)
                    return message, payload
            if waiting and body is not None and (said is None or message.code == 100):
                self._start(body, keeper)
            if self._sent_s is not None and asyncio.get_running_loop().time() - self._sent_s > self._head_s:
                raise SocketTimeoutError("interim answers alone")  # each of them has set aiohttp's clock back
        raise upstream_malformed("interim answers without end")

    async def _word(self) -> tuple[RawResponseMessage, StreamReader] | None:
        """What the origin says within the wait for 100; None where it says nothing."""
        timer = asyncio.timeout(_EXPECT_WAIT_S)
        try:
            async with timer:
                return await self._protocol.read()
        except TimeoutError:
            if timer.expired():
                return None
            raise

    def _start(self, body: RequestBody, keeper: TaskKeeper) -> None:
        self._upload = keeper.start(self._sending(body), name="upload")

    async def _sending(self, body: RequestBody) -> None:
        writer = StreamWriter(self._protocol, asyncio.get_running_loop())
        writer.length = body.length
        if body.length is None:
            writer.enable_chunking()
        try:
            async for piece in body.pieces():
                await writer.write(piece)
            await writer.write_eof()
            self._unsent = False
            self._sent_s = asyncio.get_running_loop().time()
            self._protocol.start_timeout()
        except OSError:
            # The origin stopped taking it; it may have said why, so what it sent is still read.
            self._protocol.force_close()
        except ExchangeError as error:
            self._protocol.set_exception(error)
            self.abort(error)

    def _ended(self) -> None:
        """The response is complete."""
        if self._protocol.upgraded:
            return
        # What is still buffered is read after this, and aiohttp would then set a timer that ends an idle connection
        # with an error for whoever comes next.
        self._protocol.read_timeout = None
        if not self._unsent and not self._once:
            self._connection.release()
            return
        if self._upload is not None:
            self._upload.cancel()
        self._connection.close()

    def abort(self, why: BaseException | None = None) -> None:
        """Close the connection now; harmless when it was given back. Whoever still reads the body is told why."""
        if self._upload is not None and self._upload is not asyncio.current_task():
            self._upload.cancel()
        # Closing makes aiohttp forget the payload, and a reader would wait for it for ever.
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(why or ClientConnectionResetError("given up"))
        self._connection.close()


def request_head(method: str, target: str, headers: CIMultiDict[str]) -> bytes:
    """The head's bytes. Raises ValueError for bytes that would end a line early."""
    return head_bytes(f"{method} {target} HTTP/1.1", headers.items())


def logs_in_the_connection(headers: CIMultiDict[str]) -> bool:
    """Whether this request's login may hold for all that follows on its connection, whoever asks (RFC 4559 section 5,
    MS-NTHT): such a connection is never used again, or the next learner would be the last one to the origin."""
    if "Authorization" not in headers:
        return False
    schemes = (value.strip().partition(" ")[0].lower() for value in headers.getall("Authorization"))
    return not _OF_THE_CONNECTION.isdisjoint(schemes)


def misframed(message: RawResponseMessage) -> str | None:
    """Why the response's length can't be told for sure (RFC 9112 sections 5.1 and 6.3), or None."""
    headers = message.headers
    if message.code < 100:
        return f"status {message.code}"
    for name in _BEHIND_A_BLANK:
        if name in headers:
            return "a blank before the colon of what frames the answer"
    lengths = headers.getall("Content-Length", ())
    if lengths and (len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit())):
        return f"contradictory or odd Content-Length {', '.join(lengths)}"
    if "Transfer-Encoding" not in headers:
        return None
    codings = headers.getall("Transfer-Encoding")
    if lengths:
        return "both Content-Length and Transfer-Encoding"
    if len(codings) > 1 or codings[0].strip().lower() != "chunked":
        return f"Transfer-Encoding {', '.join(codings)}"
    return None
