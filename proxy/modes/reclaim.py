"""A plain connection taken back from the HTTP server, to be looked at by the doors once more."""

from __future__ import annotations

import asyncio
import os
import socket

from aiohttp import web

from proxy.live.duplex import taken_from_client
from proxy.modes.connection import Connection
from proxy.modes.seen import Seen

_FLUSH_S = 30.0


async def reclaim(request: web.BaseRequest, seen: Seen) -> Connection:
    """The connection as it was before this request's head: head and whatever followed it are pushed back.

    The server's transport is aborted on a duplicate descriptor, which neither ends nor resets the connection. The
    handler returns `Handed` afterwards. Raises ConnectionError if the client has left.
    """
    duplex = taken_from_client(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    transport.pause_reading()
    await _flushed(transport)
    sock = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    sock.setblocking(False)
    pushback = _head(request) + duplex.taken()
    transport.abort()
    return Connection(sock, seen.peer, told=seen.told, pushback=pushback, served=True)


async def _flushed(transport: asyncio.WriteTransport) -> None:
    """Until earlier answers are with the kernel: an abort would lose them."""
    async with asyncio.timeout(_FLUSH_S):
        # Only a client that pipelines a CONNECT ever waits here.
        while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    if transport.is_closing():
        raise ConnectionResetError("the client has left")


def _head(request: web.BaseRequest) -> bytes:
    version = request.version
    start = f"{request.method} {request.raw_path} HTTP/{version.major}.{version.minor}"
    fields = b"".join(b"%b: %b\r\n" % field for field in request.raw_headers)
    return start.encode("utf-8", "surrogateescape") + b"\r\n" + fields + b"\r\n"
