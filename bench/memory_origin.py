"""An origin of large bodies: `python -m bench.memory_origin PORT`.

`/bytes/N.bin` sends N bytes, POST anywhere swallows a body and says how long it was, `/socket/N` sends N bytes as
binary messages of 64 kB once the other side has said something.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

_CHUNK = b"\x00" * 65536


async def _bytes(request: web.Request) -> web.StreamResponse:
    left = int(request.match_info["count"])
    response = web.StreamResponse(headers={"Content-Length": str(left), "Content-Type": "application/octet-stream"})
    await response.prepare(request)
    while left > 0:
        await response.write(_CHUNK[:left] if left < len(_CHUNK) else _CHUNK)
        left -= len(_CHUNK)
    return response


async def _swallow(request: web.Request) -> web.StreamResponse:
    total = 0
    async for chunk in request.content.iter_any():
        total += len(chunk)
    return web.Response(text=str(total))


async def _socket(request: web.Request) -> web.StreamResponse:
    left = int(request.match_info["count"])
    socket = web.WebSocketResponse(compress=False, max_msg_size=0)
    await socket.prepare(request)
    await socket.receive()
    while left > 0:
        await socket.send_bytes(_CHUNK)
        left -= len(_CHUNK)
    await socket.close()
    return socket


def main() -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=1 << 40)
    app.add_routes(
        [
            web.get(r"/bytes/{count:\d+}.bin", _bytes),
            web.get(r"/socket/{count:\d+}", _socket),
            web.post("/{any:.*}", _swallow),
        ]
    )
    loop = asyncio.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, loop=loop, print=lambda *_: None)


if __name__ == "__main__":
    main()
