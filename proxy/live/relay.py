"""WebSockets: after the origin's 101 both connections are taken over and their bytes go through as they are.

Laws: the origin's handshake is the client's handshake (key, subprotocols and extensions pass), so compression stays
theirs; nothing of a message is held, so one of 1 GB costs no memory; a relay that must end says so with a Close between
two frames; what refuses comes before the 101, or right after it with a Close where a site's client needs that.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Settings
from proxy.clock import Clock
from proxy.errors import bad_request
from proxy.exchange import Inbound
from proxy.live.duplex import Duplex, Handed, taken_from_client
from proxy.live.frames import Frames, close_frame
from proxy.live.splice import Splice
from proxy.live.terms import RelayTerms
from proxy.upstream.headers import OF_THE_HOP, socket_headers
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

LiveTerms = RelayTerms
WINDOW_CLOSED = 4503
_GOING_AWAY = 1001  # RFC 6455 section 7.4.1
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_FRAME_END_S = 5.0
_CLOSE_REPLY_S = 5.0

# Why ("window" | "allowance") -> code and reason of the Close.
Closing = Callable[[str], tuple[int, str]]


def is_socket(inbound: Inbound) -> bool:
    """Whether this is a WebSocket handshake: a GET of HTTP/1.1 with Upgrade: websocket and no body."""
    request = inbound.request
    return (
        request.method == "GET"
        and request.version == (1, 1)
        and request.headers.get("Upgrade", "").lower() == "websocket"
        and not request.body_exists
    )


async def open_socket(
    upstream: Upstream,
    inbound: Inbound,
    settings: Settings,
    *,
    via: str,
    host: str | None = None,
    prepare: Callable[[CIMultiDict[str]], None] | None = None,
) -> UpstreamResponse:
    """The origin's answer to the handshake: 101, or any other one to be delivered like a page's.

    prepare  changes the head that the origin gets (names under which it knows itself); None: it stays

    Raises ExchangeError.
    """
    headers = socket_headers(inbound, settings, via=via, host=host)
    if prepare is not None:
        prepare(headers)
    return await upstream.open(
        origin=inbound.origin,
        method="GET",
        scheme=inbound.scheme,
        host=inbound.host,
        port=inbound.port,
        target=inbound.target,
        headers=headers,
    )


class Relayed(Frozen, frozen=True, kw_only=True):
    """response is what the handler returns; by as `Splice.run` says; bytes as they crossed, frames' heads included."""

    response: web.StreamResponse
    by: str
    bytes_down: int
    bytes_up: int


async def relay_socket(
    request: web.BaseRequest,
    response: UpstreamResponse,
    *,
    terms: LiveTerms,
    clock: Clock,
    idle_s: float,
    via: str,
    closing: Closing = lambda why: (WINDOW_CLOSED, why),
    extra: Iterable[tuple[str, str]] = (),
) -> Relayed:
    """Carry a WebSocket to its end, after a 101.

    idle_s  nothing either way for so long ends it (pings of either side count as something)
    extra   further fields for the 101's head (Tropa-Decision, Set-Cookie)

    The terms are closed and both connections too, whatever happens.
    """
    origin = response.take_over()
    try:
        client = taken_from_client(request)
        await client.write(_switching_head(response, via, extra))
    except ConnectionError:
        origin.abort()
        await terms.closed(0, 0, 0.0)
        return Relayed(response=Handed(), by="peer", bytes_down=0, bytes_up=0)
    relay = _Relay(client=client, origin=origin, closing=closing)
    splice = relay.splice = Splice(
        client,
        origin,
        terms,
        clock,
        idle_s,
        half_close=False,
        send_down=relay.send_down,
        send_up=relay.send_up,
        soft_close=relay.soft_close,
    )
    by = await splice.run()
    return Relayed(response=Handed(), by=by, bytes_down=splice.draw.down_bytes, bytes_up=splice.draw.up_bytes)


async def refuse_socket(request: web.BaseRequest, code: int, reason: str) -> web.StreamResponse:
    """101 and at once a Close, for sites whose scripts retry for ever on a refused handshake.

    The first subprotocol asked for is granted: browsers fail a handshake that grants none, and hide the code.
    Raises ExchangeError for a handshake that is none.
    """
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    head.append(f"Sec-WebSocket-Accept: {accept_of(request.headers.get('Sec-WebSocket-Key', ''))}")
    asked = request.headers.get("Sec-WebSocket-Protocol", "").partition(",")[0].strip()
    if asked:
        head.append(f"Sec-WebSocket-Protocol: {asked}")
    try:
        client = taken_from_client(request)
        await client.write("\r\n".join((*head, "", "")).encode("latin-1") + close_frame(code, reason, masked=False))
        await _reply_or_end(client)
        await client.close()
    except ConnectionError:
        pass
    return Handed()


def accept_of(key: str) -> str:
    """Sec-WebSocket-Accept for a key. Raises ExchangeError for a key that isn't 16 bytes in base64."""
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise bad_request("websocket-key")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


@dataclass(slots=True)
class _Relay:
    """Follows the frames of both directions, so that a Close can be put between two."""

    client: Duplex
    origin: Duplex
    closing: Closing
    splice: Splice | None = None
    down: Frames = field(default_factory=Frames)
    up: Frames = field(default_factory=Frames)

    async def send_down(self, data: bytes) -> None:
        self.down.feed(data)
        await self.client.write(data)

    async def send_up(self, data: bytes) -> None:
        self.up.feed(data)
        await self.origin.write(data)

    async def soft_close(self, why: str) -> None:
        """The frame on its way ends, then a Close goes to the client, and one to the origin if it is between frames."""
        assert self.splice is not None
        code, reason = self.closing(why)
        try:
            async with asyncio.timeout(_FRAME_END_S):
                if not await self._end_frame(self.splice.held_down):
                    return
                await self.client.write(close_frame(code, reason, masked=False))
                if self.up.at_boundary:
                    await self.origin.write(close_frame(_GOING_AWAY, "", masked=True))
            await _reply_or_end(self.client)
        except (TimeoutError, ConnectionError):
            return

    async def _end_frame(self, held: bytes) -> bool:
        """Bring the client to a frame's end. False: the origin left before it."""
        while not self.down.at_boundary:
            data = held or await self.origin.read()
            held = b""
            if not data:
                return False
            cut = self.down.bytes_to_boundary(data)
            await self.send_down(data if cut is None else data[:cut])
        return True


async def _reply_or_end(client: Duplex) -> None:
    """Wait for the client's Close or end, unread bytes would turn our close into a reset that overtakes the Close."""
    try:
        async with asyncio.timeout(_CLOSE_REPLY_S):
            while data := await client.read():
                if data[0] & 0x0F == 0x8:
                    return
    except TimeoutError:
        return


def _switching_head(response: UpstreamResponse, via: str, extra: Iterable[tuple[str, str]]) -> bytes:
    """The origin's 101 with its own fields, ours beside them."""
    head: CIMultiDict[str] = CIMultiDict()
    for name, value in response.headers.items():
        if name.lower() not in OF_THE_HOP:
            head.add(name, value)
    head.add("Upgrade", response.headers.get("Upgrade", "websocket"))
    head.add("Connection", "Upgrade")
    head.add("Via", via)
    for name, value in extra:
        head.add(name, value)
    lines = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")
