"""Forward: an explicit proxy that learners' browsers are told of, by PAC or by hand.

Laws: never an open proxy (only listed networks); only http:// targets are readable here (https comes as CONNECT);
only ports 80 and 443 unless an origin lists others; a request that has passed here before is refused.
"""

from __future__ import annotations

from aiohttp import web

from policies.model import Catalogue, Listener, Origin
from policies.values import Mode as ModeName
from proxy.errors import bad_request, refused_target
from proxy.exchange import Inbound, IPAddress
from proxy.modes.addresses import client_address, in_networks
from proxy.modes.authority import OriginsByHost, split_authority
from proxy.modes.loops import check_loop
from proxy.modes.reverse import split_absolute
from proxy.modes.seen import Seen

_WEB_PORTS = frozenset({80, 443})
OWN_PREFIX = "/.tropa/"
PAC_PATHS = frozenset({"/proxy.pac", "/wpad.dat"})


class Forward:
    """The explicit proxy's reading of requests. pseudonym is ours in Via, unique to this process."""

    __slots__ = ("_origins", "_pseudonym")

    def __init__(self, pseudonym: str) -> None:
        self._origins = OriginsByHost()
        self._pseudonym = pseudonym

    def admits(self, peer: IPAddress | None, catalogue: Catalogue, listener: Listener) -> bool:
        """Only clients of the listener's networks, or of any region's where the listener names none."""
        if listener.clients:
            return in_networks(peer, listener.clients)
        return any(in_networks(peer, territory.networks) for territory in catalogue.territories.values())

    def inbound(self, request: web.BaseRequest, seen: Seen, catalogue: Catalogue, listener: Listener) -> Inbound:
        """Raises ExchangeError: 403 for a port that isn't listed, 508 for a loop, 400 for any other target form."""
        check_loop(request.headers, self._pseudonym)
        raw = request.raw_path
        if raw.startswith("/"):
            return self._own(request, seen, catalogue, listener)
        scheme, separator, rest = raw.partition("://")
        if not separator or scheme.lower() != "http":
            raise bad_request("target-malformed", repr(raw[:64]))
        authority, target = split_absolute(rest)
        told = request.headers.get("Host")
        if told is not None and told.lower() != authority.lower():
            raise bad_request("host-differs", f"{authority[:64]!r} and {told[:64]!r}")
        host, port = split_authority(authority, 80)
        origin = self.origin(catalogue, host)
        check_port(port, origin)
        return self._made(request, seen, catalogue, listener, host=host, port=port, target=target, origin=origin)

    def origin(self, catalogue: Catalogue, host: str) -> Origin | None:
        return self._origins.find(catalogue, host)

    def _own(self, request: web.BaseRequest, seen: Seen, catalogue: Catalogue, listener: Listener) -> Inbound:
        """A request to the proxy's own name: its PAC file and reserved path, nothing else."""
        path = request.raw_path.partition("?")[0]
        if path not in PAC_PATHS and not path.startswith(OWN_PREFIX):
            raise bad_request("target-malformed", "an origin-form target on the explicit proxy")
        host, port = split_authority(request.headers.get("Host") or listener.host, 80)
        return self._made(
            request, seen, catalogue, listener, host=host, port=port, target=request.raw_path, origin=None
        )

    def _made(
        self,
        request: web.BaseRequest,
        seen: Seen,
        catalogue: Catalogue,
        listener: Listener,
        *,
        host: str,
        port: int,
        target: str,
        origin: Origin | None,
    ) -> Inbound:
        return Inbound(
            request=request,
            mode=ModeName.FORWARD,
            scheme="http",
            host=host,
            port=port,
            target=target,
            origin=origin,
            client=client_address(seen.peer, seen.told, request.headers, catalogue.settings.trusted_proxies),
            listener=listener.name,
        )


def check_port(port: int, origin: Origin | None) -> None:
    """Raises ExchangeError for a port that neither the web's custom nor the origin allows."""
    if port not in (origin.ports if origin is not None else _WEB_PORTS):
        raise refused_target(f"port {port} is not listed")


def is_own(inbound: Inbound) -> bool:
    """Whether a forward request is for the proxy itself (PAC, reserved path on its own name)."""
    return inbound.mode is ModeName.FORWARD and inbound.request.raw_path.startswith("/")
