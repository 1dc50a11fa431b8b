"""One accepted connection before it is known what it speaks.

Laws: looking (`peek`) consumes nothing; a slow client is waited for until the deadline and no longer; waiting never
spins (SO_RCVLOWAT says how many bytes make the socket readable).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address

from proxy.exchange import IPAddress

# A request head or a ClientHello is judged by its first bytes; CONNECT's whole head must fit max_header_bytes.
_LARGEST_PEEK_BYTES = 65536


class ClientGone(Exception):
    """The client ended, was lost or was too slow before it said what it wants."""


@dataclass(slots=True)
class Connection:
    """A socket and what is known of it so far. Doors change `told` and `tls`.

    peer      the address at the other end, None for a Unix socket
    told      the client's address by a believed PROXY header, None without one
    tls       the context to speak TLS with, once a door decided so
    pushback  bytes taken from the socket already, to be seen first
    served    a request on this connection has been answered before
    """

    sock: socket.socket
    peer: IPAddress | None
    told: IPAddress | None = None
    tls: ssl.SSLContext | None = None
    pushback: bytes = b""
    served: bool = False
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def peek(self, at_least: int, deadline_s: float) -> bytes:
        """The first bytes, at_least of them, or fewer if the client has said its last.

        deadline_s is on the event loop's clock. Raises ClientGone.
        """
        missing = at_least - len(self.pushback)
        if missing <= 0:
            return self.pushback
        self._low_water(missing)
        try:
            while True:
                seen = self._look()
                if seen is not None and (len(seen) >= missing or self._ended(seen)):
                    return self.pushback + seen
                await self._readable(deadline_s)
        finally:
            self._low_water(1)

    def take(self, count: int) -> bytes:
        """Consume bytes that were seen."""
        taken, self.pushback = self.pushback[:count], self.pushback[count:]
        while len(taken) < count:
            more = self.sock.recv(count - len(taken))
            if not more:
                raise ClientGone
            taken += more
        return taken

    def _look(self) -> bytes | None:
        try:
            return self.sock.recv(_LARGEST_PEEK_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ClientGone from error

    def _ended(self, seen: bytes) -> bool:
        if not seen and not self.pushback:
            raise ClientGone
        # More than it has sent will not come: readable though the low-water mark isn't reached means end of stream.
        return not seen or self._half_closed()

    def _half_closed(self) -> bool:
        state = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state == _TCP_CLOSE_WAIT

    async def _readable(self, deadline_s: float) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self.sock.fileno(), _wake, ready)
        try:
            async with asyncio.timeout_at(deadline_s):
                await ready
        except TimeoutError as error:
            raise ClientGone from error
        finally:
            self._loop.remove_reader(self.sock.fileno())

    def _low_water(self, count: int) -> None:
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
        except OSError as error:
            raise ClientGone from error

    def close(self) -> None:
        self.sock.close()


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


_TCP_CLOSE_WAIT = 8  # enum in linux/tcp_states.h


def address_of(peername: object) -> IPAddress | None:
    """A socket's peer name as an address; an IPv4 client on an IPv6 listener is an IPv4 client."""
    if not isinstance(peername, tuple) or not peername:
        return None
    address = ip_address(str(peername[0]).split("%", 1)[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
