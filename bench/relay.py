"""A bare aiohttp relay: the same library, nothing of Tropa. `python -m bench.relay PORT UPSTREAM`.

What a pipeline on aiohttp can reach at most: no policy, identity, accounting, log or error page. WebSockets are
relayed message by message.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import aiohttp
from aiohttp import web

_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "upgrade"})
_WHOLE_BYTES = 65536
_CHUNK_BYTES = 16384


class Relay:
    """Passes every request to one upstream."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            read_bufsize=_CHUNK_BYTES,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        body = request.content.iter_chunked(_CHUNK_BYTES) if request.body_exists else None
        url = self._upstream + request.raw_path
        async with self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as got:
            response = web.StreamResponse(
                status=got.status, headers={k: v for k, v in got.headers.items() if k.lower() not in _HOP}
            )
            if got.content_length is not None and got.content_length <= _WHOLE_BYTES:
                whole = await got.read()
                await response.prepare(request)
                await response.write_eof(whole)
                return response
            await response.prepare(request)
            async for chunk in got.content.iter_chunked(_CHUNK_BYTES):
                await response.write(chunk)
            await response.write_eof()
            return response

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        ours = web.WebSocketResponse(max_msg_size=0, compress=False)
        await ours.prepare(request)
        async with self._session.ws_connect(self._upstream + request.raw_path, max_msg_size=0) as theirs:
            back = asyncio.create_task(_pass_on(ours, theirs))
            await _pass_on(theirs, ours)
            back.cancel()
        await ours.close()
        return ours


_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pass_on(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)


async def _serve(port: int, upstream: str) -> None:
    relay = Relay(upstream)
    runner = web.ServerRunner(web.Server(relay.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed; on uvloop where it is installed, as Tropa does."""
    serving = _serve(int(sys.argv[1]), sys.argv[2])
    with contextlib.suppress(KeyboardInterrupt):
        try:
            import uvloop
        except ImportError:
            asyncio.run(serving)
        else:
            uvloop.run(serving)


if __name__ == "__main__":
    main()
