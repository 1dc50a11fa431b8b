"""A front, an upstream and the shortest pipeline between them: what comes goes on, what answers comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network

import aiohttp
from aiohttp import web

from policies.model import (
    Catalogue,
    LearnerAddress,
    Limits,
    Listener,
    NoTransform,
    Origin,
    Preset,
    Settings,
    Timeouts,
)
from policies.values import Text
from proxy.clock import SystemClock
from proxy.deliver.heads import end_to_end
from proxy.exchange import Inbound
from proxy.modes.front import Front
from proxy.modes.tunnel import Refusal, TunnelGate, TunnelRequest, TunnelTerms
from proxy.tasks import TaskKeeper
from proxy.upstream.dial import Dial
from proxy.upstream.headers import request_headers
from proxy.upstream.upstream import Upstream

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
VIA = "1.1 tropa-test"


def origin_of(upstream: str | None, *hosts: str, id: str = "lms", **changes: object) -> Origin:
    """An origin on loopback; the guard is told to let it pass."""
    made = Origin(
        id=id,
        title=Text(ru=id, en=id),
        hosts=hosts or ("lms.test",),
        upstream=upstream,
        preset=Preset(name="generic"),
        rules=(),
        no_transform=NoTransform.HONOUR,
        learner_address=LearnerAddress.X_FORWARDED_FOR,
        allow_private=True,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def catalogue_of(*origins: Origin, **settings: object) -> Catalogue:
    return Catalogue(
        settings=Settings(**settings),  # type: ignore[arg-type]
        territories={},
        origins={origin.id: origin for origin in origins},
        embed_hosts=(),
        policies={},
        tests=(),
        fingerprint="",
    )


@dataclass(slots=True)
class OpenTerms:
    """Terms that grant everything until told otherwise, and note what is asked of them."""

    valid_until: datetime | None = None
    rate_bps: int | None = None
    grace_s: float = 0.0
    budget_bytes: int | None = None
    then: TunnelTerms | None = None
    reserved: list[int] = field(default_factory=list)
    settled: list[tuple[int, int]] = field(default_factory=list)
    closings: list[tuple[int, int, float]] = field(default_factory=list)

    async def reserve(self, nbytes: int) -> bool:
        if self.budget_bytes is not None:
            if self.budget_bytes < nbytes:
                return False
            self.budget_bytes -= nbytes
        self.reserved.append(nbytes)
        return True

    async def settle(self, used_down: int, used_up: int) -> None:
        self.settled.append((used_down, used_up))

    async def redecide(self, now: datetime) -> TunnelTerms | None:
        return self.then

    async def closed(self, bytes_up: int, bytes_down: int, duration_s: float) -> None:
        self.closings.append((bytes_up, bytes_down, duration_s))


@dataclass(slots=True)
class Gate(TunnelGate):
    """Admits on `terms`, or refuses with `refusal`."""

    terms: TunnelTerms = field(default_factory=OpenTerms)
    refusal: Refusal | None = None
    asked: list[TunnelRequest] = field(default_factory=list)

    async def admit(self, request: TunnelRequest) -> TunnelTerms | Refusal:
        self.asked.append(request)
        return self.refusal or self.terms


@dataclass(slots=True)
class Wire:
    """One running front. catalogue may be swapped at any time; inbounds are what the handler was given."""

    front: Front
    upstream: Upstream
    catalogue: Catalogue
    gate: Gate
    inbounds: list[Inbound]

    @property
    def port(self) -> int:
        return self.front.port


Handle = Callable[[Wire, Inbound], Awaitable[web.StreamResponse]]


async def pass_through(wire: Wire, inbound: Inbound) -> web.StreamResponse:
    """The request to the origin, its response to the client, byte for byte."""
    request = inbound.request
    response = await wire.upstream.open(
        origin=inbound.origin,
        method=request.method,
        scheme=inbound.scheme,
        host=inbound.host,
        port=inbound.port,
        target=inbound.target,
        headers=request_headers(inbound, wire.catalogue.settings, accept_encoding=None, via=VIA),
        body=request.content.iter_chunked(16384) if request.body_exists else None,
        content_length=request.content_length,
        expect_continue=continue_of(request),
    )
    try:
        answer = web.StreamResponse(
            status=response.status, reason=response.reason, headers=end_to_end(response.headers, via=VIA)
        )
        await answer.prepare(request)
        async for chunk in response.iter_chunks():
            await answer.write(chunk)
        await answer.write_eof()
        return answer
    finally:
        response.release()


def continue_of(request: web.BaseRequest) -> Callable[[], None] | None:
    """What tells a waiting client to send its body; None where it doesn't wait."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return None
    return lambda: request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n") if request.transport else None


@asynccontextmanager
async def wire(
    catalogue: Catalogue,
    handle: Handle = pass_through,
    *,
    listener: Listener | None = None,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    gate: Gate | None = None,
    drain_s: float = 0.2,
    note: bool = True,
) -> AsyncIterator[Wire]:
    """A front on an ephemeral port of loopback while the block runs."""
    keeper = TaskKeeper("test")
    inbounds: list[Inbound] = []
    noted = inbounds.append if note else lambda _: None
    gate = gate or Gate()

    async def handler(inbound: Inbound) -> web.StreamResponse:
        noted(inbound)
        return await handle(made, inbound)

    def own_ports() -> frozenset[int]:
        return frozenset({front.port})

    upstream = Upstream(lambda: made.catalogue, own_ports, resolver)
    front = Front(
        listener or Listener(name="main", mode="reverse", host="127.0.0.1", port=0),
        handler=handler,
        tunnel_gate=gate,
        catalogue=lambda: made.catalogue,
        clock=SystemClock(),
        keeper=keeper,
        pseudonym="tropa-test",
        dial=Dial(lambda: made.catalogue, own_ports, resolver),
    )
    made = Wire(front, upstream, catalogue, gate, inbounds)
    await front.start()
    try:
        yield made
    finally:
        await front.close(drain_s)
        await upstream.close()
        await keeper.close()


FORWARD = Listener(name="forward", mode="forward", host="127.0.0.1", port=0, clients=LOOPBACK)
FAST = Timeouts(
    connect_s=2,
    tls_s=2,
    response_head_s=2,
    upstream_idle_s=2,
    client_idle_s=2,
    request_head_s=2,
    keep_alive_s=2,
    tunnel_idle_s=2,
)
SMALL = Limits(max_header_bytes=8192, max_body_bytes=100_000)
EPOCH = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
