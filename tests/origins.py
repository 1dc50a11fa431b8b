"""Origins and clients of bare sockets: what they get and send is bytes, nothing is interpreted or repaired.

Fakes at the lowest seam only: whoever tests the data path puts one of these behind it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Script = Callable[["Visit"], Awaitable[None]]


@dataclass(slots=True)
class Visit:
    """One connection to a `RawOrigin`: received is every byte that came so far."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: bytearray

    async def head(self) -> bytes:
        """The next request head, final blank line included. Raises IncompleteReadError at the end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.received += head
        return head

    async def read(self, max_bytes: int = 65536) -> bytes:
        data = await self.reader.read(max_bytes)
        self.received += data
        return data

    async def read_exactly(self, nbytes: int) -> bytes:
        data = await self.reader.readexactly(nbytes)
        self.received += data
        return data

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def body(self, head: bytes) -> bytes:
        """A request's body as its head frames it, chunks still in their framing."""
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            data = await self.reader.readuntil(b"0\r\n\r\n")
            self.received += data
            return data
        for line in lower.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return await self.read_exactly(int(line.partition(b":")[2]))
        return b""


async def answer_ok(visit: Visit) -> None:
    """200 "ok" to each request of the connection."""
    while True:
        await visit.body(await visit.head())
        await visit.send(OK)


def answering(*answers: bytes) -> Script:
    """Each request of any connection gets the next answer; after the last one, the last again."""
    left = list(answers)

    async def script(visit: Visit) -> None:
        while True:
            await visit.body(await visit.head())
            await visit.send(left.pop(0) if len(left) > 1 else left[0])

    return script


@dataclass(slots=True)
class RawOrigin:
    """A server of raw bytes on loopback. visits: every connection so far, in order."""

    script: Script = answer_ok
    tls: ssl.SSLContext | None = None
    visits: list[Visit] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def received(self) -> bytes:
        """Everything that ever came, connection after connection."""
        return b"".join(bytes(visit.received) for visit in self.visits)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self, host: str = "127.0.0.1") -> RawOrigin:
        self._server = await asyncio.start_server(self._visited, host, 0, ssl=self.tls, limit=4 * 1024**2)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for visit in self.visits:
                if not visit.writer.transport.is_closing():  # one that closed meanwhile has no loop any more
                    visit.writer.transport.abort()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer, bytearray())
        self.visits.append(visit)
        task = asyncio.current_task()
        assert task is not None, "asyncio makes one for each connection"
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self.script(visit)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_origin(script: Script = answer_ok, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawOrigin]:
    """A `RawOrigin` while the block runs."""
    origin = await RawOrigin(script, tls).start()
    try:
        yield origin
    finally:
        await origin.close()


async def talk(port: int, *pieces: bytes, quiet_s: float = 0.4, tls: ssl.SSLContext | None = None) -> bytes:
    """Send the pieces one after another, return all that comes until the peer ends or is quiet for quiet_s."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="lms.test" if tls else None
    )
    heard = bytearray()
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await _listen(reader, heard, quiet_s)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return bytes(heard)


async def _listen(reader: asyncio.StreamReader, heard: bytearray, quiet_s: float) -> None:
    while True:
        try:
            async with asyncio.timeout(quiet_s):
                data = await reader.read(65536)
        except TimeoutError:
            return
        if not data:
            return
        heard += data
