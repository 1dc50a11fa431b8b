"""Raw connections to origins, for tunnels: through the same guard and the same upstream proxy as everything else.

Laws: what the guard refuses is never connected to; past the upstream proxy goes only what the operator put on a private
address; foreign exceptions end here, in ExchangeError.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

import aiohappyeyeballs
import aiohttp

from policies.model import Catalogue, Origin
from proxy.errors import ExchangeError, upstream_name, upstream_timeout, upstream_unreachable
from proxy.live.duplex import Duplex, duplex_of_socket
from proxy.upstream.chain import ProxyHop, proxy_hop
from proxy.upstream.faults import connection_fault
from proxy.upstream.guard import AddressInfo, SocketGuard, check_host

_HAPPY_DELAY_S = 0.25  # RFC 8305 section 8
_LARGEST_PROXY_ANSWER_BYTES = 8192


@dataclass(slots=True)
class Dial:
    """Connects. resolver replaces the system's look-up (tests); None: the system's."""

    catalogue: Callable[[], Catalogue]
    own_ports: Callable[[], frozenset[int]] = frozenset
    resolver: aiohttp.abc.AbstractResolver | None = None

    async def connect(self, host: str, port: int, *, origin: Origin | None) -> Duplex:
        """A connection to host:port. Raises ExchangeError."""
        settings = self.catalogue().settings
        private = origin is not None and origin.allow_private
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        timer = asyncio.timeout(settings.timeouts.connect_s)
        try:
            async with timer:
                if not private:
                    check_host(host)
                hop = None if private else proxy_hop(settings)
                if hop is not None:
                    return await self._through(hop, authority)
                return await duplex_of_socket(await self._socket(host, port, private), server_side=False)
        except ExchangeError:
            raise
        except TimeoutError as error:
            raise upstream_timeout(f"{authority}: not connected in time") from error
        except OSError as error:
            raise connection_fault(error, authority) from error

    async def _socket(self, host: str, port: int, private: bool) -> socket.socket:
        timeouts = self.catalogue().settings.timeouts
        guard = SocketGuard(own_ports=self.own_ports, allow_private=private, stall_timeout_s=timeouts.tunnel_idle_s)
        infos = await self._look_up(host, port)
        for info in infos:
            guard.check(str(info[4][0]), int(info[4][1]))
        return await aiohappyeyeballs.start_connection(
            infos,
            happy_eyeballs_delay=_HAPPY_DELAY_S,
            interleave=1,
            socket_factory=guard,
        )

    async def _look_up(self, host: str, port: int) -> list[AddressInfo]:
        try:
            if self.resolver is not None:
                found = await self.resolver.resolve(host, port)
                return [_info(entry["host"], port) for entry in found]
            loop = asyncio.get_running_loop()
            return [
                (family, kind, protocol, name, address)  # type: ignore[misc]
                for family, kind, protocol, name, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            ]
        except socket.gaierror as error:
            raise upstream_name(f"{host}: {error.strerror}") from error

    async def _through(self, hop: ProxyHop, authority: str) -> Duplex:
        """CONNECT at the upstream proxy, which is the operator's and may be private."""
        connected = await self._socket(hop.host, hop.port, True)
        duplex = await duplex_of_socket(connected, server_side=False)
        try:
            lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
            if hop.authorization is not None:
                lines.append(f"Proxy-Authorization: {hop.authorization}")
            await duplex.write("\r\n".join((*lines, "", "")).encode())
            head = await duplex.read_head(_LARGEST_PROXY_ANSWER_BYTES)
        except BaseException:
            duplex.abort()
            raise
        status = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if status is None or not 200 <= int(status[1]) < 300:
            duplex.abort()
            said = head.split(b"\r\n", 1)[0][:80].decode("latin-1")
            raise upstream_unreachable(f"{authority}: the upstream proxy answered {said!r}")
        return duplex


def _info(address: str, port: int) -> AddressInfo:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
