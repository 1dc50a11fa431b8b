"""What an accepted connection may turn out to be, in the order in which it is tried.

A door looks at the first bytes. It returns True when it has taken the connection for good, False when the next door
is to look (it may have changed the connection meanwhile: an address learnt, a layer of TLS decided). Decryption and
redirected traffic are further doors: a file and a line in `Front`'s list each.
"""

from __future__ import annotations

import asyncio
import logging
import socket
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
_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_V1_BYTES = 107  # the PROXY protocol, section 2.1
_LONGEST_V2_BYTES = 4096  # addresses and many TLVs
_CONNECT = b"CONNECT "
_FAULTY = (ValueError, proxyprotocol.ProxyProtocolIncompleteError, proxyprotocol.ProxyProtocolChecksumError)


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
        header = connection.take(await self._header_bytes(connection))
        try:
            result = ProxyProtocolDetect().unpack(header)
        except _FAULTY as error:
            raise self._missing(connection) from error
        if is_ipv4(result) or is_ipv6(result):
            connection.told = result.source[0]
        return False

    async def _header_bytes(self, connection: Connection) -> int:
        """How long the header is; all of it has arrived."""
        deadline_s = self.deadline_s()
        seen = await connection.peek(16, deadline_s)
        if seen.startswith(_V2):
            length = 16 + int.from_bytes(seen[14:16], "big")
            if length > _LONGEST_V2_BYTES or len(await connection.peek(length, deadline_s)) < length:
                raise self._missing(connection)
            return length
        while (end := seen.find(b"\r\n")) < 0 and seen.startswith(b"PROXY ") and len(seen) < _LONGEST_V1_BYTES:
            before = len(seen)
            seen = await connection.peek(before + 1, deadline_s)
            if len(seen) == before:
                break
        if end < 0 or not seen.startswith(b"PROXY "):
            raise self._missing(connection)
        return end + 2

    def _missing(self, connection: Connection) -> ClientGone:
        logger.warning("no PROXY header from %s, which must send one on %s", connection.peer, self.listener.name)
        return ClientGone()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionDoor:
    """Sends away whoever may not use this listener."""

    admits: Callable[[Connection], bool]
    deadline_s: Callable[[], float]

    async def enter(self, connection: Connection) -> bool:
        if connection.served or self.admits(connection):
            return False
        seen = await connection.peek(1, self.deadline_s())
        connection.take(len(seen))  # bytes left unread would turn the close into a reset
        if connection.tls is None:
            await _answer(connection, raw_answer(403))
            connection.sock.shutdown(socket.SHUT_WR)
        raise ClientGone


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
