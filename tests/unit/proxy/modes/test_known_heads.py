"""Heads that were read before: what is taken from memory is what llhttp would have made of it, or nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Limits
from proxy.exchange import Inbound
from proxy.modes.known_heads import KnownHeads
from tests.origins import raw_origin, talk
from tests.wire import Wire, catalogue_of, origin_of, wire

REST = b"Host: lms.test\r\nCookie: MoodleSession=anna\r\nAccept-Encoding: gzip\r\nX-Odd: \xe9\r\n\r\n"
URL_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F))


def read(data: bytes) -> RawRequestMessage:
    loop = asyncio.new_event_loop()
    try:
        messages, _, _ = HttpRequestParser(BaseProtocol(loop), loop, 65536).feed_data(data)
    finally:
        loop.close()
    ((message, _),) = messages
    return message


def knowing(data: bytes) -> KnownHeads:
    heads = KnownHeads()
    heads.keep(data, read(data))
    return heads


def parts(message: RawRequestMessage) -> tuple[object, ...]:
    fields = tuple(message.headers.items()), message.raw_headers
    return message.method, message.path, message.version, fields, message.should_close, message.upgrade, message.chunked


@given(st.text(URL_CHARACTERS, max_size=40), st.sampled_from(["GET", "HEAD"]))
def test_what_is_remembered_is_what_the_parser_makes_of_it(path: str, method: str) -> None:
    data = f"{method} /{path} HTTP/1.1\r\n".encode() + REST
    found = knowing(b"GET /first HTTP/1.1\r\n" + REST).find(data)
    if found is not None:
        assert parts(found[0]) == parts(read(data))


def test_a_plain_target_is_found() -> None:
    heads = knowing(b"GET / HTTP/1.1\r\n" + REST)
    assert heads.find(b"GET /mod/page/view.php?id=1&x=%D0%B0 HTTP/1.1\r\n" + REST) is not None


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a#b HTTP/1.1",
        b"GET //evil.test/ HTTP/1.1",
        b"GET http://lms.test/ HTTP/1.1",
        b"GET /\\a HTTP/1.1",
        b"GET /a HTTP/1.0",
        b"POST /a HTTP/1.1",
        b"GET  /a HTTP/1.1",
        b"GET /\xd0\xb0 HTTP/1.1",
        b"GET /a\nX: y HTTP/1.1",
        b"",
    ],
)
def test_an_odd_request_line_goes_the_ordinary_way(line: bytes) -> None:
    assert knowing(b"GET / HTTP/1.1\r\n" + REST).find(line + b"\r\n" + REST) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" + REST + REST,
        b"GET / HTTP/1.1\r\n" + REST[:-1],
        b"GET / HTTP/1.1\r\n" + REST.replace(b"anna", b"Anna"),
        b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\n" + REST,
        REST,
        b"\r\n\r\n",
        b"",
    ],
)
def test_anything_else_is_not_found(data: bytes) -> None:
    assert knowing(b"GET / HTTP/1.1\r\n" + REST).find(data) is None


@pytest.mark.parametrize("field", [b"Content-Length: 0", b"Expect: 100-continue", b"Upgrade: h2c"])
def test_a_head_that_may_bring_more_is_not_remembered(field: bytes) -> None:
    data = b"GET / HTTP/1.1\r\nHost: lms.test\r\n" + field + b"\r\n\r\n"
    assert knowing(data).find(data) is None


async def told(_: Wire, inbound: Inbound) -> web.StreamResponse:
    cookie = inbound.request.headers.get("Cookie", "-")
    body = await inbound.request.read() if inbound.request.body_exists else b""
    return web.Response(text=f"[{inbound.request.method} {inbound.target} {cookie} {body.decode()}]")


async def test_requests_of_two_learners_known_and_new_get_each_their_own() -> None:
    async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url)), told) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", front.port)
        for number in range(3):
            for name, its_reader, its_writer in (("a", reader, writer), ("b", other_reader, other_writer)):
                head = f"GET /{number} HTTP/1.1\r\nHost: lms.test\r\nCookie: {name}\r\n\r\n"
                its_writer.write(head.encode())
                assert f"[GET /{number} {name} ]".encode() in await its_reader.readuntil(b"]")
        writer.close()
        other_writer.close()


async def test_a_connection_goes_on_through_bodies_cuts_and_several_at_once() -> None:
    get = b"GET /g HTTP/1.1\r\nHost: lms.test\r\n\r\n"
    post = b"POST /p HTTP/1.1\r\nHost: lms.test\r\nContent-Length: 3\r\n\r\n"
    pieces = [
        ([get], 1), ([get], 1), ([get[:20], get[20:]], 1), ([get], 1), ([get + get], 2),
        ([post, b"abc"], 1), ([get], 1), ([post + b"abc" + get], 2), ([get], 1),
    ]  # fmt: skip
    async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url)), told) as front:
        await talk(front.port, get)  # known from another connection
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        for sent, answers in pieces:
            for piece in sent:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            heard = b"".join([await reader.readuntil(b"]") for _ in range(answers)])
            assert heard.count(b"[GET /g - ]") + heard.count(b"[POST /p - abc]") == answers
        writer.close()


@pytest.mark.parametrize("limit_bytes", [1024, 8192])
async def test_a_known_head_with_too_long_a_target_is_refused_as_ever(limit_bytes: int) -> None:
    limits = Limits(max_header_bytes=limit_bytes)
    async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url), limits=limits), told) as front:
        head = b"Host: lms.test\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        for _ in range(2):
            writer.write(b"GET /a HTTP/1.1\r\n" + head)
            assert (await reader.readuntil(b"]")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /" + b"a" * (limit_bytes - 10) + b" HTTP/1.1\r\n" + head)
        assert b" 431 " in await reader.readline()
        writer.close()
