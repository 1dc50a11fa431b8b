"""A gigabyte either way costs no memory, whatever carries it; readers that take little hold little; idle ones less."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable

import pytest

from tests.origins import Visit, raw_origin
from tests.wire_process import Running, running

GIGABYTE = 1_000_000_000
PIECE = b"x" * 65_536
UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: lms.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LONG_FRAME = b"\x82\x7f" + GIGABYTE.to_bytes(8, "big")

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[int]]


async def pour(writer: asyncio.StreamWriter, nbytes: int = GIGABYTE) -> None:
    for _ in range(nbytes // len(PIECE)):
        writer.write(PIECE)
        await writer.drain()
    writer.write(PIECE[: nbytes % len(PIECE)])
    await writer.drain()


async def swallow(reader: asyncio.StreamReader, nbytes: int) -> int:
    left = nbytes
    while left and (data := await reader.read(min(left, 262_144))):
        left -= len(data)
    return nbytes - left


async def growth(front: Running, client: Client) -> int:
    """The largest growth of the front's memory while the client does its work, after a first small exchange."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    before = most = front.rss_bytes
    work = asyncio.create_task(client(reader, writer))
    while not work.done():
        await asyncio.wait({work}, timeout=0.1)
        most = max(most, front.rss_bytes)
    assert work.result() == GIGABYTE
    writer.close()
    return most - before


async def serving(visit: Visit) -> None:
    """GET: a gigabyte. POST: swallows one. Upgrade: a frame of a gigabyte each way. Tunnel bytes: the same as GET."""
    head = await visit.head()
    if b"Upgrade: websocket" in head:
        await visit.send(SWITCHING + LONG_FRAME)
        await pour(visit.writer)
        await swallow(visit.reader, GIGABYTE + 14)
        await visit.send(b"\x82\x02ok")
    elif head.startswith(b"POST"):
        await swallow(visit.reader, GIGABYTE)
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    else:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIGABYTE)
        await pour(visit.writer)


async def download(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(b"GET / HTTP/1.1\r\nHost: lms.test\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    return await swallow(reader, GIGABYTE)


async def upload(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(b"POST / HTTP/1.1\r\nHost: lms.test\r\nContent-Length: %d\r\n\r\n" % GIGABYTE)
    await pour(writer)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    return GIGABYTE


async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(10) == LONG_FRAME
    received = await swallow(reader, GIGABYTE)
    writer.write(b"\x82\xff" + GIGABYTE.to_bytes(8, "big") + b"mask")
    await pour(writer)
    assert await reader.readexactly(4) == b"\x82\x02ok"
    return received


@pytest.mark.slow
@pytest.mark.parametrize("client", [download, upload, chat], ids=lambda client: client.__name__)
async def test_a_gigabyte_through_a_reverse_front_grows_it_by_less_than_32_mb(client: Client) -> None:
    async with raw_origin(serving) as origin:
        with running("reverse", origin.url) as front:
            assert await growth(front, client) < 32_000_000


@pytest.mark.slow
async def test_a_gigabyte_through_a_tunnel_grows_it_by_less_than_32_mb() -> None:
    async with raw_origin(serving) as origin:

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
            writer.write(b"CONNECT lms.test:%d HTTP/1.1\r\nHost: lms.test\r\n\r\n" % origin.port)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            return await download(reader, writer)

        with running("forward", origin.url) as front:
            assert await growth(front, tunnel) < 32_000_000


@pytest.mark.slow
async def test_slow_readers_of_large_bodies_hold_at_most_600_kb_each() -> None:
    async with raw_origin(serving) as origin:
        with running("reverse", origin.url) as front:
            held = []
            before = front.rss_bytes
            for _ in range(32):
                reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=4096)
                writer.write(b"GET / HTTP/1.1\r\nHost: lms.test\r\n\r\n")
                held.append((reader, writer))
            for _ in range(60):
                for reader, _ in held:
                    await reader.read(6400)
                await asyncio.sleep(0.05)
            assert (front.rss_bytes - before) / len(held) < 600_000
            for _, writer in held:
                writer.transport.abort()


@pytest.mark.slow
async def test_idle_connections_hold_at_most_14_kb_each() -> None:
    count = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 100)
    async with raw_origin() as origin:
        with running("reverse", origin.url) as front:
            held = []
            for place in range(count + 200):
                reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=4096)
                writer.write(b"GET / HTTP/1.1\r\nHost: lms.test\r\n\r\n")
                await reader.readuntil(b"ok")
                held.append(writer)
                if place == 199:
                    before = front.rss_bytes
            assert (front.rss_bytes - before) / count < 14_000
            for writer in held:
                writer.transport.abort()
