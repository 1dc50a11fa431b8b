"""Asking how big the heavy things are that a page names."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.serving import Handler, served

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "en"}
PAGE = '<!DOCTYPE html><html><head><title>x</title></head><body><a href="{}">book</a></body></html>'


class Site:
    """Pages that name a file, and the HEADs that it was asked for."""

    def __init__(self, link: str = "/book.pdf", *, head: Handler | None = None) -> None:
        self.link, self.heads, self._head = link, [], head

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            self.heads.append(request)
            return await self._head(request) if self._head else web.Response(headers={"Content-Length": "18000000"})
        return web.Response(text=PAGE.format(self.link), content_type="text/html")


async def test_a_page_says_how_big_a_file_is_before_the_tap(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site) as there:
        reply = await there.get("/a?x=1", headers=BROWSER | {"Cookie": "MoodleSession=hers"})
    assert "18" in reply.body.decode().partition("book</a>")[2]
    (head,) = site.heads
    assert head.path == "/book.pdf" and head.headers["Cookie"] == "MoodleSession=hers"


async def test_what_is_known_is_not_asked_again(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site) as there:
        for _ in range(3):
            await there.get("/a", headers=BROWSER)
    assert len(site.heads) == 1


async def test_no_page_waits_for_a_slow_answer_and_the_next_visit_has_it(tmp_path: Path) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.6)
        return web.Response(headers={"Content-Length": "18000000"})

    loop = asyncio.get_running_loop()
    async with served(tmp_path, Site(head=slow)) as there:
        await there.get("/warm.txt", headers=BROWSER)
        started_s = loop.time()
        first = await there.get("/a", headers=BROWSER)
        assert loop.time() - started_s < 0.5
        await asyncio.sleep(0.8)
        second = await there.get("/a", headers=BROWSER)
    assert "18" not in first.body.decode().partition("book</a>")[2]
    assert "18" in second.body.decode().partition("book</a>")[2]


@pytest.mark.parametrize(
    "link",
    [
        "/login/logout.php?sesskey=a&amp;to=x.pdf",
        "/mod/url/view.php/x.pdf?id=7",
        "/mod/choice/view.php?id=7&amp;x=.mp4",
        "/course/Confirm.aspx/x.zip",
    ],
)
async def test_nothing_is_asked_in_her_name_that_could_be_an_act_of_hers(tmp_path: Path, link: str) -> None:
    site = Site(link)
    async with served(tmp_path, site) as there:
        assert (await there.get("/a", headers=BROWSER)).status == 200
    assert site.heads == []


@pytest.mark.parametrize(
    "link", ["/pluginfile.php/7/mod_resource/content/1/book.pdf", "/files/book.pdf?forcedownload=1", "/a.do.pdf"]
)
async def test_files_are_asked_for_as_sites_give_them(tmp_path: Path, link: str) -> None:
    site = Site(link)
    async with served(tmp_path, site) as there:
        await there.get("/a", headers=BROWSER)
    assert [head.path_qs for head in site.heads] == [link]


@pytest.mark.parametrize("link", ["https://other.example/book.pdf", "//other.example/book.pdf", "http://[::1/book.pdf"])
async def test_other_sites_are_not_asked(tmp_path: Path, link: str) -> None:
    site = Site(link)
    async with served(tmp_path, site) as there:
        assert (await there.get("/a", headers=BROWSER)).status == 200
    assert site.heads == []


async def test_where_the_uplink_is_what_costs_nobody_is_asked(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site, region="costly_hop: site_uplink", tropa="place: school") as there:
        assert (await there.get("/a", headers=BROWSER)).status == 200
    assert site.heads == []


@pytest.mark.parametrize("status", [403, 404, 405, 302, 500])
async def test_a_refusal_is_no_size(tmp_path: Path, status: int) -> None:
    async def refused(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Content-Length": "123"})

    async with served(tmp_path, Site(head=refused)) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 200 and "123" not in reply.body.decode().partition("book</a>")[2]


async def test_an_origin_that_breaks_every_head_costs_no_page(tmp_path: Path) -> None:
    async def broken(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with served(tmp_path, Site(head=broken)) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 200 and b"book</a>" in reply.body


async def test_no_page_makes_more_than_a_dozen_questions(tmp_path: Path) -> None:
    site = Site('x.pdf">' + "".join(f'<a href="/b{n}.pdf">' for n in range(60)))
    async with served(tmp_path, site) as there:
        await there.get("/a", headers=BROWSER)
    assert 1 <= len(site.heads) <= 12


async def test_conditions_and_ranges_of_the_page_are_not_the_files(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site) as there:
        await there.get("/a", headers=BROWSER | {"If-None-Match": '"x"', "If-Modified-Since": "x", "Range": "bytes=0-"})
    assert len(site.heads) == 1
    assert not {"If-None-Match", "If-Modified-Since", "Range"} & set(site.heads[0].headers)
