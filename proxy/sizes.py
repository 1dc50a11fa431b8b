"""Asking origins how big the heavy things are that a page names, without holding the page.

Laws: only places where the origin is on the cheap side ask; each page at most a dozen HEADs, together at most 0.15 s of
waiting; what comes later serves the next visit; the learner's own credentials go along, as her own click would.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from policies.kinds import kind_of_path
from proxy.cache.sizes import SizeBook, heavy_links
from proxy.deliver.codings import DECODABLE, CodingError, Decoder
from proxy.errors import ExchangeError
from proxy.stages.context import Exchange, Fetched
from proxy.stages.media_asker import MediaAsker
from proxy.stages.places import saves_here
from proxy.tasks import TaskKeeper
from proxy.upstream.headers import request_headers
from proxy.upstream.upstream import Upstream

_PATIENCE_S = 0.15
_MOST_AT_ONCE = 12
_MOST_PENDING = 64


class SizeAsker:
    """Fills the size book. films: learns more than the size of those."""

    def __init__(
        self, upstream: Upstream, book: SizeBook, keeper: TaskKeeper, *, via: str, films: MediaAsker | None = None
    ) -> None:
        self._upstream = upstream
        self._films = films
        self._book = book
        self._keeper = keeper
        self._via = via
        self._asked: set[str] = set()

    async def ask(self, exchange: Exchange, fetched: Fetched) -> None:
        """Learn the sizes of what this page's first bytes name, as far as they come in time."""
        if not self._may_ask(exchange):
            return
        links = self._links(exchange, fetched)
        if self._films is not None:
            await self._films.ask(exchange, links)
        unknown = [url for url in links if self._book.size_of(url) is None]
        fresh = [url for url in unknown if url not in self._asked][:_MOST_AT_ONCE]
        if not fresh or len(self._asked) > _MOST_PENDING:
            return
        self._asked.update(fresh)
        tasks = [self._keeper.start(self._head(exchange, url), name="size") for url in fresh]
        await asyncio.wait(tasks, timeout=_PATIENCE_S)

    @staticmethod
    def _may_ask(exchange: Exchange) -> bool:
        settings, decision = exchange.catalogue.settings, exchange.decision
        if decision.stored_only or exchange.inbound.origin is None or exchange.inbound.origin.upstream is None:
            return False
        return saves_here(settings.place, decision)

    @staticmethod
    def _links(exchange: Exchange, fetched: Fetched) -> tuple[str, ...]:
        coding = fetched.facts.content_coding
        if coding not in DECODABLE:
            return ()
        try:
            html = Decoder(coding, max_bytes=1024**2).feed(fetched.prefix)
        except CodingError:
            return ()
        page = urlsplit(exchange.inbound.url)
        links = heavy_links(html, exchange.inbound.url)
        return tuple(url for url in links if urlsplit(url)[:2] == page[:2] and is_a_file(url))

    async def _head(self, exchange: Exchange, url: str) -> None:
        try:
            async with asyncio.timeout(10):
                size = await self._size(exchange, url)
        except (ExchangeError, TimeoutError):
            size = None
        finally:
            self._asked.discard(url)
        if size:
            self._book.learn(url, size)

    async def _size(self, exchange: Exchange, url: str) -> int | None:
        inbound, parts = exchange.inbound, urlsplit(url)
        headers = request_headers(inbound, exchange.catalogue.settings, via=self._via, accept_encoding="identity")
        for name in ("If-None-Match", "If-Modified-Since", "Range", "If-Range", "Content-Type", "Content-Length"):
            headers.popall(name, None)
        response = await self._upstream.open(
            origin=inbound.origin,
            method="HEAD",
            scheme=inbound.scheme,
            host=inbound.host,
            port=inbound.port,
            target=parts.path + (f"?{parts.query}" if parts.query else ""),
            headers=headers,
            body=None,
            content_length=None,
        )
        try:
            return response.content_length if response.status == 200 else None
        finally:
            response.release()


# A page of a program is opened with "/x.pdf" behind its name too; these programs alone do nothing but give files.
_PROGRAM = re.compile(
    r"(?<!/pluginfile)(?<!/tokenpluginfile)(?<!/draftfile)(?<!/file)\.(?:php\d?|aspx?|jspx?|do|cgi|pl)/", re.I
)


def is_a_file(url: str) -> bool:
    """Whether an address is a file's by its path: whatever else it named, asking for it in the learner's name could be
    an act of hers (a click that counts, a log-out) that she didn't do."""
    path = urlsplit(url).path
    return kind_of_path(path) is not None and _PROGRAM.search(path) is None
