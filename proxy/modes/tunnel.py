"""CONNECT: an undecrypted tunnel, decided by host, port, client and clock, metered by tranche.

Laws: nothing is connected to before the gate has admitted; what the gate granted ends when its terms do; a refused
client may go on with another request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from policies.model import Catalogue, Listener, Origin
from proxy.clock import Clock
from proxy.errors import ExchangeError, bad_request, overloaded
from proxy.exchange import ClientAddress
from proxy.live.duplex import Duplex
from proxy.live.splice import Splice
from proxy.live.terms import RelayTerms
from proxy.modes.authority import OriginsByHost, split_authority
from proxy.modes.forward import check_port
from proxy.modes.loops import check_loop
from proxy.modes.strict import is_authority
from proxy.upstream.dial import Dial

TunnelTerms = RelayTerms
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRequest:
    """A CONNECT as understood. origin None: no origin lists the host. listener: the listener's name."""

    host: str
    port: int
    client: ClientAddress
    listener: str
    headers: CIMultiDictProxy[str]
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the client gets instead of a tunnel; browsers show none of the body, other programs may."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class TunnelGate(Protocol):
    """Decides about tunnels."""

    async def admit(self, request: TunnelRequest) -> TunnelTerms | Refusal: ...


@dataclass(slots=True)
class Tunnels:
    """Opens and carries tunnels of one listener."""

    gate: TunnelGate
    dial: Dial
    catalogue: Callable[[], Catalogue]
    clock: Clock
    pseudonym: str
    open_count: int = 0
    _origins: OriginsByHost = field(default_factory=OriginsByHost)

    def understand(
        self, target: str, headers: CIMultiDictProxy[str], client: ClientAddress, listener: Listener
    ) -> TunnelRequest:
        """Raises ExchangeError: bad target, port not listed, loop, too many tunnels."""
        catalogue = self.catalogue()
        check_loop(headers, self.pseudonym)
        if not is_authority(target) or not re.search(r":\d+$", target):
            raise bad_request("target-malformed", repr(target[:64]))
        if self.open_count >= catalogue.settings.limits.max_tunnels:
            raise overloaded(f"{self.open_count} tunnels")
        host, port = split_authority(target, 443)
        origin = self._origins.find(catalogue, host)
        check_port(port, origin)
        return TunnelRequest(
            host=host, port=port, client=client, listener=listener.name, headers=headers, origin=origin
        )

    async def admit(self, request: TunnelRequest) -> tuple[TunnelTerms, Duplex] | Refusal:
        """The gate's terms and the origin's connection, or what to answer instead."""
        terms = await self.gate.admit(request)
        if isinstance(terms, Refusal):
            return terms
        started_s = self.clock.steady_s()
        try:
            return terms, await self.dial.connect(request.host, request.port, origin=request.origin)
        except ExchangeError as error:
            await terms.closed(0, 0, self.clock.steady_s() - started_s)
            return Refusal(status=error.status, headers=(("Tropa-Error", error.code),))
        except BaseException:
            await terms.closed(0, 0, self.clock.steady_s() - started_s)
            raise

    async def carry(self, client: Duplex, origin: Duplex, terms: TunnelTerms) -> str:
        """Splice until it is over; returns by what."""
        self.open_count += 1
        try:
            idle_s = self.catalogue().settings.timeouts.tunnel_idle_s
            return await Splice(client, origin, terms, self.clock, idle_s).run()
        finally:
            self.open_count -= 1


def parse_connect(head: bytes) -> tuple[str, CIMultiDictProxy[str]]:
    """Target and headers of a CONNECT's complete head, final blank line included. Raises ExchangeError."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    parts = lines[0].split(b" ")
    if len(parts) != 3 or parts[0] != b"CONNECT" or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise bad_request("request-malformed")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines[1:]:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise bad_request("request-malformed")
        headers.add(match[1].decode("ascii"), match[2].decode("utf-8", "surrogateescape"))
    if "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0":
        raise bad_request("body-on-connect")  # its meaning is undefined (RFC 9110 section 9.3.6)
    if len(headers.getall("Host", ())) > 1:
        raise bad_request("host-count")
    return parts[1].decode("ascii", "replace"), CIMultiDictProxy(headers)
