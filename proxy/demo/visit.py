"""A visit as a browser makes it, reduced to what it costs: a page, and what the page asks for.

It runs no scripts; what only a script would fetch is not counted, for the direct way as for the way through Tropa.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from proxy.deliver.codings import Decoder

_ACCEPTS = {
    "document": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "image": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "style": "text/css,*/*;q=0.1",
}
_TAGS = re.compile(r"<(img|script|link|source|video)\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_HEAD_BYTES = 20  # status line
_MAX_TEXT_BYTES = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes of heads and bodies on the learner's side."""

    requests: int = 0
    received_bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.received_bytes + other.received_bytes)


class Visitor:
    """One visitor with an empty store; close it after use."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=180),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # by address, as the sample course is reached
        )

    async def close(self) -> None:
        await self._session.close()

    async def log_in(self, name: str, password: str) -> None:
        """As the sample course's form does; its session is this visitor's from then on."""
        url = URL(self._base_url + "/login/index.php")
        async with self._session.get(url) as answer:
            page = _plain(await answer.read(), answer.headers.get("Content-Encoding", "")).decode("utf-8", "replace")
        token = page.partition('name="logintoken" value="')[2].partition('"')[0]
        form = {"logintoken": token, "username": name, "password": password}
        async with self._session.post(url, data=form, allow_redirects=False) as answer:
            await answer.read()

    async def visit(self, path: str) -> Cost:
        """What a first visit of this page costs, everything that it names included."""
        url = self._base_url + path
        cost, page = await self._get(url, "document")
        wanted = self._wanted(url, page.decode("utf-8", "replace"))
        for answer in await asyncio.gather(*(self._get(*pair) for pair in wanted.items())):
            cost += answer[0]
        return cost

    def _wanted(self, page_url: str, html: str) -> dict[str, str]:
        """Address -> destination of what a browser fetches for this page, on its own site."""
        found: dict[str, str] = {}
        for tag, inside in _TAGS.findall(html):
            attributes = {name.lower(): unescape(a or b) for name, a, b in _ATTRIBUTES.findall(inside)}
            pair = _fetched(tag.lower(), attributes)
            if pair is not None and not pair[0].startswith("data:"):
                address = urljoin(page_url, pair[0])
                if urlsplit(address).netloc == urlsplit(page_url).netloc:
                    found.setdefault(address, pair[1])
        return found

    async def _get(self, url: str, destination: str) -> tuple[Cost, bytes]:
        headers = {
            "Accept": _ACCEPTS.get(destination, "*/*"),
            "Accept-Encoding": "gzip, deflate, br, zstd",
            "Accept-Language": "ru",
            "Sec-Fetch-Dest": destination,
        }
        async with self._session.get(URL(url, encoded=True), headers=headers) as answer:
            body = await answer.read()
            head_bytes = _HEAD_BYTES + sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)
            cost = Cost(1, head_bytes + len(body))
            text = destination in ("document", "style")
            return cost, _plain(body, answer.headers.get("Content-Encoding", "")) if text else b""


def _fetched(tag: str, attributes: dict[str, str]) -> tuple[str, str] | None:
    if tag == "link":
        rel = attributes.get("rel", "").lower()
        if rel == "stylesheet":
            return attributes.get("href", ""), "style"
        if rel == "preload":
            return attributes.get("href", ""), attributes.get("as", "empty")
        return None
    source = attributes.get("src")
    if not source:
        return None
    kinds = {"img": "image", "script": "script", "source": "video", "video": "video"}
    return source, kinds[tag]


def _plain(body: bytes, coding: str) -> bytes:
    try:
        return Decoder(coding, max_bytes=_MAX_TEXT_BYTES).feed(body)
    except (ValueError, zlib.error):
        return b""
