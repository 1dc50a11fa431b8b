"""A raw connection as two streams of bytes, whatever it was before.

Laws: reading pauses the peer when nobody takes the bytes, writing waits while the peer doesn't take them, so no
buffer grows; what arrived before the take-over comes first; a lost connection reads as an end and raises
ConnectionError on write.

An HTTP connection is taken over through `set_parser`, the door by which aiohttp's own WebSockets take theirs; it
works over TLS as over plain sockets and needs no second descriptor.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from typing import Any, Protocol, cast

from aiohttp import web
from aiohttp.connector import Connection

_HIGH_BYTES = 65536
_LOW_BYTES = 16384


class Duplex(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """The next bytes; b"" once the peer has ended or is lost."""
        ...

    async def write(self, data: bytes) -> None:
        """Send; returns when the peer keeps up. Raises ConnectionError."""
        ...

    def write_eof(self) -> bool:
        """Say that nothing more will come; False where the transport can't say so (TLS) or is gone."""
        ...

    async def close(self) -> None:
        """End in order: what was written is sent first."""
        ...

    def abort(self) -> None:
        """End now."""
        ...


class StreamDuplex:
    """Over asyncio streams."""

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(_HIGH_BYTES)
        except (OSError, ssl.SSLError):
            return b""

    async def read_head(self, max_bytes: int) -> bytes:
        """Up to and including the first blank line. Raises ConnectionError if it doesn't come or is too long."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionResetError("no complete head") from error
        if len(head) > max_bytes:
            raise ConnectionResetError("the head is too long")
        return head

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError("the connection is closing")
        self._writer.write(data)
        await self._writer.drain()

    def write_eof(self) -> bool:
        return _end_writing(self._writer.transport)

    async def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()


class _Received:
    """Stands where a WebSocket parser would: collects what arrives and holds the transport back when it is full."""

    __slots__ = ("_chunks", "_ended", "_held", "_protocol", "_size", "_waiter")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._held = False
        self._waiter: asyncio.Future[None] | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if data:
            self._chunks.append(bytes(data))
            self._size += len(data)
            if self._size > _HIGH_BYTES and not self._held and self._protocol.transport is not None:
                self._held = True
                self._protocol.transport.pause_reading()
            self._wake()
        return False, b""

    def feed_eof(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def taken(self) -> bytes:
        """Everything that is here now."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        return data

    async def read(self) -> bytes:
        while not self._chunks:
            if self._ended or self._protocol.transport is None:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        if self._held and self._size < _LOW_BYTES and self._protocol.transport is not None:
            self._held = False
            self._protocol.transport.resume_reading()
        return chunk


class TakenDuplex:
    """Over an HTTP connection of aiohttp's, a server's or a client's, from which the protocol was taken."""

    __slots__ = ("_connection", "_protocol", "_received")

    def __init__(self, protocol: Any, received: _Received, connection: Any = None) -> None:
        self._protocol = protocol
        self._received = received
        self._connection = connection  # held, or aiohttp would put it back into its pool

    async def read(self) -> bytes:
        return await self._received.read()

    def taken(self) -> bytes:
        """What has arrived and was not read."""
        return self._received.taken()

    async def write(self, data: bytes) -> None:
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the connection is closing")
        transport.write(data)
        await self._protocol._drain_helper()

    def write_eof(self) -> bool:
        return _end_writing(self._protocol.transport)

    async def close(self) -> None:
        if self._protocol.transport is not None:
            self._protocol.transport.close()
        self._let_go()

    def abort(self) -> None:
        if self._protocol.transport is not None:
            self._protocol.transport.abort()
        self._let_go()

    def _let_go(self) -> None:
        """aiohttp's pool counts it no more, now and not when it is collected."""
        if self._connection is not None:
            self._connection.close()


def _end_writing(transport: asyncio.WriteTransport | None) -> bool:
    if transport is None or transport.is_closing() or not transport.can_write_eof():
        return False
    try:
        transport.write_eof()
    except OSError:
        transport.abort()
        return False
    return True


class Handed(web.StreamResponse):
    """What a handler returns once the connection is no longer HTTP: the server writes nothing and closes it."""

    def __init__(self, status: int = 101) -> None:
        super().__init__(status=status)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def taken_from_client(request: web.BaseRequest) -> TakenDuplex:
    """The client's connection, once its request (Upgrade or CONNECT) has been read; bytes after it come first.

    The handler then returns `Handed` when it is done with it. Raises ConnectionResetError if the client has left.
    """
    protocol = request.protocol
    if protocol.transport is None:
        raise ConnectionResetError("the client has left")
    received = _Received(protocol)
    protocol.set_parser(cast(Any, received))
    return TakenDuplex(protocol, received)


def taken_from_origin(connection: Connection) -> TakenDuplex:
    """The origin's connection after a 101."""
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:
        raise ConnectionResetError("the origin has left")
    protocol.read_timeout = None
    received = _Received(protocol)
    protocol.set_parser(received, _Nothing())
    return TakenDuplex(protocol, received, connection)


class _Nothing:
    """The payload that aiohttp tells of exceptions; a lost connection already ends `_Received`."""

    def set_exception(self, *_: object) -> None:
        return None

    def is_eof(self) -> bool:
        return True


async def duplex_of_socket(connected: socket.socket, *, server_side: bool, pushback: bytes = b"") -> StreamDuplex:
    """A plain, non-blocking, connected socket as a duplex; pushback is read first."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_HIGH_BYTES // 2, loop=loop)
    if pushback:
        reader.feed_data(pushback)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    if server_side:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connected)
    else:
        transport, _ = await loop.create_connection(lambda: protocol, sock=connected)
    return StreamDuplex(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
