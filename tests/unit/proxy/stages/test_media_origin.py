"""Asking the origin for a media file in a learner's own name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from proxy.errors import ExchangeError
from proxy.stages.context import Exchange
from proxy.stages.media_origin import Look, MediaOrigin, is_same_site
from proxy.upstream.upstream import Upstream
from tests.builders import a_catalogue, an_origin
from tests.exchanges import an_exchange
from tests.inbounds import an_inbound
from tests.media_samples import film

BODY = bytes(range(256)) * 400
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asking(
    handler: Handler, **headers: str
) -> AsyncIterator[tuple[MediaOrigin, Exchange, list[web.BaseRequest]]]:
    asked: list[web.BaseRequest] = []

    async def noted(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        return await handler(request)  # type: ignore[arg-type]

    runner = web.ServerRunner(web.Server(noted))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    lms = replace(an_origin(), upstream=f"http://127.0.0.1:{port}", allow_private=True)
    catalogue = a_catalogue(origins=(lms,))
    inbound = an_inbound("/.tropa/media/x/", origin=lms, **headers)
    upstream = Upstream(lambda: catalogue)
    try:
        yield MediaOrigin(upstream, via="1.1 t"), an_exchange(inbound, catalogue=catalogue), asked
    finally:
        await upstream.close()
        await runner.cleanup()


def url_of(exchange: Exchange, path: str = "/f/film%2Fa.mp4?x=1") -> str:
    return f"{exchange.inbound.scheme}://{exchange.inbound.authority}{path}"


async def look(handler: Handler, **headers: str) -> tuple[Look, list[web.BaseRequest]]:
    async with asking(handler, **headers) as (origin, exchange, asked):
        found = await origin.look(exchange, url_of(exchange), page_url="https://lms.example.org/mod/page/view.php?id=7")
    return found, asked


def ranged(body: bytes, content_type: str = "video/mp4", **headers: str) -> Handler:
    async def handler(request: web.BaseRequest) -> web.Response:
        span = request.http_range
        head = {"ETag": '"0123abc"', **headers}
        if span.start is None and span.stop is None:
            return web.Response(body=body, content_type=content_type, headers=head)
        part = body[span]
        start = span.start if span.start >= 0 else len(body) + span.start
        head["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return web.Response(status=206, body=part, content_type=content_type, headers=head)

    return handler  # type: ignore[return-value]


async def test_a_look_costs_the_first_bytes_and_tells_what_the_source_is() -> None:
    film_bytes = film().read_bytes()
    found, asked = await look(ranged(film_bytes))
    assert found.ref is not None and found.ref.length_bytes == len(film_bytes) and found.ref.etag == '"0123abc"'
    assert found.content_type == "video/mp4" and found.duration_s is not None
    assert asked[0].headers["Range"] == "bytes=0-65535"
    assert asked[0].path_qs == "/f/film%2Fa.mp4?x=1"  # as received


async def test_the_request_is_hers_and_not_her_players() -> None:
    _, asked = await look(
        ranged(BODY),
        Cookie="s=1; tropa=x",
        Authorization="Bearer a",
        Range="bytes=5-",
        If_None_Match='"z"',
        Referer="y",
    )
    headers = asked[0].headers
    assert headers["Cookie"] == "s=1" and headers["Authorization"] == "Bearer a"
    assert headers["Range"] == "bytes=0-65535" and "If-None-Match" not in headers
    assert headers["Referer"] == "https://lms.example.org/mod/page/view.php?id=7"


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500])
async def test_what_the_origin_refuses_her_is_no_source(status: int) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    found, _ = await look(handler)  # type: ignore[arg-type]
    assert found == Look(status=status)


async def test_a_login_page_in_the_films_place_is_no_source() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text="<form>", content_type="text/html")

    found, _ = await look(handler)  # type: ignore[arg-type]
    assert found.ref is None


@pytest.mark.parametrize(
    ("cache", "headers", "private"),
    [("public, max-age=9", {}, False), ("private, max-age=9", {}, True), ("", {"Authorization": "Bearer a"}, True)],
)
async def test_what_is_one_learners_own_is_told_by_the_origin(
    cache: str, headers: dict[str, str], private: bool
) -> None:
    found, _ = await look(ranged(BODY, **({"Cache-Control": cache} if cache else {})), **headers)
    assert found.ref is not None and found.ref.private is private


async def test_a_fetch_streams_the_whole_and_goes_on_from_an_offset() -> None:
    async with asking(ranged(BODY)) as (origin, exchange, asked):
        fetch = origin.fetcher(exchange, url_of(exchange))
        async with fetch(0, '"0123abc"', None) as whole:
            assert whole.status == 200 and b"".join([chunk async for chunk in whole.chunks]) == BODY
        async with fetch(1000, '"0123abc"', None) as rest:
            assert rest.status == 206 and rest.headers["content-range"].startswith("bytes 1000-")
            assert b"".join([chunk async for chunk in rest.chunks]) == BODY[1000:]
        async with fetch(0, '"0123abc"', 500) as tail:
            assert b"".join([chunk async for chunk in tail.chunks]) == BODY[-500:]
    assert [request.headers.get("If-Range") for request in asked] == [None, '"0123abc"', '"0123abc"']


async def test_a_body_that_ends_early_raises() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    async with (
        asking(handler) as (origin, exchange, _),  # type: ignore[arg-type]
        origin.fetcher(exchange, url_of(exchange))(0, None, None) as whole,
    ):
        with pytest.raises(ExchangeError):
            _ = [chunk async for chunk in whole.chunks]


def test_nothing_but_the_site_itself_is_asked_in_her_name() -> None:
    exchange = an_exchange()
    assert is_same_site(exchange, "https://lms.example.org/a.mp4")
    for url in ("https://lms.example.org.evil.example/a", "http://lms.example.org/a", "https://lms.example.org:444/a"):
        assert not is_same_site(exchange, url)
