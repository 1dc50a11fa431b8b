"""Reverse: Tropa stands in front of known sites, under their own names."""

from __future__ import annotations

from aiohttp import web

from policies.model import Catalogue, Listener
from policies.values import Mode as ModeName
from proxy.errors import ExchangeError, Fault, bad_request
from proxy.exchange import Inbound, IPAddress
from proxy.modes.addresses import client_address, told_host, told_scheme
from proxy.modes.authority import OriginsByHost, split_authority
from proxy.modes.known_heads import made_before
from proxy.modes.loops import check_loop
from proxy.modes.seen import Seen
from proxy.modes.strict import is_authority


class Reverse:
    """Host says which origin; only a listed front may say scheme, host and learner. pseudonym is ours in Via."""

    __slots__ = ("_origins", "_pseudonym")

    def __init__(self, pseudonym: str) -> None:
        self._origins = OriginsByHost()
        self._pseudonym = pseudonym

    def admits(self, peer: IPAddress | None, catalogue: Catalogue, listener: Listener) -> bool:
        return True

    def inbound(self, request: web.BaseRequest, seen: Seen, catalogue: Catalogue, listener: Listener) -> Inbound:
        """Raises ExchangeError: 421 for a host that no origin lists (RFC 9110 section 15.5.20), 508 for a loop."""
        headers = request.headers
        check_loop(headers, self._pseudonym)
        client = client_address(seen.peer, seen.told, headers, catalogue.settings.trusted_proxies)
        scheme = (told_scheme(headers) if client.trusted else None) or ("https" if seen.tls else "http")
        authority, target = self._read_target(request)
        told = told_host(headers) if client.trusted else None
        default_port = 443 if scheme == "https" else 80
        host, port = split_authority(authority, default_port)
        if told is not None and told != authority:
            told_name, told_port = split_authority(told, default_port)
            if self._origins.find(catalogue, told_name) is not None:
                host, port = told_name, told_port
        origin = catalogue.origins.get(listener.origin) if listener.origin else self._origins.find(catalogue, host)
        if origin is None or origin.upstream is None:
            raise ExchangeError("host-unknown", 421, Fault.CLIENT, f"no origin is called {host}")
        return Inbound(
            request=request,
            mode=ModeName.REVERSE,
            scheme=scheme,
            host=host,
            port=port,
            target=target,
            origin=origin,
            client=client,
            listener=listener.name,
            made=made_before(request),
        )

    def _read_target(self, request: web.BaseRequest) -> tuple[str, str]:
        """Authority and target; an absolute-form target must name what Host names (RFC 9112 section 3.2.2)."""
        raw = request.raw_path
        host = request.headers.get("Host")
        if raw.startswith("/"):
            if host is None:
                raise bad_request("host-missing")
            return host, raw
        if raw == "*":
            return host or "", raw
        scheme, separator, rest = raw.partition("://")
        if not separator or scheme.lower() not in ("http", "https"):
            raise bad_request("target-malformed", repr(raw[:64]))
        authority, target = split_absolute(rest)
        if host is not None and host.lower() != authority.lower():
            raise bad_request("host-differs", f"{authority[:64]!r} and {host[:64]!r}")
        return authority, target


def split_absolute(rest: str) -> tuple[str, str]:
    """Authority and target of an absolute URL without its scheme. Raises ExchangeError for user information."""
    end = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=len(rest))
    authority, target = rest[:end], rest[end:]
    if not is_authority(authority):
        raise bad_request("target-malformed", repr(rest[:64]))
    return authority, target if target.startswith("/") else f"/{target}"
