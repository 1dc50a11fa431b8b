"""The origin's side of every exchange: one `Upstream` per process.

Laws: the target goes out exactly as received; nothing is decompressed, redirected or remembered (no cookies); only a
bodyless idempotent request is sent twice, and only where the first one met a connection that had died in the pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from policies.model import Catalogue, Origin, Settings
from proxy.errors import ExchangeError, upstream_malformed
from proxy.upstream.address import Target, target_of
from proxy.upstream.body import RequestBody
from proxy.upstream.faults import connection_fault
from proxy.upstream.guard import GuardedResolver, SocketGuard, check_host, sockets_made
from proxy.upstream.raw_head import RawWriter
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.trust import tls_context

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# aiohttp would add these of its own.
_NOT_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_READ_BUFFER_BYTES = 16384  # small, so that a slow reader holds little (0.3 MB measured against 0.5 to 1.0)
_POOL_IDLE_S = 55.0  # below the 60 s after which common servers close, so that reuse rarely meets a dead one
_EXPECT_WAIT_S = 5.0  # RFC 9110 section 10.1.1: don't wait for ever on an origin that ignores Expect


@dataclass(slots=True)
class Upstream:
    """Opens exchanges with origins.

    catalogue  the settings in force, asked at each request
    own_ports  the ports that Tropa listens on: never a target
    resolver   replaces the system's look-up (tests); None: the system's
    """

    catalogue: Callable[[], Catalogue]
    own_ports: Callable[[], frozenset[int]] = frozenset
    resolver: aiohttp.abc.AbstractResolver | None = None
    _sessions: dict[bool, aiohttp.ClientSession] = field(default_factory=dict)
    _ignores_expect: set[tuple[str, int]] = field(default_factory=set)

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
    ) -> UpstreamResponse:
        """Send a request and wait for the response's head.

        scheme, host, port  of the public URL; an origin with an `upstream` of its own is connected to there
        target              raw path and query
        headers             final and end-to-end, Host included
        content_length      of a body that streams; None: it goes out in chunks
        expect_continue     the client waits for 100: called when the origin says so (or has ignored Expect for 5 s)

        Raises ExchangeError.
        """
        settings = self.catalogue().settings
        where = target_of(origin, scheme=scheme, host=host, port=port)
        out = RequestBody.of(body, max_bytes=settings.limits.max_body_bytes, starts=expect_continue)
        if content_length is not None and out is not None:
            headers["Content-Length"] = str(content_length)
        call = _Call(settings=settings, origin=origin, where=where, method=method, target=target, headers=headers)
        if out is None or expect_continue is None or (where.host, where.port) in self._ignores_expect:
            return await self._sent(call, out)
        return await self._expecting(call, out)

    async def _expecting(self, call: _Call, out: RequestBody) -> UpstreamResponse:
        """With Expect: 100-continue. The body's first pull is the origin's word that it wants it."""
        timer = asyncio.timeout(_EXPECT_WAIT_S)
        try:
            async with timer:
                out.on_start = lambda: timer.reschedule(None)
                return await self._sent(call, out, expect=True)
        except TimeoutError:
            if not timer.expired() or out.started:
                raise
        out.on_start = None
        # Nothing of the body was sent and that connection is closed, so nothing is done twice.
        if len(self._ignores_expect) < 1000:
            self._ignores_expect.add((call.where.host, call.where.port))
        return await self._sent(call, out)

    async def _sent(self, call: _Call, out: RequestBody | None, *, expect: bool = False) -> UpstreamResponse:
        fresh: list[bool] = []
        sockets_made.set(fresh)
        try:
            return await self._once(call, out, expect)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if fresh or out is not None or call.method not in _IDEMPOTENT:
                raise self._fault(error, call, out) from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise self._fault(error, call, out) from error
        try:
            return await self._once(call, out, expect)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise self._fault(error, call, out) from error

    async def _once(self, call: _Call, out: RequestBody | None, expect: bool) -> UpstreamResponse:
        settings, where = call.settings, call.where
        raw = await self._session(call).request(
            call.method,
            URL(f"{where.scheme}://{where.authority}{call.target}", encoded=True),
            headers=call.headers,
            data=out.data if out is not None else None,
            expect100=expect,
            allow_redirects=False,
            timeout=_timeout(settings),
            ssl=tls_context(settings.ca_file, call.origin) if where.scheme == "https" else True,
            server_hostname=where.tls_name if where.scheme == "https" else None,
            proxy=settings.upstream_proxy if call.chained else None,
        )
        if (why := _misframed(raw)) is not None:
            raw.close()
            raise upstream_malformed(f"{where.authority}: {why}")
        if settings.timeouts.upstream_idle_s != settings.timeouts.response_head_s and raw.connection is not None:
            protocol = raw.connection.protocol
            if protocol is not None:
                protocol.read_timeout = settings.timeouts.upstream_idle_s
        return UpstreamResponse(raw, target=where.authority, max_body_bytes=settings.limits.max_body_bytes)

    def _fault(self, error: BaseException, call: _Call, out: RequestBody | None) -> ExchangeError:
        if out is not None and out.failure is not None:
            return out.failure
        return connection_fault(error, call.where.authority)

    def _session(self, call: _Call) -> aiohttp.ClientSession:
        """Connections to origins that may be private are never shared with those that may not."""
        allowed = call.origin is not None and call.origin.allow_private
        if call.chained and not allowed:
            check_host(call.where.host)  # the upstream proxy looks the name up, so this is all that can be judged
        private = allowed or call.chained
        session = self._sessions.get(private)
        if session is None:
            session = self._sessions[private] = self._made(private, call.settings)
        return session

    def _made(self, private: bool, settings: Settings) -> aiohttp.ClientSession:
        guard = SocketGuard(
            own_ports=self.own_ports, allow_private=private, stall_timeout_s=settings.timeouts.upstream_idle_s
        )
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_POOL_IDLE_S,
            ttl_dns_cache=30,
            resolver=GuardedResolver(guard, self.resolver),
            socket_factory=guard,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_OURS,
            read_bufsize=_READ_BUFFER_BYTES,
            max_line_size=settings.limits.max_header_bytes,
            max_field_size=settings.limits.max_header_bytes,
            timeout=_NO_TIMEOUT,
        )
        aiohttp.client_reqrep.StreamWriter = RawWriter  # type: ignore[attr-defined]
        session._retry_connection = False  # aiohttp would repeat DELETE and PUT, and on fresh connections too
        return session

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    settings: Settings
    origin: Origin | None
    where: Target
    method: str
    target: str
    headers: CIMultiDict[str]

    @property
    def chained(self) -> bool:
        """Through the upstream proxy: everything but what the operator put on a private address of his own."""
        private = self.origin is not None and self.origin.allow_private
        return self.settings.upstream_proxy is not None and not private


def _timeout(settings: Settings) -> aiohttp.ClientTimeout:
    timeouts = settings.timeouts
    # aiohttp has one clock for the TCP and the TLS handshake; its read clock starts when the request is out.
    return aiohttp.ClientTimeout(
        total=None, sock_connect=timeouts.connect_s + timeouts.tls_s, sock_read=timeouts.response_head_s
    )


def _misframed(raw: aiohttp.ClientResponse) -> str | None:
    """Why the response's length can't be told for sure (RFC 9112 section 6.3), or None."""
    lengths = raw.headers.getall("Content-Length", ())
    if len(set(lengths)) > 1:
        return f"contradictory Content-Length {', '.join(lengths)}"
    codings = raw.headers.getall("Transfer-Encoding", ())
    if lengths and codings:
        return "both Content-Length and Transfer-Encoding"
    if codings and (len(codings) > 1 or codings[0].strip().lower() != "chunked"):
        return f"Transfer-Encoding {', '.join(codings)}"
    return None
