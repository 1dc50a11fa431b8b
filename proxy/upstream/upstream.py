"""The origin's side of every exchange: one `Upstream` per process.

Laws: the target goes out exactly as received; nothing is decompressed, redirected or remembered (no cookies); only a
bodyless idempotent request is sent twice, and only where the first one met a connection that had died in the pool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from policies.memory import remember
from policies.model import Catalogue, Origin, Settings
from proxy.errors import ExchangeError
from proxy.tasks import TaskKeeper
from proxy.upstream.address import Target, target_of
from proxy.upstream.body import RequestBody
from proxy.upstream.chain import proxy_hop
from proxy.upstream.channel import DISCONNECTED, Channel, logs_in_the_connection, request_head
from proxy.upstream.faults import connection_fault, was_connected
from proxy.upstream.guard import AddressRefused, check_host, sockets_made
from proxy.upstream.pool import Pool, Route
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.trust import tls_context
from proxy.upstream.wire import Wire
from proxy.watch import LinkWatch

_Public = tuple[str, str, int]  # scheme, host, port of the public URL
_MOST_WAYS = 4096
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_FOREIGN = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError, ValueError, *DISCONNECTED)


@dataclass(slots=True)
class Upstream:
    """Opens exchanges with origins.

    catalogue  the settings in force, asked at each request
    own_ports  the ports that Tropa listens on: never a target
    resolver   replaces the system's look-up (tests); None: the system's
    watch      told of ways that fail, and asked whether one is down; None: nobody watches
    """

    catalogue: Callable[[], Catalogue]
    own_ports: Callable[[], frozenset[int]] = frozenset
    resolver: aiohttp.abc.AbstractResolver | None = None
    watch: LinkWatch | None = None
    _pools: dict[bool, Pool] = field(default_factory=dict)
    _ways: dict[_Public, _Way] = field(default_factory=dict)
    _uploads: TaskKeeper = field(default_factory=lambda: TaskKeeper("upstream"))

    async def open(
        self,
        *,
        origin: Origin | None,
        method: str,
        scheme: str,
        host: str,
        port: int,
        target: str,
        headers: CIMultiDict[str],
        body: AsyncIterator[bytes] | bytes | None = None,
        content_length: int | None = None,
        expect_continue: Callable[[], None] | None = None,
        probing: bool = False,
    ) -> UpstreamResponse:
        """Send a request and wait for the response's head.

        scheme, host, port  of the public URL; an origin with an `upstream` of its own is connected to there
        target              raw path and query
        headers             final and end-to-end, Host included; framing fields are added
        content_length      of a body that streams; None: it goes out in chunks
        expect_continue     the client waits for 100: called when the origin wants the body, or has ignored Expect
                            for 3 s
        probing             asked even where the way is known to be down

        Raises ExchangeError.
        """
        settings = self.catalogue().settings
        way = self._ways.get((scheme, host, port))
        if way is None or way.settings is not settings or way.origin is not origin:
            way = self._way(settings, origin, scheme, host, port)
        where, watch = way.where, self.watch
        if watch is not None and watch.troubled and not probing:
            watch.check(where)
        out = None
        if body is not None:
            limit = settings.limits.max_body_bytes
            out = RequestBody(body, length=content_length, max_bytes=limit, starts=expect_continue)
        _frame(headers, method, out, expect=out is not None and expect_continue is not None)
        call = _Call(way, method, target, headers, out, expect_continue is not None, watch)
        try:
            response = await self._sent(call)
        except ExchangeError:
            raise
        except _FOREIGN as error:
            fault = connection_fault(error, where.authority)
            if watch is not None:
                watch.failed(origin, where, fault.code, connected=was_connected(error))
            raise fault from error
        if watch is not None:
            response.on_break = call.broke
            if watch.troubled:
                watch.answered(where)
        return response

    async def _sent(self, call: _Call) -> UpstreamResponse:
        way = call.way
        route, pool = way.route(), way.pool
        if call.body is not None:
            return await self._exchanged(call, route, pool)
        if "Upgrade" in call.headers:
            return await _anew(call, lambda: self._exchanged(call, route, pool))
        wire = pool.resting(route)
        if wire is None:
            return await _anew(call, lambda: self._asked_anew(call, route, pool))
        try:
            return await self._asked(call, route, wire)
        except DISCONNECTED:
            # The origin had closed it meanwhile: nothing was lost but the way there.
            if call.method not in _IDEMPOTENT:
                raise
        return await self._asked_anew(call, route, pool)

    async def _asked_anew(self, call: _Call, route: Route, pool: Pool) -> UpstreamResponse:
        return await self._asked(call, route, await pool.wire(route, call.way.settings.timeouts))

    async def _asked(self, call: _Call, route: Route, wire: Wire) -> UpstreamResponse:
        """No body goes out, and no other protocol may follow."""
        settings, where = call.way.settings, call.way.where
        head = request_head(call.method, call.target_line(route), call.headers)
        message, content = await wire.ask(
            head, bodyless=call.method == "HEAD", limits=settings.limits, timeouts=settings.timeouts, once=call.once
        )
        return UpstreamResponse(
            wire, None, message, content, where=where, max_body_bytes=settings.limits.max_body_bytes
        )

    async def _exchanged(self, call: _Call, route: Route, pool: Pool) -> UpstreamResponse:
        """By a `Channel`: with a body, or into another protocol."""
        settings = call.way.settings
        connection = await pool.connect(route, settings.timeouts)
        try:
            channel = Channel(
                connection,
                bodyless=call.method == "HEAD",
                limits=settings.limits,
                timeouts=settings.timeouts,
                once=call.once,
            )
        except BaseException:
            connection.close()
            raise
        head = request_head(call.method, call.target_line(route), call.headers)
        message, content = await channel.exchange(head, call.body, expect=call.expect, keeper=self._uploads)
        channel.protocol.read_timeout = settings.timeouts.upstream_idle_s
        return UpstreamResponse(
            channel,
            connection,
            message,
            content,
            where=call.way.where,
            max_body_bytes=settings.limits.max_body_bytes,
        )

    def _way(self, settings: Settings, origin: Origin | None, scheme: str, host: str, port: int) -> _Way:
        """How a public address is reached under these settings; the same for every request to it."""
        where = target_of(origin, scheme=scheme, host=host, port=port)
        allowed = origin is not None and origin.allow_private
        chained = settings.upstream_proxy is not None and not allowed
        if chained:
            try:
                check_host(where.host)  # the upstream proxy looks the name up, so this is all that can be judged
            except AddressRefused as error:
                raise connection_fault(error, where.authority) from error
        pool = self._pool(allowed or chained, settings.timeouts.upstream_idle_s)
        plain = Route(where, None, None) if where.scheme != "https" and not chained else None
        way = _Way(settings, origin, where, pool, chained, plain)
        remember(self._ways, (scheme, host, port), way, _MOST_WAYS)
        return way

    def _pool(self, private: bool, stall_s: float) -> Pool:
        """Connections to origins that may be private are never shared with those that may not."""
        pool = self._pools.get(private)
        if pool is None:
            pool = self._pools[private] = Pool(private, self.own_ports, self.resolver, stall_s)
        return pool

    async def close(self) -> None:
        """Close every connection."""
        self._ways.clear()
        await self._uploads.close()
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()


class _Way(NamedTuple):
    """chained: through the upstream proxy, as is everything but what the operator put on a private address of his own.

    plain: the route, where nothing of it may change on disk, as authorities of TLS and the proxy's login may.
    """

    settings: Settings
    origin: Origin | None
    where: Target
    pool: Pool
    chained: bool
    plain: Route | None

    def route(self) -> Route:
        if self.plain is not None:
            return self.plain
        tls = tls_context(self.settings.ca_file, self.origin) if self.where.scheme == "https" else None
        return Route(self.where, tls, proxy_hop(self.settings) if self.chained else None)


class _Call(NamedTuple):
    way: _Way
    method: str
    target: str
    headers: CIMultiDict[str]
    body: RequestBody | None
    expect: bool
    watch: LinkWatch | None

    def broke(self) -> None:
        """The body of the answer stalled or broke off."""
        if self.watch is not None:
            self.watch.broke(self.way.origin, self.way.where)

    @property
    def once(self) -> bool:
        """The connection must not be used again."""
        return logs_in_the_connection(self.headers)

    def target_line(self, route: Route) -> str:
        """The request target: absolute for a proxy that is to read it (RFC 9112 section 3.2.2)."""
        if route.proxy is None or route.tls is not None:
            return self.target
        login = route.proxy.authorization
        if login is not None:
            self.headers["Proxy-Authorization"] = login
        return f"http://{route.target.authority}{self.target}"


async def _anew(call: _Call, ask: Callable[[], Awaitable[UpstreamResponse]]) -> UpstreamResponse:
    """By a connection that aiohttp's pool gives: one that the origin had closed meanwhile lost nothing but the way."""
    fresh: list[bool] = []
    sockets_made.set(fresh)
    try:
        return await ask()
    except DISCONNECTED:
        if fresh or call.method not in _IDEMPOTENT:
            raise
    return await ask()


def _frame(headers: CIMultiDict[str], method: str, body: RequestBody | None, *, expect: bool) -> None:
    """RFC 9112 section 6: exactly one way of saying where the body ends."""
    headers.popall("Transfer-Encoding", None)
    headers.popall("Content-Length", None)
    if body is None:
        if method in _WITH_BODY:
            headers["Content-Length"] = "0"
    elif body.length is None:
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers["Content-Length"] = str(body.length)
    if expect:
        headers["Expect"] = "100-continue"
