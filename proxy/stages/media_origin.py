"""Asking the origin for a media file in a learner's own name: whether she may have it, and its bytes.

Laws: every request goes out with her own credentials and nobody else's; conditions and ranges are ours, never her
player's; what the origin refuses her is refused here; a body that ends early raises.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.deliver.heads import has_directive
from proxy.errors import ExchangeError
from proxy.media.refs import Fetch, Fetched, SourceRef
from proxy.obtain import names_of
from proxy.stages.context import Exchange
from proxy.stages.recordings import folder_of, recording_fetch, recording_title
from proxy.transforms.media.glance import duration_s
from proxy.upstream.headers import keep_who_asks, part_wanted, request_headers
from proxy.upstream.reply import OriginReply
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

_DESCRIBES = "metadata.xml"  # of a recording of many files
_GLANCE_BYTES, _GLANCE_S = 65536, 2.0
_PIECE_S = 5.0
_TOTAL = re.compile(r"bytes\s+\d+-\d+/(\d{1,18})", re.IGNORECASE)


class Look(Frozen, frozen=True, kw_only=True):
    """What the origin said when it was asked for a file's first bytes.

    ref         None: it gives her no such file (status says why)
    duration_s  as the file's own head tells it, None where it doesn't
    title       as a recording names itself, "" where it doesn't
    """

    status: int
    ref: SourceRef | None = None
    content_type: str = ""
    duration_s: float | None = None
    title: str = ""


class MediaOrigin:
    """Requests for media files."""

    def __init__(self, upstream: Upstream, *, via: str) -> None:
        self._upstream = upstream
        self._via = via

    async def look(self, exchange: Exchange, url: str, *, page_url: str = "") -> Look:
        """Her own request for the first bytes. Raises ExchangeError."""
        folder = folder_of(url)
        if folder is not None:
            return await self._look_at_recording(exchange, folder, page_url or url)
        response = await self._asked(exchange, url, page_url, CIMultiDict({"Range": f"bytes=0-{_GLANCE_BYTES - 1}"}))
        try:
            ref = source_ref(exchange, url, response)
            if ref is None:
                return Look(status=response.status)
            head = await response.read_up_to(_GLANCE_BYTES, _GLANCE_S)
            essence = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Look(status=response.status, ref=ref, content_type=essence, duration_s=duration_s(head))
        finally:
            _put_away(response)

    async def _look_at_recording(self, exchange: Exchange, folder: str, page_url: str) -> Look:
        """A recording of many files is known by the one that describes it."""
        response = await self._asked(exchange, folder + _DESCRIBES, page_url, CIMultiDict())
        try:
            ref = source_ref(exchange, folder + _DESCRIBES, response, proven=True)
            if ref is None:
                return Look(status=response.status)
            title = recording_title(await response.read_up_to(_GLANCE_BYTES, _GLANCE_S))
            found = replace(ref, length_bytes=None)
            return Look(status=response.status, ref=found, content_type="application/x-tar", title=title)
        finally:
            _put_away(response)

    def fetcher(self, exchange: Exchange, url: str, *, page_url: str = "") -> Fetch:
        """How this learner's source is fetched; good for as long as her login is."""
        folder = folder_of(url)
        if folder is not None:

            @asynccontextmanager
            async def ask(address: str) -> AsyncIterator[UpstreamResponse]:
                response = await self._asked(exchange, address, page_url or url, CIMultiDict())
                try:
                    yield response
                finally:
                    _put_away(response)

            return recording_fetch(folder, ask)

        @asynccontextmanager
        async def fetch(offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
            ours = part_wanted(offset, validator, tail)
            response = await self._asked(exchange, url, page_url, ours)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield Fetched(status=response.status, headers=headers, chunks=response.iter_chunks(65536))
            finally:
                _put_away(response)

        return fetch

    async def piece(
        self, exchange: Exchange, url: str, *, max_bytes: int, first: int = 0, last: int | None = None
    ) -> bytes | None:
        """Bytes first to last (inclusive; None: the end) of a file on this site. None: it isn't given, or is longer."""
        if not is_same_site(exchange, url):
            return None
        whole = first == 0 and last is None
        told = "" if last is None else str(last)
        ours: CIMultiDict[str] = CIMultiDict({} if whole else {"Range": f"bytes={first}-{told}"})
        try:
            response = await self._asked(exchange, url, exchange.inbound.url, ours)
        except ExchangeError:
            return None
        try:
            if response.status != (200 if whole else 206) or response.headers.get("Content-Encoding"):
                return None
            body = await response.read_up_to(max_bytes + 1, _PIECE_S)
            exchange.tally.from_origin_bytes += len(body)
            return body if response.at_end and len(body) <= max_bytes else None
        except ExchangeError:
            return None
        finally:
            _put_away(response)

    async def _asked(self, exchange: Exchange, url: str, page_url: str, ours: CIMultiDict[str]) -> UpstreamResponse:
        inbound = exchange.inbound
        headers = request_headers(inbound, exchange.catalogue.settings, via=self._via, accept_encoding=None)
        keep_who_asks(headers)
        headers["Accept"] = "*/*"
        headers["Accept-Encoding"] = "identity"
        if page_url:
            headers["Referer"] = page_url  # some sites give their films only to their own pages
        headers.update(ours)
        names = names_of(inbound)
        if names is not None:
            names.request(headers)
        return await self._upstream.open(
            origin=inbound.origin,
            method="GET",
            scheme=inbound.scheme,
            host=inbound.host,
            port=inbound.port,
            target=url.removeprefix(f"{inbound.scheme}://{inbound.authority}").partition("#")[0],
            headers=headers,
        )


def _put_away(response: UpstreamResponse) -> None:
    """Keep the connection where all of the body was read."""
    if response.at_end:
        response.release()
    else:
        response.abort()


def source_ref(exchange: Exchange, url: str, response: OriginReply, *, proven: bool = False) -> SourceRef | None:
    """The source that this answer describes, None for an answer that gives none.

    proven  its first bytes are a film's, whatever it is declared to be
    """
    if response.status not in (200, 206):
        return None
    length = total_length(response)
    if not proven and response.headers.get("Content-Type", "").startswith("text/html"):
        return None  # a login page in the file's place
    private = has_directive(response.headers, "private", "no-store")
    return SourceRef(
        origin=exchange.decision.origin or exchange.inbound.host,
        url=url,
        etag=response.headers.get("ETag", ""),
        last_modified=response.headers.get("Last-Modified", ""),
        length_bytes=length,
        private=private or "Authorization" in exchange.inbound.request.headers,
        learner=exchange.who.learner,
    )


def total_length(response: OriginReply) -> int | None:
    """How long the whole is, by the head of a 200 or 206; None: it isn't said."""
    if response.status != 206:
        return response.content_length
    found = _TOTAL.match(response.headers.get("Content-Range", "").strip())
    return int(found[1]) if found else None


def is_same_site(exchange: Exchange, url: str) -> bool:
    """Whether a URL belongs to the site that this exchange is with: nothing else is asked in her name."""
    inbound = exchange.inbound
    return url.startswith(f"{inbound.scheme}://{inbound.authority}/")
