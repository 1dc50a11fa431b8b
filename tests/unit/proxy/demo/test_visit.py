"""A visit counts what a browser would fetch, and nothing else."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from proxy.demo.visit import Cost, Visitor

PAGE = """<!DOCTYPE html><html><head><link rel="stylesheet" href="/a.css">
<link rel="preload" as="font" href="/f.woff2"><link rel="icon" href="/icon"><script src="/a.js"></script>
<script>inline</script></head><body><img src="/p.jpg?a=1&amp;b=2" alt=""><img src="p.jpg"><img src="p.jpg">
<img src="data:image/gif;base64,AAAA"><img src="https://other.example/x.png"><img data-src="/lazy.jpg">
<video><source src="/film.mp4"></video><video src="/short.mp4"></video><a href="/elsewhere">x</a></body></html>"""


class Site:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.coding, self.base_url = "", ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, request.headers["Sec-Fetch-Dest"]))
        if request.path.endswith("/page"):
            if self.coding:
                return web.Response(body=gzip.compress(PAGE.encode()), headers={"Content-Encoding": self.coding})
            return web.Response(text=PAGE)
        return web.Response(body=bytes(1000))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def visited(site: Site) -> Cost:
    visitor = Visitor(site.base_url)
    try:
        return await visitor.visit("/mod/page")
    finally:
        await visitor.close()


async def test_it_fetches_what_the_page_names_on_its_own_site_once_each(site: Site) -> None:
    cost = await visited(site)
    assert sorted(site.asked) == [
        ("/a.css", "style"),
        ("/a.js", "script"),
        ("/f.woff2", "font"),
        ("/film.mp4", "video"),
        ("/mod/p.jpg", "image"),
        ("/mod/page", "document"),
        ("/p.jpg?a=1&b=2", "image"),
        ("/short.mp4", "video"),
    ]
    assert cost.requests == 8
    bodies = len(PAGE.encode()) + 7 * 1000
    assert bodies < cost.received_bytes < bodies + 8 * 400  # the rest is heads


async def test_a_coded_page_costs_its_coded_bytes_and_is_read_all_the_same(site: Site) -> None:
    plain = await visited(site)
    site.coding = "gzip"
    coded = await visited(site)
    assert coded.requests == plain.requests
    saved = len(PAGE.encode()) - len(gzip.compress(PAGE.encode()))
    assert abs(plain.received_bytes - coded.received_bytes - saved) < 60


async def test_a_page_in_a_coding_that_it_can_not_read_costs_itself_alone(site: Site) -> None:
    site.coding = "br"
    assert (await visited(site)).requests == 1


def test_costs_add_up() -> None:
    assert Cost(1, 10) + Cost(2, 5) == Cost(3, 15)
