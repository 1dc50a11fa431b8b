"""Clients that make a proxy hold things: large bodies, slow readers, idle connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import aiohttp

_READ_BYTES = 262144
_CHUNK = b"\x00" * 65536


async def download(port: int, nbytes: int) -> int:
    """One body, read as fast as it comes."""
    async with _session() as session, session.get(f"http://127.0.0.1:{port}/bytes/{nbytes}.bin") as answer:
        got = 0
        async for chunk in answer.content.iter_chunked(_READ_BYTES):
            got += len(chunk)
        return got


async def upload(port: int, nbytes: int) -> int:
    """One body, sent as fast as it is taken."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(nbytes // len(_CHUNK)):
            yield _CHUNK

    headers = {"Content-Length": str(nbytes // len(_CHUNK) * len(_CHUNK))}
    async with (
        _session() as session,
        session.post(f"http://127.0.0.1:{port}/up", data=body(), headers=headers) as answer,
    ):
        return int(await answer.text())


async def over_socket(port: int, nbytes: int) -> int:
    """One WebSocket, read as fast as it comes."""
    got = 0
    async with (
        _session() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/socket/{nbytes}", max_msg_size=0) as ws,
    ):
        await ws.send_str("go")
        async for message in ws:
            got += len(message.data)
    return got


async def slow_readers(port: int, nbytes: int, *, count: int, rate_bytes_s: int, seconds: float) -> int:
    """`count` connections that read `rate_bytes_s` each for a while and then leave."""
    found = await asyncio.gather(*(_slow(port, nbytes, rate_bytes_s, seconds) for _ in range(count)))
    return sum(found)


async def _slow(port: int, nbytes: int, rate_bytes_s: int, seconds: float) -> int:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # what waits must wait in the proxy
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    with sock:
        await loop.sock_sendall(sock, f"GET /bytes/{nbytes}.bin HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        started_s, got = time.monotonic(), 0
        while (spent_s := time.monotonic() - started_s) < seconds:
            if got < rate_bytes_s * spent_s:
                chunk = await asyncio.wait_for(loop.sock_recv(sock, 16384), seconds + 5)
                if not chunk:
                    break
                got += len(chunk)
            else:
                await asyncio.sleep(0.1)
        return got


@contextlib.asynccontextmanager
async def idle(port: int, count: int) -> AsyncIterator[int]:
    """`count` kept-alive connections that have each had one answer; gives how many stand."""
    writers: list[asyncio.StreamWriter] = []
    try:
        for start in range(0, count, 50):
            batch = range(start, min(count, start + 50))
            writers += await asyncio.gather(*(_one_answer(port) for _ in batch))
        yield len(writers)
    finally:
        for writer in writers:
            writer.close()


async def _one_answer(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(f"GET /bytes/100.bin HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(100)
    return writer


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600))
