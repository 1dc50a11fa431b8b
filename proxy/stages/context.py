"""What every stage is handed: one exchange's values, and the origin's response with its head made ready."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime

from multidict import CIMultiDict

from policies.decision import Decision
from policies.facts import RequestFacts, ResponseFacts
from policies.frozen import Frozen
from policies.model import Catalogue, Limits
from proxy.deliver.answer import Tally
from proxy.deliver.codings import accepted
from proxy.exchange import Inbound, Who
from proxy.upstream.held import HeldBody
from proxy.upstream.reply import OriginReply

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([a-zA-Z0-9_:.-]{2,40})", re.IGNORECASE)


class Exchange(Frozen, frozen=True, kw_only=True):
    """One exchange up to its decision. `tally` is the only thing in it that changes.

    held  the request's body, where it was read before the origin was asked
    """

    inbound: Inbound
    who: Who
    facts: RequestFacts
    decision: Decision
    now: datetime
    catalogue: Catalogue
    tally: Tally
    granted: frozenset[str] = frozenset()
    held: HeldBody | None = None

    @property
    def limits(self) -> Limits:
        return self.catalogue.settings.limits

    @property
    def codings(self) -> tuple[str, ...]:
        """Content codings that this client accepts, best first."""
        return accepted(self.inbound.request.headers.get("Accept-Encoding"))

    @property
    def body_wanted(self) -> bool:
        return self.inbound.request.method != "HEAD"


class Fetched(Frozen, frozen=True, kw_only=True):
    """The origin's response: its head for the client (end-to-end fields, ours to change), and its first bytes.

    prefix    what has been read of the body; complete says that it is the whole body
    age_s     shown from a store because the origin is out of reach, and so old; None: not so
    mapped    the rest of a body whose names are being mapped (uncoded); None: it comes as the origin sends it
    """

    upstream: OriginReply
    headers: CIMultiDict[str]
    facts: ResponseFacts
    prefix: bytes
    complete: bool
    mapped: AsyncIterator[bytes] | None = None
    age_s: int | None = None
    cache_status: str = ""

    async def rest(self, tally: Tally) -> AsyncIterator[bytes]:
        """What comes after the prefix, counted."""
        if self.complete:
            return
        if self.mapped is not None:
            async for chunk in self.mapped:
                yield chunk
            return
        async for chunk in self.upstream.iter_chunks():
            if self.upstream.from_origin:
                tally.from_origin_bytes += len(chunk)
            yield chunk

    async def chunks(self, tally: Tally) -> AsyncIterator[bytes]:
        """The whole body from its first byte; the prefix is counted already."""
        if self.prefix:
            yield self.prefix
        async for chunk in self.rest(tally):
            yield chunk

    async def close(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        self.upstream.release()

    async def whole_or_stream(self, tally: Tally, *, max_bytes: int) -> bytes | AsyncIterator[bytes]:
        """The whole body as bytes, or, where it is longer than max_bytes, a stream of all of it."""
        if self.complete:
            return self.prefix
        stream = self.chunks(tally)
        held: list[bytes] = []
        total = 0
        async for chunk in stream:
            held.append(chunk)
            total += len(chunk)
            if total > max_bytes:
                return _chained(held, stream)
        return b"".join(held)


async def _chained(held: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in held:
        yield chunk
    held.clear()
    async for chunk in rest:
        yield chunk


def declared_charset(html: bytes) -> str:
    """The charset that the page's own head names (HTML section 13.2.3.2: within the first 1024 bytes), else UTF-8."""
    match = _CHARSET.search(html[:1024])
    return match[1].decode("ascii").lower() if match else "utf-8"
