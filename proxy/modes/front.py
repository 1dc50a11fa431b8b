"""The peeking front: accepts, looks at the first bytes, and hands each connection to what it is.

 accept → PROXY header → TLS → CONNECT → HTTP server ─ CONNECT on a used connection ┐
              ↑_____________________________________________________________________┘
Laws: a listener survives every reload (the catalogue is asked for at each request); nothing that a client does makes a
traceback; every connection is counted and bounded in time; closing lets running exchanges finish first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD

from policies.model import Catalogue, Limits, Listener
from proxy.clock import Clock
from proxy.errors import ExchangeError, Fault, overloaded
from proxy.exchange import Inbound
from proxy.live.duplex import Handed, taken_from_client
from proxy.modes.accepting import accept_forever, listen
from proxy.modes.addresses import client_address
from proxy.modes.connection import ClientGone, Connection, address_of
from proxy.modes.doors import AdmissionDoor, ConnectDoor, Door, HttpDoor, ProxyHeaderDoor, TlsDoor
from proxy.modes.forward import Forward
from proxy.modes.known_heads import KnownHead, KnownHeads
from proxy.modes.protocol import ClientProtocol
from proxy.modes.reclaim import reclaim
from proxy.modes.refusal import raw_answer, small_answer
from proxy.modes.reverse import Reverse
from proxy.modes.seen import Mode, Seen
from proxy.modes.shares import Shares
from proxy.modes.strict import check
from proxy.modes.tls import certificate_of
from proxy.modes.tunnel import ESTABLISHED, Refusal, TunnelGate, Tunnels
from proxy.tasks import TaskKeeper
from proxy.upstream.dial import Dial

logger = logging.getLogger("tropa.wire")
Handler = Callable[[Inbound], Awaitable[web.StreamResponse]]


class AtOnce(Protocol):
    """Answers in the same turn of the loop what needs no waiting."""

    def may_answer(self, target: str) -> bool:
        """Whether there is any hope of it; asked for every request, so it may err."""
        ...

    def at_once(self, inbound: Inbound) -> bool:
        """Whether it has; False: nothing was written."""
        ...


class Never:
    """All goes to the handler."""

    def may_answer(self, target: str) -> bool:
        return False

    def at_once(self, inbound: Inbound) -> bool:
        return False


_SWEEP_S = 5.0
_READ_BUFFER_BYTES = 16384
_NEVER_S = 10 * 365 * 86400.0  # aiohttp's own idle timer, which knows nothing of slow heads; the sweep does


class Front:
    """One listener.

    handler      answers every readable exchange (the pipeline)
    at_once      answers some in the same turn of the loop, and leaves the others to the handler
    tunnel_gate  decides about CONNECT in forward mode
    pseudonym    ours in Via: unique to this process, the same in all its parts
    exchanges    running now
    port         the one in use, once started
    """

    def __init__(
        self,
        listener: Listener,
        *,
        handler: Handler,
        tunnel_gate: TunnelGate,
        catalogue: Callable[[], Catalogue],
        clock: Clock,
        keeper: TaskKeeper,
        pseudonym: str,
        dial: Dial | None = None,
        at_once: AtOnce | None = None,
    ) -> None:
        self.listener = listener
        self._handler = handler
        self._at_once = at_once if at_once is not None else Never()
        self._catalogue = catalogue
        self._clock = clock
        self._keeper = keeper
        self._mode: Mode = (Forward if listener.mode == "forward" else Reverse)(pseudonym)
        self.tunnels = Tunnels(
            tunnel_gate, dial or Dial(catalogue, lambda: frozenset({self.port})), catalogue, clock, pseudonym
        )
        self._certificate = certificate_of(listener)
        self._sockets: list[socket.socket] = []
        self._server: web.Server | None = None
        self._options: dict[str, object] = {}
        self._protocols: set[ClientProtocol] = set()
        self._heads = KnownHeads()
        self._shares = Shares()
        self._entering = 0
        self.exchanges = 0
        self._jobs: list[asyncio.Task[None]] = []
        self._carrying: set[asyncio.Task[None]] = set()
        self.port = listener.port
        self._doors: tuple[Door, ...] = (
            ProxyHeaderDoor(listener=listener, deadline_s=self._head_deadline_s),
            TlsDoor(certificate=self._certificate),
            AdmissionDoor(admits=self._admits, deadline_s=self._head_deadline_s),
            ConnectDoor(listener=listener, tunnels=self.tunnels, catalogue=catalogue, deadline_s=self._head_deadline_s),
            HttpDoor(serve=self._serve),
        )

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen and accept. Raises OSError naming the address that can't be listened on."""
        self._sockets = listen(self.listener.host, self.listener.port)
        self.port = self._sockets[0].getsockname()[1]
        limits = self._catalogue().settings.limits
        self._server = web.Server(self._handle)
        self._options = {
            "loop": asyncio.get_running_loop(),
            "access_log": None,
            "logger": logger,
            "auto_decompress": False,
            "keepalive_timeout": _NEVER_S,
            "read_bufsize": _READ_BUFFER_BYTES,
            "max_line_size": limits.max_header_bytes,
            "max_field_size": limits.max_header_bytes,
            "lingering_time": 5.0,
        }
        for sock in self._sockets:
            self._jobs.append(
                self._keeper.start(accept_forever(sock, self._arrived, self._clock), name=f"accept:{self.port}")
            )
        self._jobs.append(self._keeper.start(self._sweep(), name=f"sweep:{self.port}"))

    async def stop_accepting(self) -> None:
        """Give the port free; what runs goes on."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        for sock in self._sockets:
            sock.close()

    async def close(self, drain_s: float) -> None:
        """Stop accepting; let what runs finish for at most drain_s seconds; then end it."""
        await self.stop_accepting()
        for protocol in list(self._protocols):
            protocol.close() if protocol.exchanges else protocol.force_close()
        deadline_s = self._clock.steady_s() + drain_s
        while self._busy() and self._clock.steady_s() < deadline_s:  # noqa: ASYNC110 - once in a process's life
            await asyncio.sleep(0.02)
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        if self._server is not None:
            await self._server.shutdown(0.1)

    def _busy(self) -> bool:
        return self.tunnels.open_count > 0 or self.exchanges > 0

    def reload_certificate(self) -> None:
        """New connections get the certificate as it is on disk now. Raises OSError, ssl.SSLError: the old one stays."""
        if self._certificate is not None:
            self._certificate.reload()

    @property
    def connections(self) -> int:
        """Open now: entering, HTTP and tunnels."""
        return self._entering + len(self._protocols)

    # -- a connection --------------------------------------------------------------------------------------

    def _arrived(self, sock: socket.socket) -> None:
        try:
            sock.setblocking(False)
            peer = address_of(sock.getpeername())
            _keep_patience(sock, self._catalogue().settings.timeouts.client_idle_s)
        except OSError:
            sock.close()
            return
        if self.connections >= self._catalogue().settings.limits.max_connections and not self._make_room():
            sock.close()
            return
        self._enter_later(Connection(sock, peer))

    def _enter_later(self, connection: Connection) -> None:
        task = self._keeper.start(self._enter(connection), name="connection")
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _enter(self, connection: Connection) -> None:
        """Try the doors in their order."""
        self._entering += 1
        taken = False
        try:
            for door in self._doors:
                if taken := await door.enter(connection):
                    break
        except (ClientGone, OSError):
            pass
        finally:
            self._entering -= 1
            if not taken:
                connection.close()

    def _head_deadline_s(self) -> float:
        return asyncio.get_running_loop().time() + self._catalogue().settings.timeouts.request_head_s

    def _admits(self, connection: Connection) -> bool:
        client = connection.told if connection.told is not None else connection.peer
        return self._mode.admits(client, self._catalogue(), self.listener)

    async def _serve(self, connection: Connection) -> None:
        """Hand the socket to the HTTP server; this coroutine ends and leaves no memory behind."""
        server = self._server
        assert server is not None
        seen = Seen(peer=connection.peer, told=connection.told, tls=connection.tls is not None)

        def protocol() -> ClientProtocol:
            return ClientProtocol(
                server,
                seen=seen,
                clock=self._clock,
                home=self._protocols,
                heads=self._heads,
                at_once=self._answered_at_once,
                **self._options,
            )

        tls = connection.tls
        handshake_s = self._catalogue().settings.timeouts.tls_s if tls is not None else None
        _, made = await asyncio.get_running_loop().connect_accepted_socket(
            protocol, connection.sock, ssl=tls, ssl_handshake_timeout=handshake_s
        )
        if connection.pushback:
            made.data_received(connection.pushback)

    # -- a request -----------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = cast(ClientProtocol, request.protocol)
        protocol.begin()
        self.exchanges += 1
        try:
            return await self._answered(request, protocol.seen)
        except ExchangeError as error:
            logger.debug("refused: %s", error)
            return small_answer(error.status, code=error.code, retry_after_s=error.retry_after_s)
        finally:
            self.exchanges -= 1
            protocol.end()

    async def _answered(self, request: web.BaseRequest, seen: Seen) -> web.StreamResponse:
        catalogue = self._catalogue()
        self._check(request, catalogue.settings.limits)
        if request.method == "CONNECT":
            return await self._connect_on_used(request, seen)
        if self.exchanges > catalogue.settings.limits.max_exchanges:
            raise overloaded(f"{self.exchanges} exchanges")
        inbound = self._mode.inbound(request, seen, catalogue, self.listener)
        holder = self._shares.take(inbound.client.address, catalogue.settings.limits.max_exchanges)
        try:
            return await self._handler(inbound)
        finally:
            self._shares.give_back(holder)

    def _answered_at_once(self, protocol: ClientProtocol, message: RawRequestMessage, known: KnownHead) -> bool:
        """Whether nothing is left to do for a request whose head was read before."""
        if not self._at_once.may_answer(message.path):
            return False
        catalogue = self._catalogue()
        if not known.is_within(message.path, catalogue.settings.limits):
            return False
        request = protocol.request_of(message, EMPTY_PAYLOAD)
        if request is None:
            return False
        try:
            return self._at_once.at_once(self._mode.inbound(request, protocol.seen, catalogue, self.listener))
        except ExchangeError:
            return False  # said on the ordinary way

    @staticmethod
    def _check(request: web.BaseRequest, limits: Limits) -> None:
        known = cast(ClientProtocol, request.protocol).known
        if known is None or not known.is_within(request.raw_path, limits):
            check(request, limits)
            if known is not None:
                known.checked = limits

    async def _connect_on_used(self, request: web.BaseRequest, seen: Seen) -> web.StreamResponse:
        """CONNECT after plain requests goes back through the doors; within TLS it is carried here."""
        if self.listener.mode != "forward":
            raise ExchangeError("method-unknown", 405, Fault.CLIENT, "CONNECT to a site")
        if not seen.tls:
            self._enter_later(await reclaim(request, seen))
            return Handed(200)
        settings = self._catalogue().settings
        client = client_address(seen.peer, seen.told, request.headers, settings.trusted_proxies)
        tunnel = self.tunnels.understand(request.raw_path, request.headers, client, self.listener)
        granted = await self.tunnels.admit(tunnel)
        if isinstance(granted, Refusal):
            answer = small_answer(granted.status)
            answer.headers.extend(granted.headers)
            if granted.body is not None:
                answer.body = granted.body
            return answer
        terms, origin = granted
        duplex = taken_from_client(request)
        try:
            await duplex.write(ESTABLISHED)
        except ConnectionError:
            origin.abort()
        await self.tunnels.carry(duplex, origin, terms)
        return Handed(200)

    # -- time ----------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """End what has been idle, or at a request head or body, for too long."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            timeouts = self._catalogue().settings.timeouts
            now_s = self._clock.steady_s()
            for protocol in list(self._protocols):
                if protocol.transport is None:
                    continue
                if protocol.exchanges:
                    if protocol.uploading and now_s - protocol.quiet_s > timeouts.client_idle_s:
                        protocol.transport.abort()
                elif protocol.head_s is not None:
                    if now_s - protocol.head_s > timeouts.request_head_s:
                        self._too_slow(protocol)
                elif now_s - protocol.quiet_s > timeouts.keep_alive_s:
                    protocol.force_close()

    def _too_slow(self, protocol: ClientProtocol) -> None:
        if protocol.transport is not None:
            protocol.transport.write(raw_answer(408))
        protocol.force_close()

    def _make_room(self) -> bool:
        """Close the tenth of the idle connections that has been idle longest. False: none is idle."""
        idle = [protocol for protocol in self._protocols if not protocol.exchanges and protocol.head_s is None]
        idle.sort(key=lambda protocol: protocol.quiet_s)
        for protocol in idle[: len(idle) // 10 + 1]:
            protocol.force_close()
        return bool(idle)


def _keep_patience(sock: socket.socket, stall_s: float) -> None:
    """The kernel gives a client up that has taken nothing for stall_s seconds, though bytes are waiting for it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall_s * 1000))
