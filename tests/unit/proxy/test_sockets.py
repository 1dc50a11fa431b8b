"""WebSockets through the whole pipeline: carried, refused in their own form, closed softly, asked for once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from tests.serving import NIGHT, NOON, Served, served

CHAT = "/mod/chat/socket"
SEVEN_IN_MOSCOW = NIGHT.replace(hour=4) + timedelta(days=1)  # the free hours end: 04:00 UTC


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=["chat"])
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def receipts(there: Served) -> list[dict[str, object]]:
    """What the access log holds; to be read after the process has ended."""
    lines = [line for file in sorted((there.state_dir / "log").iterdir()) for line in file.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


async def test_messages_pass_both_ways_and_leave_one_receipt(tmp_path: Path) -> None:
    async with (
        served(tmp_path, echo, now=NIGHT) as there,
        there.session.ws_connect(there.base_url + CHAT, protocols=["chat"]) as socket,
    ):
        await socket.send_str("привет")
        assert (await socket.receive()).data == "привет"
        await socket.send_bytes(bytes(300_000))
        assert len((await socket.receive()).data) == 300_000
        assert socket.protocol == "chat"
    (receipt,) = receipts(there)
    assert receipt["status"] == 101 and receipt["class"] == "consultation"


async def test_outside_its_window_a_socket_gets_503_that_a_script_can_read(tmp_path: Path) -> None:
    asked: list[str] = []

    async def origin(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await echo(request)

    async with served(tmp_path, origin, now=NOON) as there:
        reply = await there.get(CHAT, headers=HANDSHAKE)
    assert reply.status == 503 and int(reply.headers["Retry-After"]) >= 8 * 3600
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert json.loads(reply.body)["opens_at"] == "2026-11-24T20:00:00+00:00"
    assert asked == [] and len(receipts(there)) == 1


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}


async def test_a_socket_is_closed_softly_when_its_window_ends(tmp_path: Path) -> None:
    hours = "{when: free, close_grace: 1 s}"
    async with (
        served(tmp_path, echo, now=SEVEN_IN_MOSCOW - timedelta(seconds=2), consultations=hours) as there,
        there.session.ws_connect(there.base_url + CHAT) as socket,
    ):
        await socket.send_str("ещё открыто")
        assert (await socket.receive()).data == "ещё открыто"
        end = await socket.receive(timeout=20)
        assert end.type is WSMsgType.CLOSE and end.data == 4503
        assert end.extra and len(end.extra.encode()) <= 123
    assert len(receipts(there)) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_an_origin_that_declines_is_asked_once_and_its_answer_delivered(tmp_path: Path, status: int) -> None:
    asked: list[str] = []

    async def origin(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Upgrade", "none"))
        return web.Response(status=status, text="не сюда", headers={"X-Origin": "1"})

    async with served(tmp_path, origin, now=NIGHT) as there:
        reply = await there.get(CHAT, headers=HANDSHAKE)
    assert (reply.status, reply.body.decode(), reply.headers["X-Origin"]) == (status, "не сюда", "1")
    assert asked == ["websocket"]
    (receipt,) = receipts(there)
    assert receipt["status"] == status


async def test_an_origin_that_breaks_the_handshake_is_not_asked_again(tmp_path: Path) -> None:
    asked = 0

    async def origin(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += request.path != "/robots.txt"  # Tropa looks whether the link is there
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with served(tmp_path, origin, now=NIGHT) as there:
        reply = await there.get(CHAT, headers=HANDSHAKE)
    assert reply.status == 502 and json.loads(reply.body)["error"].startswith("upstream-")
    assert asked == 1 and len(receipts(there)) == 1


async def test_an_upgrade_that_is_no_handshake_goes_on_as_the_request_it_is(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{request.method} {request.headers.get('Upgrade')} {await request.text()}")

    async with served(tmp_path, origin, now=NIGHT) as there:
        reply = await there.get("/mod/forum/post.php", "POST", data=b"text", headers={"Upgrade": "websocket"})
    assert reply.body == b"POST None text"


async def test_under_another_name_the_origin_sees_its_own_in_host_and_origin(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    async def origin(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Host"], request.headers["Origin"]))
        return await echo(request)

    async with served(tmp_path, origin, now=NIGHT, origin_keys="rename: true") as there:
        async with there.session.ws_connect(there.base_url + CHAT, origin=there.base_url) as socket:
            await socket.send_str("a")
            assert (await socket.receive()).data == "a"
        upstream = f"127.0.0.1:{there.origin_port}"
    assert seen == [(upstream, f"http://{upstream}")]


async def test_where_the_preset_asks_for_it_a_refusal_is_a_close_after_the_handshake(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.StreamResponse:
        raise AssertionError("nobody is asked")

    more = "rules: [{path: /live/, class: consultation}]"
    async with (
        served(tmp_path, origin, now=NOON, preset="bigbluebutton", origin_keys=more) as there,
        there.session.ws_connect(there.base_url + "/live/ws", protocols=["a", "b"]) as socket,
    ):
        end = await socket.receive(timeout=10)
        assert (end.type, end.data, socket.protocol) == (WSMsgType.CLOSE, 4503, "a")
    (receipt,) = receipts(there)
    assert (receipt["verdict"], receipt["treatment"]) == ("defer", "deferred")


async def test_a_socket_ends_when_the_allowance_is_spent(tmp_path: Path) -> None:
    async with (
        served(tmp_path, echo, now=NOON, allowance="600 kB") as there,
        there.session.ws_connect(there.base_url + "/local/ws", max_msg_size=0) as socket,
    ):
        got = 0
        with pytest.raises((ConnectionError, asyncio.CancelledError, aiohttp.ClientError, StopAsyncIteration)):
            for _ in range(40):
                await socket.send_bytes(bytes(50_000))
                message = await socket.receive(timeout=10)
                if message.type is not WSMsgType.BINARY:
                    raise StopAsyncIteration
                got += len(message.data)
    assert 100_000 < got < 600_000
