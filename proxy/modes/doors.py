"""What an accepted connection may turn out to be, in the order in which it is tried.

A door looks at the first bytes. It returns True when it has taken the connection for good, False when the next door
is to look (it may have changed the connection meanwhile: an address learnt, a layer of TLS decided). Decryption and
redirected traffic are further doors: a file and a line in `Front`'s list each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import proxyprotocol
from proxyprotocol.detect import ProxyProtocolDetect
from proxyprotocol.result import is_ipv4, is_ipv6

from policies.model import Catalogue, Listener
from proxy.errors import ExchangeError
from proxy.live.duplex import duplex_of_socket
from proxy.modes.addresses import client_address, in_networks
from proxy.modes.connection import ClientGone, Connection
from proxy.modes.refusal import raw_answer
from proxy.modes.tls import Certificate
from proxy.modes.tunnel import ESTABLISHED, Refusal, Tunnels, parse_connect

logger = logging.getLogger("tropa.wire")
_LONGEST_PROXY_HEADER_BYTES = 4096  # v2 with many TLVs; v1 is 107 at most
_CONNECT = b"CONNECT "


class Door(Protocol):
    async def enter(self, connection: Connection) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeaderDoor:
    """Takes the PROXY header off, required from listed fronts and not looked for from anybody else."""

    listener: Listener
    deadline_s: Callable[[], float]

    async def enter(self, connection: Connection) -> bool:
        networks = self.listener.proxy_protocol_from
        if not networks or connection.served or not in_networks(connection.peer, networks):
            return False
        deadline_s, wanted = self.deadline_s(), 16
        while True:
            seen = await connection.peek(wanted, deadline_s)
            try:
                result = ProxyProtocolDetect().unpack(seen)
                break
            except proxyprotocol.ProxyProtocolIncompleteError as error:
                missing = error.want_read.want_bytes or 1
                if len(seen) < wanted or wanted > _LONGEST_PROXY_HEADER_BYTES:
                    raise ClientGone from error
                wanted = len(seen) + missing
            except (ValueError, proxyprotocol.ProxyProtocolChecksumError) as error:
                logger.warning("no PROXY header from %s, which must send one", connection.peer)
                raise ClientGone from error
        connection.take(_header_length(seen))
        if is_ipv4(result) or is_ipv6(result):
            connection.told = result.source[0]
        return False


def _header_length(seen: bytes) -> int:
    if seen.startswith(b"PROXY "):
        return seen.index(b"\r\n") + 2
    return 16 + int.from_bytes(seen[14:16], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsDoor:
    """A listener with a certificate speaks TLS with everybody."""

    certificate: Certificate | None

    async def enter(self, connection: Connection) -> bool:
        if self.certificate is not None:
            connection.tls = self.certificate.context
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectDoor:
    """Takes a CONNECT of the explicit proxy and carries its tunnel to the end."""

    listener: Listener
    tunnels: Tunnels
    catalogue: Callable[[], Catalogue]
    deadline_s: Callable[[], float]

    async def enter(self, connection: Connection) -> bool:
        if self.listener.mode != "forward" or connection.tls is not None:
            return False
        while True:
            seen = await connection.peek(len(_CONNECT), self.deadline_s())
            if not seen.startswith(_CONNECT):
                return False
            head = await self._head(connection, seen)
            if await self._served(connection, head):
                return True

    async def _head(self, connection: Connection, seen: bytes) -> bytes:
        deadline_s = self.deadline_s()
        limit = self.catalogue().settings.limits.max_header_bytes
        while (end := seen.find(b"\r\n\r\n")) < 0:
            before = len(seen)
            seen = await connection.peek(before + 1, deadline_s)
            if before > limit or len(seen) == before:
                raise ClientGone
        return connection.take(end + 4)

    async def _served(self, connection: Connection, head: bytes) -> bool:
        """True: the tunnel was carried and is over. False: refused, the client may ask for something else."""
        try:
            target, headers = parse_connect(head)
            settings = self.catalogue().settings
            client = client_address(connection.peer, connection.told, headers, settings.trusted_proxies)
            request = self.tunnels.understand(target, headers, client, self.listener)
            granted = await self.tunnels.admit(request)
        except ExchangeError as error:
            granted = Refusal(status=error.status, headers=(("Tropa-Error", error.code),))
        if isinstance(granted, Refusal):
            await _answer(connection, raw_answer(granted.status, headers=granted.headers, body=granted.body))
            return False
        terms, origin = granted
        early, connection.pushback = connection.pushback, b""
        client_side = await duplex_of_socket(connection.sock, server_side=True, pushback=early)
        try:
            await client_side.write(ESTABLISHED)
        except ConnectionError:
            origin.abort()
        await self.tunnels.carry(client_side, origin, terms)
        return True


async def _answer(connection: Connection, answer: bytes) -> None:
    try:
        async with asyncio.timeout(30):
            await asyncio.get_running_loop().sock_sendall(connection.sock, answer)
    except (OSError, TimeoutError) as error:
        raise ClientGone from error


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpDoor:
    """Everything else is HTTP, and the server says so if it isn't."""

    serve: Callable[[Connection], Awaitable[None]]

    async def enter(self, connection: Connection) -> bool:
        await self.serve(connection)
        return True
