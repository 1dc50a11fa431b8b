"""Which addresses a learner's request may make this machine connect to (server-side request forgery).

Laws: an address is judged where it is connected to, after the look-up and with no second one; whatever is not
plainly public is refused; an address inside another one (IPv4 within IPv6) is judged too. Only an origin that
the operator marked `allow_private` is exempt, and even that one never reaches our own listeners.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import aiohttp

IPAddress = IPv4Address | IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

# Not public though `is_global` may say so, each with its source.
_CLOSED = (
    IPv4Network("0.0.0.0/8"),  # this network, RFC 1122
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT, RFC 6598
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890 (192.0.0.192: metadata of Oracle's cloud)
    IPv4Network("192.31.196.0/24"),  # AS112, RFC 7535
    IPv4Network("192.52.193.0/24"),  # AMT, RFC 7450
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("192.175.48.0/24"),  # AS112, RFC 7534
    IPv4Network("198.18.0.0/15"),  # benchmarking, RFC 2544
    IPv4Network("168.63.129.16/32"),  # Azure's platform address: public by number, internal by use
    IPv4Network("240.0.0.0/4"),  # reserved
    IPv6Network("100::/64"),  # discard, RFC 6666
    IPv6Network("2001::/23"),  # protocol assignments (Teredo, ORCHID …), RFC 2928
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
    IPv6Network("5f00::/16"),  # segment routing, RFC 9602
    IPv6Network("fc00::/7"),
    IPv6Network("fe80::/10"),
    IPv6Network("fec0::/10"),  # site-local, deprecated but still routed by some
    IPv6Network("ff00::/8"),
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")  # RFC 2765
_ISATAP = (0x00005EFE, 0x02005EFE)  # interface identifier's upper half, RFC 5214 section 6.1
# Set by whoever must know whether its request went out on a new connection: a line for each socket made.
sockets_made: ContextVar[list[bool] | None] = ContextVar("sockets_made", default=None)
# Numbers in any notation that inet_aton(3) takes: 127.1, 0x7f.1, 2130706433, 017700000001
_NUMERIC = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")


class AddressRefused(OSError):
    """An address that may not be connected to. An OSError, so that the next address of the name is tried."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EACCES, why)
        self.why = why

    def __str__(self) -> str:
        return self.why


def why_closed(address: IPAddress) -> str | None:
    """Why this address is not public, or None if it is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:  # the system connects to the IPv4 address
            return why_closed(address.ipv4_mapped)
        for inner in _embedded(address):
            if (why := why_closed(inner)) is not None:
                return f"{address} carries {inner}, which is {why}"
        if _COMPATIBLE.supernet_of(IPv6Network(address)) or any(IPv6Network(address).subnet_of(n) for n in _NAT64):
            return "a translated address"
    for network in _CLOSED:
        if address.version == network.version and address in network:
            return f"in {network}"
    for name, closed in (
        ("loopback", address.is_loopback),
        ("unspecified", address.is_unspecified),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("private", address.is_private),
        ("reserved", address.is_reserved),
        ("not global", not address.is_global),
    ):
        if closed:
            return name
    return None


def _embedded(address: IPv6Address) -> Iterable[IPv4Address]:
    """Every IPv4 address that a router or a translator may find within this one."""
    number = int(address)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _TRANSLATED or address in _NAT64[0] or (address in _COMPATIBLE and number > 1):
        yield IPv4Address(number & 0xFFFFFFFF)
    if address in _NAT64[1]:
        yield IPv4Address(number & 0xFFFFFFFF)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(number & 0xFFFFFFFF)


def check_host(host: str) -> None:
    """Refuse a literal that is not public, or is written in a notation that only hides it.

    Needed where somebody else does the look-up (an upstream proxy); elsewhere `SocketGuard` judges as well.

    Raises AddressRefused.
    """
    try:
        address = ip_address(host.split("%", 1)[0])
    except ValueError:
        if _NUMERIC.fullmatch(host):
            raise AddressRefused(f"{host} is a number in an odd notation") from None
        if host.lower().rstrip(".").rpartition(".")[2] in ("localhost", "internal", "local"):
            raise AddressRefused(f"{host} names this machine or network") from None
        return
    if "%" in host:
        raise AddressRefused(f"{host} has a zone")
    if (why := why_closed(address)) is not None:
        raise AddressRefused(f"{host} is {why}")


def is_own_address(address: IPAddress) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketGuard:
    """Makes the very socket that will be connected, or raises AddressRefused.

    own_ports       the ports that Tropa listens on, asked anew each time
    allow_private   the operator's word for an origin of his own
    stall_timeout_s how long sent bytes may stay unacknowledged before the kernel gives the connection up
    """

    own_ports: Callable[[], frozenset[int]]
    allow_private: bool = False
    stall_timeout_s: float = 120.0

    def __call__(self, info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        self.check(str(sockaddr[0]), int(sockaddr[1]))
        if (noted := sockets_made.get()) is not None:
            noted.append(True)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stall_timeout_s * 1000))
        return made

    def check(self, host: str, port: int) -> None:
        """Judge an address that was looked up. Raises AddressRefused."""
        address = ip_address(host.split("%", 1)[0])
        if not self.allow_private and (why := why_closed(address)) is not None:
            raise AddressRefused(f"{host} is {why}")
        inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if port in self.own_ports() and (address.is_unspecified or is_own_address(inner or address)):
            raise AddressRefused(f"{host}:{port} is our own listener")


class GuardedResolver(aiohttp.abc.AbstractResolver):
    """Looks names up and judges every address found: one closed address refuses the name, for a name that is public
    and private at once is how a guard is walked around."""

    def __init__(self, guard: SocketGuard, resolver: aiohttp.abc.AbstractResolver | None = None) -> None:
        self._guard = guard
        self._resolver = resolver if resolver is not None else aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for entry in found:
            self._guard.check(entry["host"], port)
        return found

    async def close(self) -> None:
        await self._resolver.close()
