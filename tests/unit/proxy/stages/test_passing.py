"""What passes: the origin's bytes, at most coded for the way."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import brotli
import pytest
from aiohttp import web

from tests.serving import NIGHT, served

TEXT = "строка данных, которая повторяется; ".encode() * 400
ASKS = {"Accept-Encoding": "gzip, br", "Sec-Fetch-Dest": "empty"}


def sending(body: bytes = TEXT, content_type: str = "application/json", status: int = 200, **headers: str):  # type: ignore[no-untyped-def]
    async def origin(request: web.Request) -> web.Response:
        head = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers={"Content-Type": content_type} | head)

    return origin


async def test_an_uncoded_text_is_coded_and_says_so(tmp_path: Path) -> None:
    async with served(tmp_path, sending(ETag='"v1"', Accept_Ranges="bytes", Digest="sha-256=x")) as there:
        reply = await there.get("/data", headers=ASKS)
    head = reply.headers
    assert brotli.decompress(reply.body) == TEXT and len(reply.body) < len(TEXT) / 10
    assert (head["Content-Encoding"], head["ETag"], head["Content-Length"]) == ("br", 'W/"v1"', str(len(reply.body)))
    assert "Accept-Encoding" in head["Vary"] and not {"Accept-Ranges", "Digest"} & set(head)


@pytest.mark.parametrize(
    "origin",
    [
        sending(gzip.compress(TEXT), Content_Encoding="gzip"),
        sending(TEXT, Content_Encoding="x-unheard-of"),
        sending(b"short"),
        sending(TEXT, "application/octet-stream"),
        sending(TEXT, "application/pdf", Content_Disposition="attachment"),
        sending(TEXT, status=404),
        sending(TEXT, status=206, Content_Range="bytes 0-9/20"),
    ],
    ids=["coded", "unknown coding", "short", "bytes", "download", "error", "part"],
)
async def test_what_is_no_whole_uncoded_text_goes_out_byte_for_byte(tmp_path: Path, origin) -> None:  # type: ignore[no-untyped-def]
    async with served(tmp_path, origin) as there:
        direct = await there.session.get(f"http://127.0.0.1:{there.origin_port}/data", headers=ASKS)
        expected = await direct.read()
        reply = await there.get("/data", headers=ASKS)
    assert reply.body == expected
    for name in ("Content-Encoding", "Content-Length", "Content-Range", "ETag", "Content-Type"):
        assert reply.headers.get(name) == direct.headers.get(name), name


async def test_no_transform_that_is_honoured_forbids_coding_too(tmp_path: Path) -> None:
    keys = "no_transform: honour"
    async with served(tmp_path, sending(Cache_Control="no-transform"), origin_keys=keys) as there:
        reply = await there.get("/data", headers=ASKS)
    assert reply.body == TEXT and "Content-Encoding" not in reply.headers


async def test_a_client_that_decodes_nothing_gets_nothing_coded(tmp_path: Path) -> None:
    async with served(tmp_path, sending()) as there:
        assert (await there.get("/data", headers={"Accept-Encoding": "identity"})).body == TEXT


async def test_events_arrive_as_they_happen(tmp_path: Path) -> None:
    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for n in range(3):
            await response.write(b"data: %d\n\n" % n)
            await asyncio.sleep(0.5)
        return response

    async with served(tmp_path, events) as there:
        loop = asyncio.get_running_loop()
        async with there.session.get(there.base_url + "/events", headers=ASKS) as reply:
            assert "Content-Encoding" not in reply.headers
            started_s = loop.time()
            assert await reply.content.readany() == b"data: 0\n\n"
            assert loop.time() - started_s < 0.4


async def test_a_text_that_comes_slowly_is_readable_as_it_comes(tmp_path: Path) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(TEXT)
        await asyncio.sleep(1)
        await response.write(TEXT)
        return response

    async with served(tmp_path, slow) as there, there.session.get(there.base_url + "/data", headers=ASKS) as reply:
        decoder = brotli.Decompressor()
        first = decoder.process(await reply.content.readany())
        assert first and TEXT.startswith(first)
        rest = decoder.process(await reply.content.read())
    assert first + rest == TEXT * 2


async def test_a_range_of_what_passes_is_the_origins(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.Response:
        assert request.headers["Range"] == "bytes=10-19" and request.headers["If-Range"] == '"v1"'
        head = {"Content-Range": f"bytes 10-19/{len(TEXT)}", "ETag": '"v1"'}
        return web.Response(status=206, body=TEXT[10:20], content_type="application/zip", headers=head)

    async with served(tmp_path, origin, now=NIGHT) as there:
        reply = await there.get("/a.zip", headers={"Range": "bytes=10-19", "If-Range": '"v1"'})
    assert (reply.status, reply.body, reply.headers["ETag"]) == (206, TEXT[10:20], '"v1"')
