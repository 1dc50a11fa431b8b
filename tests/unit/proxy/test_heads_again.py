"""What a known head becomes for its origin is kept beside it, and is still each request's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from tests.serving import served


class Origin:
    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.heads.append(dict(request.headers))
        return web.Response(text="x", headers={"Cache-Control": "no-store"})


async def asked(port: int, source: str, *targets: str, head: str = "") -> None:
    """Over one connection from an address of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    for target in targets:
        writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
        told = await reader.readuntil(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 200"), told
        await reader.readexactly(1)
    writer.close()


async def test_equal_heads_from_two_addresses_tell_the_origin_two_addresses(tmp_path: Path) -> None:
    origin = Origin()
    async with served(tmp_path, origin, origin_keys="learner_address: x-forwarded-for") as there:
        port = there.tropa.ports["front"]
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"):
            await asked(port, source, "/a", "/b")
    assert [head["X-Forwarded-For"] for head in origin.heads] == (["127.0.0.1"] * 2 + ["127.0.0.2"] * 2) * 2


async def test_what_one_exchange_changed_in_its_head_is_in_no_other(tmp_path: Path) -> None:
    origin = Origin()
    async with served(tmp_path, origin) as there:
        port, tag = there.tropa.ports["front"], 'If-None-Match: "t1.0123456789abcdef01.ZSJ4Ig"\r\n'
        await asked(port, "127.0.0.1", "/a", "/b", "/a", head=tag)
        await asked(port, "127.0.0.1", "/a.jpg", "/x", "/a.jpg", head="Range: bytes=0-\r\nSec-Fetch-Dest: empty\r\n")
    assert not any("If-None-Match" in head for head in origin.heads[:3])
    assert ["Range" in head for head in origin.heads[3:]] == [False, True, False]
