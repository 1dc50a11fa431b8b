"""A site's shell before a learner asks, and style sheets after the text: who gets what, and on whose account."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path

import brotli
import pytest
from aiohttp import web

from proxy.shell import shell_links
from tests.serving import Served, served

SHEET, SCRIPT = "/theme/styles.php/boost/17/all", "/lib/javascript.php/17/lib/first.js"
CSS = b".card{color:#222}p{margin:0}" + b"".join(b".nowhere-%d{color:#%06x}" % (n, n * 7919) for n in range(2000))
JS = b"".join(b"function f%d(a){return a*%d}\n" % (n, n * 31) for n in range(3000))
PAGE = (
    '<!DOCTYPE html><html><head><meta charset=utf-8><title>Урок</title><link rel="stylesheet" href="{sheet}">'
    '</head><body><p class="card">Текст урока.</p><script src="{script}"></script></body></html>'
)
READS = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Accept-Encoding": "br"}
STYLED = {"Accept": "text/css", "Sec-Fetch-Dest": "style", "Accept-Encoding": "br"}
FOREVER = "public, max-age=31536000, immutable"


@dataclass
class Site:
    """An LMS of one page. asked: what it was asked for, and with which cookies."""

    cache: str = FOREVER
    csp: str = ""
    etag: str = '"v17"'
    sheet: str = SHEET
    before: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Cookie", "")))
        if request.path in (self.sheet, SCRIPT):
            head = {"ETag": self.etag, "Cache-Control": self.cache}
            if request.headers.get("If-None-Match") == self.etag:
                return web.Response(status=304, headers=head)
            is_sheet = request.path == self.sheet
            kind = "text/css" if is_sheet else "text/javascript"
            return web.Response(body=CSS if is_sheet else JS, content_type=kind, headers=head)
        head = {"Content-Security-Policy": self.csp} if self.csp else {}
        text = PAGE.format(sheet=self.sheet, script=SCRIPT).replace("<body>", f"<body>{self.before}")
        return web.Response(text=text, content_type="text/html", headers=head)


async def known(there: Served) -> None:
    """Until the shell is had and coded."""
    there.tropa.know_shells()
    for _ in range(40):
        await asyncio.sleep(0.02)
    for _ in range(500):
        if not there.tropa.busy:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("best codings are still being made")


async def page(there: Served, name: str = "a", path: str = "/mod/page/view.php?id=1") -> str:
    reply = await there.get(path, headers={**READS, "Cookie": f"MoodleSession={name}"})
    coded = reply.headers.get("Content-Encoding") == "br"
    return (brotli.decompress(reply.body) if coded else reply.body).decode()


def part_of(html: str) -> str | None:
    found = re.search(r'href="(/\.tropa/styles/[0-9a-f]{24}\.css)"', html)
    return found[1] if found else None


async def test_the_first_learner_gets_the_text_before_the_whole_sheet(tmp_path: Path) -> None:
    async with served(tmp_path, Site().answer) as there:
        await known(there)
        html = await page(there)
        part = part_of(html)
        assert part is not None
        reply = await there.get(part, headers=STYLED)
    assert brotli.decompress(reply.body) == b".card{color:#222}p{margin:0}"
    assert reply.headers["Content-Type"].startswith("text/css") and "immutable" in reply.headers["Cache-Control"]
    assert html.index(part) < html.index("<body") < html.index(SHEET) < html.index(SCRIPT)


async def test_the_shell_is_asked_for_without_anybodys_cookies_and_once(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site.answer) as there:
        await known(there)
        await known(there)
        await page(there, "somebody")
    assert [asked for asked in site.asked if asked[0] != "/"] == [
        *sorted([(SHEET, ""), (SCRIPT, "")], reverse=site.asked[1][0] == SHEET),
        ("/mod/page/view.php", "MoodleSession=somebody"),
    ]


async def test_the_first_learner_gets_the_best_coding_and_the_origin_confirms_it_to_her(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site.answer, tropa="limits: {hold: 1 ms}") as there:
        await known(there)
        reply = await there.get(SCRIPT, headers={**STYLED, "Sec-Fetch-Dest": "script", "Cookie": "MoodleSession=a"})
    assert brotli.decompress(reply.body) == JS
    assert len(reply.body) <= len(brotli.compress(JS, mode=brotli.MODE_TEXT, quality=11)) + 16
    assert site.asked[-1] == (SCRIPT, "MoodleSession=a")


async def test_who_has_had_the_whole_sheet_gets_her_page_as_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, Site().answer) as there:
        await known(there)
        assert part_of(await page(there))
        await there.get(SHEET, headers={**STYLED, "Cookie": "MoodleSession=a"})
        assert part_of(await page(there)) is None
        assert part_of(await page(there, "b"))


async def test_a_page_that_an_origin_never_showed_before_teaches_its_shell(tmp_path: Path) -> None:
    async with served(tmp_path, Site().answer) as there:
        assert part_of(await page(there, "a")) is None
        await asyncio.sleep(0.5)
        assert part_of(await page(there, "b"))


@pytest.mark.parametrize(
    "site",
    [
        Site(cache="private, max-age=31536000"),
        Site(cache="public, max-age=60"),
        Site(csp="default-src 'none'; style-src 'nonce-x'"),
        Site(etag=""),
        Site(sheet="/theme/other/all"),
        Site(before='<base href="https://cdn.test/">'),
    ],
    ids=["private", "short-lived", "csp", "no validator", "not in the preset", "base"],
)
async def test_where_anything_is_doubtful_the_page_stays_as_it_is(tmp_path: Path, site: Site) -> None:
    async with served(tmp_path, site.answer) as there:
        await known(there)
        assert part_of(await page(there)) is None


@pytest.mark.parametrize(
    ("tropa", "policy"), [("place: school", "satellite-metered"), ("", "open"), ("", "text-first")]
)
async def test_only_where_policy_says_so_and_the_origin_is_near(tmp_path: Path, tropa: str, policy: str) -> None:
    async with served(tmp_path, Site().answer, tropa=tropa, policy=policy) as there:
        await known(there)
        assert part_of(await page(there)) is None


async def test_assessment_is_left_alone(tmp_path: Path) -> None:
    async with served(tmp_path, Site().answer) as there:
        await known(there)
        assert part_of(await page(there, path="/mod/quiz/attempt.php?attempt=1")) is None


async def test_a_sheet_that_has_changed_is_not_stood_in_for(tmp_path: Path) -> None:
    site = Site()
    async with served(tmp_path, site.answer) as there:
        await known(there)
        site.etag = '"v18"'
        await there.get(SHEET, headers={**STYLED, "Cookie": "MoodleSession=b"})
        assert part_of(await page(there)) is None


async def test_a_part_that_nobody_made_is_not_found(tmp_path: Path) -> None:
    async with served(tmp_path, Site().answer) as there:
        assert (await there.get("/.tropa/styles/000000000000000000000000.css")).status == 404


def test_only_scripts_and_style_sheets_are_a_shell() -> None:
    html = (
        b'<link rel="stylesheet" href="a.css"><link rel=icon href=i.png><script src="/b.js?x=1&amp;y=2"></script>'
        b"<script>inline()</script><img src=p.png><link href=c.css rel='alternate stylesheet'>"
    )
    assert list(shell_links(html, "https://lms.test/course/")) == [
        "https://lms.test/course/a.css",
        "https://lms.test/b.js?x=1&y=2",
        "https://lms.test/course/c.css",
    ]
