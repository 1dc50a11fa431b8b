"""Pooled connections to origins: aiohttp's connector (look-up, happy eyeballs, TLS, chaining, reuse) behind our guard.

aiohttp's `ClientSession` is left out: half of a small request's time went into objects that a proxy has no use for
(cookies, redirects, timers, a request and a response class), and its writer changes header bytes that aren't UTF-8.
What remains of aiohttp here is what a proxy must not write itself: the connector and llhttp's response parser.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

import aiohttp
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from policies.model import Timeouts
from proxy.upstream.address import Target
from proxy.upstream.chain import ProxyHop
from proxy.upstream.guard import GuardedResolver, SocketGuard
from proxy.upstream.wire import Wire

_POOL_IDLE_S = 55.0  # below the 60 s after which common servers close, so that reuse rarely meets a dead one
_DNS_KEPT_S = 30
_ROUTES_KEPT = 2048


class Route(NamedTuple):
    """How to get to a target. tls None: plain; proxy None: directly."""

    target: Target
    tls: ssl.SSLContext | None
    proxy: ProxyHop | None


@dataclass(slots=True)
class Pool:
    """All connections of one trust: those to origins that may be private, or those to everybody else."""

    private: bool
    own_ports: Callable[[], frozenset[int]]
    resolver: aiohttp.abc.AbstractResolver | None = None
    stall_timeout_s: float = 120.0
    _connector: aiohttp.TCPConnector | None = None
    _routes: dict[Route, aiohttp.ClientRequest] = field(default_factory=dict)
    _resting: dict[Route, deque[Wire]] = field(default_factory=dict)

    async def connect(self, route: Route, timeouts: Timeouts) -> Connection:
        """A connection, used before or new. Raises what aiohttp raises."""
        if self._connector is None:
            self._connector = self._made()
        return await self._connector.connect(self._request(route), [], _timeout(timeouts))

    def resting(self, route: Route) -> Wire | None:
        """The connection for requests without a body that was used last; None: none rests."""
        resting = self._resting.get(route)
        while resting:
            wire = resting.pop()
            if wire.usable:
                return wire
        return None

    async def wire(self, route: Route, timeouts: Timeouts) -> Wire:
        """Another such connection. Raises what aiohttp raises."""
        connection = await self.connect(route, timeouts)
        return Wire(connection, partial(self._rests, route))

    def _rests(self, route: Route, wire: Wire) -> None:
        resting = self._resting.get(route)
        if resting is None:
            if len(self._resting) >= _ROUTES_KEPT:
                self._resting = {known: wires for known, wires in self._resting.items() if any(w.usable for w in wires)}
            resting = self._resting[route] = deque()
        while resting and not resting[0].usable:  # the one that has rested longest ends first
            resting.popleft()
        resting.append(wire)

    def _made(self) -> aiohttp.TCPConnector:
        guard = SocketGuard(own_ports=self.own_ports, allow_private=self.private, stall_timeout_s=self.stall_timeout_s)
        return aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_POOL_IDLE_S,
            ttl_dns_cache=_DNS_KEPT_S,
            resolver=GuardedResolver(guard, self.resolver),
            socket_factory=guard,
        )

    def _request(self, route: Route) -> aiohttp.ClientRequest:
        """What the connector wants to know of a request; the same for every request on one route."""
        known = self._routes.get(route)
        if known is None:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            known = self._routes[route] = _template(route)
        return known

    async def close(self) -> None:
        for wires in self._resting.values():
            for wire in wires:
                wire.close()
        self._resting.clear()
        if self._connector is not None:
            await self._connector.close()
            self._connector = None


def _template(route: Route) -> aiohttp.ClientRequest:
    where = route.target
    hop = route.proxy
    login = hop.authorization if hop is not None else None
    return aiohttp.ClientRequest(
        "GET",
        URL(f"{where.scheme}://{where.authority}", encoded=True),
        headers={"Host": where.authority},
        loop=asyncio.get_running_loop(),
        ssl=route.tls if route.tls is not None else True,
        server_hostname=where.tls_name if route.tls is not None else None,
        proxy=hop.address if hop is not None else None,
        # With the Host that aiohttp would add to them: they are part of what a pooled connection is found by.
        proxy_headers=CIMultiDict({"Host": where.authority, "Proxy-Authorization": login}) if login else None,
    )


@lru_cache(maxsize=8)
def _timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    # aiohttp has one clock for the TCP and the TLS handshake.
    return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect_s + timeouts.tls_s)
