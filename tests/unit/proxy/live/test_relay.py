"""WebSockets through the front: handshake, bytes both ways, window's end, refusals, over plain and TLS."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import WSMsgType, web

from policies.model import Listener
from proxy.clock import SystemClock
from proxy.exchange import Inbound
from proxy.live.relay import Relayed, accept_of, is_socket, open_socket, refuse_socket, relay_socket
from tests.origins import talk
from tests.wire import VIA, OpenTerms, Wire, catalogue_of, origin_of, pass_through, wire

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: lms.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass(slots=True)
class Live:
    """A front that relays WebSockets on given terms."""

    terms: OpenTerms = field(default_factory=OpenTerms)
    idle_s: float = 30.0
    relayed: list[Relayed] = field(default_factory=list)

    async def handle(self, front: Wire, inbound: Inbound) -> web.StreamResponse:
        if not is_socket(inbound):
            return await pass_through(front, inbound)
        response = await open_socket(front.upstream, inbound, front.catalogue.settings, via=VIA)
        if response.status != 101:
            response.release()
            return web.Response(status=response.status, text="not a socket")
        relayed = await relay_socket(
            inbound.request,
            response,
            terms=self.terms,
            clock=SystemClock(),
            idle_s=self.idle_s,
            via=VIA,
            closing=lambda why: (4503, f"closed: {why}"),
            extra=[("Tropa-Decision", "allow")],
        )
        self.relayed.append(relayed)
        return relayed.response


Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)


@asynccontextmanager
async def chat_origin(speak: Talk = echo, **options: object) -> AsyncIterator[tuple[str, list[web.WebSocketResponse]]]:
    """A WebSocket server; yields its address and the sockets it had."""
    sockets: list[web.WebSocketResponse] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/deny":
            return web.Response(status=401, text="who are you")
        socket = web.WebSocketResponse(protocols=("chat.v2",), max_msg_size=0, **options)  # type: ignore[arg-type]
        await socket.prepare(request)
        sockets.append(socket)
        await speak(socket)
        return socket

    server = web.Server(handler)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", sockets
    finally:
        listening.close()
        await server.shutdown(0.1)


@asynccontextmanager
async def chat(
    live: Live, speak: Talk = echo, *, listener: Listener | None = None, **options: object
) -> AsyncIterator[tuple[Wire, list[web.WebSocketResponse]]]:
    async with (
        chat_origin(speak, **options) as (url, sockets),
        wire(catalogue_of(origin_of(url)), live.handle, listener=listener) as front,
    ):
        yield front, sockets


@asynccontextmanager
async def connected(
    front: Wire, path: str = "/chat", *, tls: ssl.SSLContext | None = None, **options: object
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    scheme = "wss" if tls else "ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{scheme}://127.0.0.1:{front.port}{path}",
            headers={"Host": "lms.test"},
            ssl=tls or True,
            server_hostname="lms.test" if tls else None,
            max_msg_size=0,
            **options,  # type: ignore[arg-type]
        ) as socket,
    ):
        yield socket


async def test_messages_pass_both_ways_and_subprotocol_and_compression_are_the_peers_own() -> None:
    live = Live()
    async with chat(live) as (front, _):
        async with connected(front, protocols=("chat.v1", "chat.v2"), compress=15) as socket:
            assert socket.protocol == "chat.v2" and socket.compress == 15
            for size in (0, 1, 125, 126, 70_000):
                await socket.send_bytes(b"x" * size)
                assert await socket.receive_bytes() == b"x" * size
            await socket.send_str("привет")
            assert await socket.receive_str() == "привет"
        await asyncio.sleep(0.05)
        assert [(relayed.by, relayed.bytes_up > 0) for relayed in live.relayed] == [("peer", True)]
        assert [(up, down) for up, down, _ in live.terms.closings] == [
            (live.relayed[0].bytes_up, live.relayed[0].bytes_down)
        ]


async def test_the_head_of_the_101_is_the_origins_with_ours_beside_it() -> None:
    async with chat(Live()) as (front, _):
        heard = await talk(front.port, HANDSHAKE)
        assert heard.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        accept = base64.b64encode(
            hashlib.sha1(b"AAAAAAAAAAAAAAAAAAAAAA==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        )
        for line in (b"Sec-WebSocket-Accept: " + accept, b"Upgrade: websocket", b"Connection: Upgrade"):
            assert heard.count(line + b"\r\n") == 1
        assert b"Tropa-Decision: allow\r\n" in heard and b"Via: 1.1 tropa-test\r\n" in heard


async def test_frames_sent_with_the_handshake_in_one_packet_are_not_lost() -> None:
    async with chat(Live()) as (front, _):
        hello = bytes((0x81, 0x82)) + b"\0\0\0\0hi"
        assert (await talk(front.port, HANDSHAKE + hello)).endswith(b"\x81\x02hi")
        for cut in range(len(HANDSHAKE) - 3, len(HANDSHAKE) + 7):
            raw = HANDSHAKE + hello
            assert (await talk(front.port, raw[:cut], raw[cut:], quiet_s=0.15)).endswith(b"\x81\x02hi"), cut


async def test_a_refused_handshake_is_an_answer_and_the_connection_goes_on() -> None:
    async with chat(Live()) as (front, _):
        denied = HANDSHAKE.replace(b"/chat", b"/deny")
        heard = await talk(front.port, denied + denied)
        assert heard.count(b"HTTP/1.1 401 Unauthorized") == 2


async def test_at_the_windows_end_both_sides_get_a_close_and_the_client_a_reason() -> None:
    live = Live(OpenTerms(valid_until=SystemClock().now() + timedelta(seconds=0.5)))
    async with chat(live) as (front, sockets), connected(front) as socket:
        await socket.send_str("still open")
        assert await socket.receive_str() == "still open"
        message = await socket.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4503, "closed: window")
        await asyncio.sleep(0.05)
        assert sockets[0].close_code == 1001
        assert live.relayed[0].by == "window" and len(live.terms.closings) == 1


async def test_grace_is_given_after_the_decision_to_close() -> None:
    live = Live(OpenTerms(valid_until=SystemClock().now(), grace_s=0.6))
    async with chat(live) as (front, _), connected(front) as socket:
        await asyncio.sleep(0.3)
        await socket.send_str("in grace")
        assert await socket.receive_str() == "in grace"
        assert (await socket.receive(timeout=5)).data == 4503


async def test_new_terms_at_valid_until_let_it_go_on() -> None:
    longer = OpenTerms()
    live = Live(OpenTerms(valid_until=SystemClock().now() + timedelta(seconds=0.2), then=longer))
    async with chat(live) as (front, _):
        async with connected(front) as socket:
            await asyncio.sleep(0.5)
            await socket.send_str("longer")
            assert await socket.receive_str() == "longer"
        await asyncio.sleep(0.05)
        assert live.terms.closings == [] and len(longer.closings) == 1


async def test_a_close_falls_between_frames_though_a_large_one_is_on_its_way() -> None:
    async def pour(socket: web.WebSocketResponse) -> None:
        for _ in range(1000):
            await socket.send_bytes(b"y" * 300_000)

    live = Live(OpenTerms(budget_bytes=3 * 262_144))
    async with chat(live, pour) as (front, _), connected(front) as socket:
        received = []
        while (message := await socket.receive(timeout=5)).type is WSMsgType.BINARY:
            received.append(len(message.data))
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4503, "closed: allowance")
        assert received and set(received) == {300_000}
        await asyncio.sleep(0.05)
        assert live.relayed[0].by == "allowance"
        assert sum(down + up for down, up in live.terms.settled) <= 3 * 262_144


async def test_what_is_idle_ends() -> None:
    live = Live(idle_s=0.3)
    async with chat(live) as (front, _), connected(front) as socket:
        message = await socket.receive(timeout=5)
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        await asyncio.sleep(0.05)
        assert live.relayed[0].by == "idle"


async def test_a_client_that_vanishes_ends_the_origins_side() -> None:
    live = Live()
    async with chat(live) as (front, sockets):
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        async with asyncio.timeout(3):
            while not sockets[0].closed:
                await asyncio.sleep(0.02)
        assert len(live.terms.closings) == 1 and front.front.exchanges == 0


async def test_over_tls_it_is_the_same(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("lms.test")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    listener = Listener(
        name="tls",
        mode="reverse",
        host="127.0.0.1",
        port=0,
        tls_certificate=str(tmp_path / "cert.pem"),
        tls_key=str(tmp_path / "key.pem"),
    )
    live = Live(OpenTerms(valid_until=SystemClock().now() + timedelta(seconds=1)))
    async with chat(live, listener=listener) as (front, _), connected(front, tls=client) as socket:
        await socket.send_bytes(b"z" * 500_000)
        assert await socket.receive_bytes() == b"z" * 500_000
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4503)


class TestRefusing:
    async def refuse(self, _: Wire, inbound: Inbound) -> web.StreamResponse:
        return await refuse_socket(inbound.request, 4503, "opens at 18:00")

    async def test_the_client_gets_101_and_at_once_a_close_with_the_reason(self) -> None:
        async with (
            wire(catalogue_of(origin_of("http://127.0.0.1:1")), self.refuse) as front,
            connected(front, protocols=("a", "b")) as socket,
        ):
            assert socket.protocol == "a"
            message = await socket.receive(timeout=5)
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4503, "opens at 18:00")

    @pytest.mark.parametrize("key", ["", "short", "AAAA", "!" * 24])
    async def test_a_key_that_is_none_is_400(self, key: str) -> None:
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), self.refuse) as front:
            heard = await talk(front.port, HANDSHAKE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", key.encode()))
            assert heard.startswith(b"HTTP/1.1 400 ")

    def test_the_example_of_rfc_6455(self) -> None:
        assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_a_socket_is_a_get_of_http_1_1_without_a_body() -> None:
    seen: list[bool] = []

    async def note(_: Wire, inbound: Inbound) -> web.StreamResponse:
        seen.append(is_socket(inbound))
        return web.Response()

    async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), note) as front:
        for raw in (
            HANDSHAKE,
            HANDSHAKE.replace(b"websocket", b"WebSocket"),
            HANDSHAKE.replace(b"GET", b"POST"),
            HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
            HANDSHAKE.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
            HANDSHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx"),
        ):
            await talk(front.port, raw, quiet_s=0.1)
    assert seen == [True, True, False, False, False, False]
