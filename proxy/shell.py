"""What every page of a site asks for, had from the origin before a learner asks: scripts and style sheets.

Laws: asked for without anybody's cookies, from an origin's own upstream only, and only what the origin lets everybody
keep for long; each address once in a while, few at a time, bounded in bytes; nothing here is sent to a learner unless
the origin confirms it to her (texts) or it is a part of what the origin gives to anybody (style sheets); a school's box
asks for nothing, as its way to the origin is the thin one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.kinds import kind_of_type
from policies.model import Catalogue, NoTransform, Origin
from policies.plan import LONG_LIVED_S
from policies.values import MediaKind, Place
from proxy.cache.variant_keys import source_digest, stable_url
from proxy.clock import Clock
from proxy.deliver.codings import DECODABLE
from proxy.deliver.heads import has_directive, long_lived
from proxy.errors import ExchangeError
from proxy.late_sheets import LateSheets
from proxy.stages.best_codings import PlainText
from proxy.stages.context import Exchange
from proxy.stages.decoding import OriginDecoder
from proxy.stages.text import MAX_TEXT_BYTES, TextStage, shell_address
from proxy.tasks import TaskKeeper
from proxy.transforms.html.grammar import ATTRIBUTE_PARTS, TAG
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

logger = logging.getLogger("tropa.shell")

CODINGS = ("br", "gzip")  # the best first: what browsers accept over https, and over http
_MAX_PAGE_BYTES = 1024 * 1024
_MOST_PARTS = 32
_MOST_WAITING = 128
_MOST_AT_ONCE = 2
_MOST_REDIRECTS = 3
_WITHIN_S = 60.0
_AGAIN_AFTER_S = 3600.0
_MAX_ASKED = 2000
_NEVER_CHANGES_S = 30 * 86400
_KINDS = frozenset({MediaKind.SCRIPT, MediaKind.STYLE})
_PAGE_TYPES = ("text/html", "application/xhtml+xml")


class _Had(Frozen, frozen=True, kw_only=True):
    """One asset as the origin gave it to nobody in particular."""

    target: str
    kind: MediaKind
    plain: PlainText
    unchanging: bool


class Shell:
    """Fetches the shells of the origins that this installation stands before."""

    def __init__(
        self,
        upstream: Upstream,
        texts: TextStage,
        late: LateSheets,
        keeper: TaskKeeper,
        clock: Clock,
        catalogue: Callable[[], Catalogue],
        *,
        via: str,
    ) -> None:
        self._upstream = upstream
        self._texts = texts
        self._late = late
        self._keeper = keeper
        self._clock = clock
        self._catalogue = catalogue
        self._via = via
        self._asked_at_s: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._waiting = 0
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)

    def begin(self) -> None:
        """At the start and after a change of policy: every origin's front page, and what it asks for."""
        catalogue = self._catalogue()
        if catalogue.settings.place is Place.SCHOOL:
            return
        for origin in catalogue.origins.values():
            host = next((name for name in origin.hosts if "*" not in name), None)
            if host is not None and _is_ours(origin, catalogue):
                self._keeper.start(self._front(origin, host), name="front page")

    def seen(self, exchange: Exchange, urls: Iterable[str]) -> None:
        """A learner's page asks for these: what of it isn't known is had once, without her cookies."""
        inbound, catalogue = exchange.inbound, exchange.catalogue
        if inbound.origin is None or catalogue.settings.place is Place.SCHOOL:
            return
        if not _is_ours(inbound.origin, catalogue) or exchange.decision.bypassed:
            return
        home = f"{inbound.scheme}://{inbound.authority}"
        targets = [url[len(home) :] for url in urls if url.startswith(home + "/") and stable_url(url) == url]
        fresh = [target for target in targets if self._is_due(inbound.origin, inbound.host, target)]
        if fresh and self._waiting + len(fresh) <= _MOST_WAITING:
            self._keeper.start(self._parts(inbound.origin, inbound.host, inbound.authority, fresh), name="shell")

    def _is_due(self, origin: Origin, host: str, target: str) -> bool:
        key, now_s = (origin.id, host, target), self._clock.steady_s()
        before = self._asked_at_s.get(key)
        if before is not None and now_s - before < _AGAIN_AFTER_S:
            return False
        self._asked_at_s[key] = now_s
        self._asked_at_s.move_to_end(key)
        if len(self._asked_at_s) > _MAX_ASKED:
            self._asked_at_s.popitem(last=False)
        return True

    # -- asking ----------------------------------------------------------------------------------------------

    async def _front(self, origin: Origin, host: str) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                page, base = await self._page(origin, host)
        except (ExchangeError, TimeoutError) as error:
            logger.info("%s: its front page can't be had ahead: %s", origin.id, error)
            return
        home = "/".join(base.split("/", 3)[:3])
        urls = [url for url in shell_links(page, base) if url.startswith(home + "/") and stable_url(url) == url]
        targets = dict.fromkeys(url[len(home) :] for url in urls[:_MOST_PARTS])
        await self._parts(origin, host, host, [target for target in targets if self._is_due(origin, host, target)])

    async def _page(self, origin: Origin, host: str) -> tuple[bytes, str]:
        """The front page, or the one that it leads to on the same host (a login page). b"": none."""
        url = f"http://{host}/"
        for _ in range(_MOST_REDIRECTS + 1):
            parts = urlsplit(url)
            response = await self._open(origin, host, host, parts.path + (f"?{parts.query}" if parts.query else ""))
            try:
                if response.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, response.headers.get("Location", ""))
                    if urlsplit(url).hostname != host:
                        return b"", url
                    continue
                if response.status != 200 or not response.headers.get("Content-Type", "").startswith(_PAGE_TYPES):
                    return b"", url
                return _plain(response, await _whole(response, _MAX_PAGE_BYTES), max_bytes=_MAX_PAGE_BYTES), url
            finally:
                response.release()
        return b"", url

    async def _parts(self, origin: Origin, host: str, authority: str, targets: list[str]) -> None:
        """The smallest are coded first: they are what a page can't be painted without."""
        self._waiting += len(targets)
        try:
            found = await asyncio.gather(*(self._part(origin, host, authority, target) for target in targets))
        finally:
            self._waiting -= len(targets)
        had = sorted((one for one in found if one is not None), key=lambda one: len(one.plain.text))
        for one in had:
            if one.kind is MediaKind.STYLE and one.unchanging:
                address = (origin.id, host, one.target)
                content_type = one.plain.content_type
                await self._late.learn(address, one.plain.text, etag=one.plain.etag, content_type=content_type)
        for coding in CODINGS:
            for one in had:
                self._texts.learn(one.plain, one.kind, (coding,))

    async def _part(self, origin: Origin, host: str, authority: str, target: str) -> _Had | None:
        async with self._slots:
            try:
                async with asyncio.timeout(_WITHIN_S):
                    response = await self._open(origin, host, authority, target)
                    try:
                        return await self._had(origin, host, target, response)
                    finally:
                        response.release()
            except (ExchangeError, TimeoutError) as error:
                logger.info("%s: %s can't be had ahead: %s", origin.id, target.partition("?")[0], error)
                return None

    async def _had(self, origin: Origin, host: str, target: str, response: UpstreamResponse) -> _Had | None:
        headers = response.headers
        kind = kind_of_type(headers.get("Content-Type", "").partition(";")[0].strip().lower())
        etag = headers.get("ETag", "").removeprefix("W/")
        if response.status != 200 or kind not in _KINDS or not etag or not _is_everybodys(response, origin):
            return None
        body = await _whole(response, MAX_TEXT_BYTES)
        if not body:
            return None
        text = _plain(response, body, max_bytes=MAX_TEXT_BYTES)
        plain = PlainText(
            origin=origin.id,
            url=shell_address(host, target),
            text=text,
            sha256=await asyncio.to_thread(source_digest, text),
            content_type=headers["Content-Type"],
            etag=etag,
            origin_bytes=len(body),
        )
        unchanging = has_directive(headers, "immutable") or long_lived(headers, at_least_s=_NEVER_CHANGES_S)
        return _Had(target=target, kind=kind, plain=plain, unchanging=unchanging)

    async def _open(self, origin: Origin, host: str, authority: str, target: str) -> UpstreamResponse:
        headers: CIMultiDict[str] = CIMultiDict(
            {
                "Host": authority,
                "User-Agent": "Tropa",
                "Accept": "*/*",
                "Accept-Encoding": "gzip",
                "Via": self._via,
            }
        )
        return await self._upstream.open(
            origin=origin, method="GET", scheme="http", host=host, port=80, target=target, headers=headers
        )


