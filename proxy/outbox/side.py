"""The origin's side of the outbox: pages read and forms posted in a learner's own name.

Laws: a request goes out with her own head and nobody else's, held in memory alone; whether anything of a form has left
is known, not guessed; no redirect is followed, so that nothing is posted twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Origin
from proxy.deliver.codings import Decoder
from proxy.deliver.rename import NameMap
from proxy.errors import ExchangeError, Fault
from proxy.exchange import Who, authority_of
from proxy.headbytes import weight_bytes
from proxy.obtain import names_of
from proxy.outbox.form import Form
from proxy.outbox.item import Address
from proxy.outbox.judging import Said
from proxy.stages.context import Exchange
from proxy.upstream.headers import keep_who_asks, request_headers
from proxy.upstream.held import HeldBody
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

_LARGEST_PAGE_BYTES = 4 * 1024**2


class Visit(Frozen, frozen=True, kw_only=True):
    """A learner as she came last: her request's head for the origin. Never written anywhere."""

    learner: str
    origin: Origin
    headers: CIMultiDict[str]
    names: NameMap | None = None
    who: Who | None = None


class Sent(Frozen, frozen=True, kw_only=True):
    """One request of the outbox's, as it weighed: heads and bodies. status 0: no answer came."""

    method: str
    target: str
    status: int
    came_bytes: int
    up_bytes: int


# Told of each request once it is over.
Paid = Callable[[Visit, Address, Sent], None]


class NotSent(Frozen, frozen=True):
    """Nothing of the form has left."""

    why: str


class Lost(Frozen, frozen=True):
    """It may have arrived: the answer didn't."""

    why: str


class OriginSide(Protocol):
    """What the outbox asks of an origin."""

    async def read(self, address: Address, target: str, visit: Visit) -> Said:
        """A page. Raises ExchangeError."""
        ...

    async def post(self, address: Address, form: Form, visit: Visit, *, page_target: str) -> Said | NotSent | Lost: ...


class UpstreamSide:
    """By the connections that everything else goes by. paid: told what each request weighed."""

    def __init__(self, upstream: Upstream, paid: Paid = lambda visit, address, sent: None) -> None:
        self._upstream = upstream
        self._paid = paid

    async def read(self, address: Address, target: str, visit: Visit) -> Said:
        headers = self._headers(address, visit)
        response = await self._open(address, "GET", target, headers, visit, None)
        weighed = _Weight()
        try:
            page = await _text(response, weighed) if response.status == 200 else ""
            return Said(status=response.status, location=response.headers.get("Location", ""), page=page)
        finally:
            response.abort()
            self._paid(visit, address, _sent("GET", target, headers, response, weighed.bytes, 0))

    async def post(self, address: Address, form: Form, visit: Visit, *, page_target: str) -> Said | NotSent | Lost:
        data, content_type = form.encoded()
        body, headers = HeldBody(data), self._headers(address, visit)
        home = f"{address.scheme}://{authority_of(address.scheme, address.host, address.port)}"
        headers["Content-Type"], headers["Origin"] = content_type, home
        headers["Referer"] = home + (page_target or "/")
        try:
            response = await self._open(address, "POST", address.target, headers, visit, body)
        except ExchangeError as error:
            if body.begun:
                self._paid(visit, address, _sent("POST", address.target, headers, None, 0, len(data)))
            return Lost(error.code) if body.begun else NotSent(error.code)
        weighed, page = _Weight(), ""
        try:
            page = await _text(response, weighed) if form.is_call and response.status == 200 else ""
        except ExchangeError as error:
            return Lost(error.code)
        finally:
            response.abort()
            self._paid(visit, address, _sent("POST", address.target, headers, response, weighed.bytes, len(data)))
        return Said(status=response.status, location=response.headers.get("Location", ""), page=page)

    @staticmethod
    def _headers(address: Address, visit: Visit) -> CIMultiDict[str]:
        headers = visit.headers.copy()
        headers["Accept"], headers["Accept-Encoding"] = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5", "gzip"
        return headers

    async def _open(
        self, address: Address, method: str, target: str, headers: CIMultiDict[str], visit: Visit, body: HeldBody | None
    ) -> UpstreamResponse:
        if visit.names is not None:
            visit.names.request(headers)
        return await self._upstream.open(
            origin=visit.origin,
            method=method,
            scheme=address.scheme,
            host=address.host,
            port=address.port,
            target=target,
            headers=headers,
            body=body.pieces() if body is not None else None,
            content_length=len(body) if body is not None else None,
        )


@dataclass(slots=True)
class _Weight:
    """Body bytes as they came over the line."""

    bytes: int = 0


def _sent(
    method: str, target: str, headers: CIMultiDict[str], response: UpstreamResponse | None, came: int, up: int
) -> Sent:
    up += weight_bytes(f"{method} {target} HTTP/1.1", headers.items())
    if response is None:
        return Sent(method=method, target=target, status=0, came_bytes=0, up_bytes=up)
    came += weight_bytes(f"HTTP/1.1 {response.status} {response.reason}", response.headers.items())
    return Sent(method=method, target=target, status=response.status, came_bytes=came, up_bytes=up)


async def _text(response: UpstreamResponse, weighed: _Weight) -> str:
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    decoder = Decoder(coding, max_bytes=_LARGEST_PAGE_BYTES) if coding not in ("", "identity") else None
    read, total = [], 0
    async for chunk in response.iter_chunks():
        weighed.bytes += len(chunk)
        read.append(decoder.feed(chunk) if decoder is not None else chunk)
        total += len(read[-1])
        if total > _LARGEST_PAGE_BYTES:
            raise ExchangeError("upstream-too-large", 502, Fault.UPSTREAM, "a page of the outbox")
    return b"".join(read).decode("utf-8", "replace")


def visit_of(exchange: Exchange, *, via: str) -> Visit | None:
    """The learner as this request shows her; None: no origin of ours."""
    inbound = exchange.inbound
    if inbound.origin is None:
        return None
    headers = request_headers(inbound, exchange.catalogue.settings, via=via, accept_encoding=None)
    keep_who_asks(headers)
    learner, names = exchange.who.learner, names_of(inbound)
    return Visit(learner=learner, origin=inbound.origin, headers=headers, names=names, who=exchange.who)
