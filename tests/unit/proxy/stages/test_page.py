"""Pages on their way through: whole whatever happens, in their own charset, with the frames that they name."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from policies.decision import RewritePage
from policies.facts import ResponseFacts
from policies.model import EmbedHost
from policies.treatments import Action, PageTreatment, Treatments, VideoTreatment
from proxy.stages.context import Exchange, Fetched
from proxy.stages.page import Dressing, frame_policy, names_players, page_answer
from tests.builders import a_catalogue, an_origin
from tests.exchanges import an_exchange
from tests.origins import talk
from tests.serving import served

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
VIDEO = '<video src="/film.mp4" title="Лекция"></video>'


def a_page(inside: str, head: str = "<meta charset=utf-8>") -> str:
    return f"<!DOCTYPE html><html><head>{head}<title>Урок</title></head><body>{inside}</body></html>"


def sending(body: bytes, content_type: str = "text/html; charset=utf-8", **headers: str):  # type: ignore[no-untyped-def]
    async def origin(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": content_type} | headers)

    return origin


# -- frames --------------------------------------------------------------------------------------------------------


def policy_of(html: str, *, exchange: Exchange | None = None) -> str:
    policy = frame_policy(exchange or an_exchange(), html.encode())
    assert policy is not None and policy.startswith("frame-src ")
    return policy


@pytest.mark.parametrize(
    "frame",
    [
        '<iframe src="https://tool.example/launch?a=1&amp;b=2">',
        "<iframe class=x src='https://tool.example/launch'>",
        "<IFRAME width=1 SRC = https://tool.example/launch>",
        '<iframe src="//tool.example/launch">',
        '<iframe\n title="a"src="HTTPS://Tool.Example/launch">',
        '<frame src="https://tool.example">',
        '<iframe src=" https://tool.example?x ">',
    ],
)
def test_a_tools_frame_that_the_page_names_stays_allowed(frame: str) -> None:
    assert "https://tool.example" in policy_of(a_page(frame)).split()


def test_the_site_and_our_origins_are_always_allowed() -> None:
    catalogue = a_catalogue(origins=(an_origin(), an_origin("room", hosts=("room.example.org",))))
    words = policy_of(a_page(""), exchange=an_exchange(catalogue=catalogue)).split()
    assert {"'self'", "data:", "blob:", "lms.example.org", "room.example.org"} <= set(words)


def test_what_she_took_as_original_is_allowed() -> None:
    exchange = an_exchange(granted=frozenset({"https://video.example/embed/1"}))
    assert "https://video.example" in policy_of(a_page(""), exchange=exchange).split()


@pytest.mark.parametrize(
    "source", ["https://a.example;script-src *", "https://a.example 'unsafe-inline'", "https://a,b", "http://[::1"]
)
def test_no_frame_writes_into_the_policy(source: str) -> None:
    policy = policy_of(a_page(f'<iframe src="{source}"></iframe>'))
    assert "script-src" not in policy and "unsafe" not in policy and "," not in policy and "[" not in policy


@pytest.mark.parametrize("source", ["/mod/lti/launch.php?id=1", "launch.php", "https://lms.example.org/x"])
def test_a_frame_of_the_sites_own_may_lead_anywhere_so_nothing_is_forbidden(source: str) -> None:
    assert frame_policy(an_exchange(), a_page(f'<iframe src="{source}"></iframe>').encode()) is None


@pytest.mark.parametrize("source", ["", "about:blank", "javascript:void 0", "data:text/html,x", "blob:x"])
def test_a_frame_without_an_address_lifts_nothing(source: str) -> None:
    assert "'self'" in policy_of(a_page(f'<iframe src="{source}"></iframe>'))


async def test_frames_are_found_in_a_coded_page_and_the_origins_own_policy_stays(tmp_path: Path) -> None:
    html = a_page(
        '<iframe src="https://tool.example/x"></iframe><iframe src="https://rutube.ru/play/embed/1/"></iframe>'
    )
    origin = sending(
        gzip.compress(html.encode()), **{"Content-Encoding": "gzip", "Content-Security-Policy": "img-src *"}
    )
    async with served(tmp_path, origin) as there:
        reply = await there.get("/a", headers=BROWSER | {"Accept-Encoding": "gzip"})
    policies = reply.headers.getall("Content-Security-Policy")
    assert policies[0] == "img-src *" and len(policies) == 2
    assert "https://tool.example" in policies[1] and "rutube" not in policies[1]
    assert b"tropa-card" in gzip.decompress(reply.body)


YOUTUBE = EmbedHost(name="youtube", pattern=re.compile("youtube"), csp_hosts=("*.youtube.com", "youtu.be"))


@pytest.mark.parametrize(
    "hint",
    [
        '<div data-plugin="YouTube" data-id="x">',
        '<a href="https://youtu.be/x">',
        "<script>go('www.youtube.com')</script>",
    ],
)
def test_a_page_that_speaks_of_a_withheld_host_may_make_its_player(hint: str) -> None:
    assert names_players(a_page(hint).encode(), (YOUTUBE,))


def test_a_page_with_a_map_or_a_puzzle_made_by_a_script_is_left_alone() -> None:
    page = a_page("<div id=map></div><script src='https://api-maps.example/2.1/'></script><div class=captcha></div>")
    assert not names_players(page.encode(), (YOUTUBE,))
    assert not names_players(a_page("youtube").encode(), ())


async def test_a_page_whose_frames_are_not_all_seen_yet_forbids_none(tmp_path: Path) -> None:
    html = a_page("<p>текст</p>" * 20_000 + '<iframe src="https://tool.example/x"></iframe>')
    async with served(tmp_path, sending(html.encode())) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert b"https://tool.example/x" in reply.body and "Content-Security-Policy" not in reply.headers


# -- charsets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "head"),
    [
        ("text/html; charset=windows-1251", ""),
        ('text/html; Charset="Windows-1251"', '<meta charset="windows-1251">'),
        ("text/html", '<meta charset="windows-1251">'),
        ("text/html", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">'),
    ],
)
async def test_cards_are_written_in_the_pages_own_charset(tmp_path: Path, content_type: str, head: str) -> None:
    body = a_page("<p>Здравствуйте</p>" + VIDEO, head).encode("cp1251")
    async with served(tmp_path, sending(body, content_type)) as there:
        reply = await there.get("/a", headers=BROWSER)
    text = reply.body.decode("cp1251")
    assert "<p>Здравствуйте</p>" in text and "tropa-card" in text and "Лекция" in text


async def test_a_page_in_a_charset_that_is_not_of_bytes_passes(tmp_path: Path) -> None:
    body = a_page(VIDEO, "").encode("utf-16")
    async with served(tmp_path, sending(body, "text/html; charset=utf-16")) as there:
        assert (await there.get("/a", headers=BROWSER)).body == body


@pytest.mark.parametrize("charset", ["x-unknown", "rot13", "idna", "", "utf-8\\x00"])
async def test_a_charset_that_nobody_knows_costs_no_page(tmp_path: Path, charset: str) -> None:
    body = a_page("<p>text</p>", "").encode()
    async with served(tmp_path, sending(body, f"text/html; charset={charset}")) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 200 and b"<p>text</p>" in reply.body


# -- what breaks ---------------------------------------------------------------------------------------------------


async def test_a_page_that_is_cut_on_its_way_never_looks_whole(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"})
        await response.prepare(request)
        await response.write(a_page("<p>слово</p>" * 10_000).encode()[:-100])
        await asyncio.sleep(0.3)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with served(tmp_path, origin) as there:
        with pytest.raises(aiohttp.ClientPayloadError):
            await there.get("/a", headers=BROWSER)
        heard = await talk(
            int(there.base_url.rpartition(":")[2]),
            b"GET /a HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
            quiet_s=3,
        )
    assert "слово".encode() in heard and not heard.endswith(b"0\r\n\r\n")


async def test_a_coded_page_whose_end_is_missing_never_looks_whole(tmp_path: Path) -> None:
    whole = zlib.compress(a_page("<p>слово</p>" * 3000).encode())
    async with served(tmp_path, sending(whole[:-8], **{"Content-Encoding": "deflate"})) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 502


async def test_a_page_without_its_end_tags_gets_through(tmp_path: Path) -> None:
    body = "<!DOCTYPE html><title>x</title><p>текст<div><table><tr><td>дальше <a href='x".encode()
    async with served(tmp_path, sending(body)) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 200 and "текст<div><table><tr><td>дальше".encode() in reply.body


@pytest.mark.parametrize("href", ["http://[::1/film.mp4", "http://a:b:c/film.mp4", "//[/x.pdf", "\x00.mp4"])
async def test_a_link_that_is_none_costs_no_page(tmp_path: Path, href: str) -> None:
    body = a_page(f'<a href="{href}">x</a><iframe src="{href}"></iframe><video src="{href}"></video>').encode()
    async with served(tmp_path, sending(body)) as there:
        reply = await there.get("/a", headers=BROWSER)
    assert reply.status == 200 and reply.body.rstrip().endswith(b"</html>")


PLAN = RewritePage(
    page=PageTreatment(action=Action.ADAPT), treatments=Treatments(embed=VideoTreatment(action=Action.CARD))
)


def fetched_page(body: bytes) -> tuple[Fetched, Exchange]:
    facts = ResponseFacts(status=200, content_type="text/html", length_bytes=len(body))
    upstream = _Head()
    head = CIMultiDict({"Content-Type": "text/html"})
    return Fetched(upstream=upstream, headers=head, facts=facts, prefix=body, complete=True), an_exchange()  # type: ignore[arg-type]


class _Head:
    """The little of a response that a whole page needs."""

    reason = "OK"


async def test_whatever_fails_in_dressing_a_page_it_passes_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    body = a_page(VIDEO).encode()
    fetched, exchange = fetched_page(body)

    def broken(charset: str) -> Dressing:
        raise KeyError("a template")

    answer = await page_answer(exchange, fetched, PLAN, broken, lambda url: None)
    assert (answer.status, answer.body) == (200, body)
    assert "passes without its cards" in caplog.text


async def test_a_foot_or_card_that_fails_takes_nothing_else_along() -> None:
    body = a_page(VIDEO).encode()
    fetched, exchange = fetched_page(body)

    def broken(*_: object) -> bytes:
        raise RuntimeError("no")

    def dressing(charset: str) -> Dressing:
        return Dressing(head=b"", foot=broken, render_card=broken, size_label=str)

    answer = await page_answer(exchange, fetched, PLAN, dressing, broken)  # type: ignore[arg-type]
    assert isinstance(answer.body, bytes) and answer.body.endswith(b"</body></html>")


async def test_a_head_of_a_page_promises_no_length_of_the_origins(tmp_path: Path) -> None:
    async with served(tmp_path, sending(a_page(VIDEO).encode(), ETag='"1"')) as there:
        reply = await there.get("/a", "HEAD", headers=BROWSER)
    assert reply.status == 200 and not reply.body
    assert "ETag" not in reply.headers and "Content-Length" not in reply.headers