def _is_ours(origin: Origin, catalogue: Catalogue) -> bool:
    """Whether Tropa stands before it under its own name, and is not told to leave it alone."""
    return origin.upstream is not None and not origin.rename and origin.id not in catalogue.bypassed_origins


def _is_everybodys(response: UpstreamResponse, origin: Origin) -> bool:
    headers = response.headers
    if has_directive(headers, "private", "no-store") or "Set-Cookie" in headers:
        return False
    if has_directive(headers, "no-transform") and origin.no_transform is NoTransform.HONOUR:
        return False
    varies = {name.strip().lower() for value in headers.getall("Vary", ()) for name in value.split(",")}
    decodable = _coding(response) in DECODABLE
    return decodable and not varies & {"*", "cookie"} and long_lived(headers, at_least_s=LONG_LIVED_S)


def _coding(response: UpstreamResponse) -> str:
    return response.headers.get("Content-Encoding", "").strip().lower()


def _plain(response: UpstreamResponse, body: bytes, *, max_bytes: int) -> bytes:
    """The body decoded; b"" where we don't know its coding. Raises ExchangeError for a broken one or a bomb."""
    coding = _coding(response)
    if coding not in DECODABLE:
        return b""
    decoder = OriginDecoder(coding, max_bytes=max_bytes * 4)
    text = decoder.feed(body)
    decoder.finish()
    return text


async def _whole(response: UpstreamResponse, max_bytes: int) -> bytes:
    """The body; b"" where it is longer."""
    pieces, size = [], 0
    async for chunk in response.iter_chunks():
        size += len(chunk)
        if size > max_bytes:
            return b""
        pieces.append(chunk)
    return b"".join(pieces)


def shell_links(page: bytes, base: str) -> Iterator[str]:
    """Absolute addresses of the scripts and style sheets that a page asks for, as far as plain tags tell."""
    for match in TAG.finditer(page):
        name = match[2].lower()
        if match[1] or name not in (b"script", b"link"):
            continue
        found = {p[1].lower(): p[2] or p[3] or p[4] or b"" for p in ATTRIBUTE_PARTS.finditer(match[3])}
        if name == b"link" and b"stylesheet" not in found.get(b"rel", b"").lower().split():
            continue
        address = found.get(b"src" if name == b"script" else b"href", b"")
        if address.isascii() and address:
            try:
                yield urljoin(base, unescape(address.decode("ascii")).strip())
            except ValueError:
                continue
