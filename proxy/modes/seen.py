"""What the wire knows of a connection when a request arrives on it, and what a mode makes of the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from policies.model import Catalogue, Listener
from proxy.exchange import Inbound, IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """peer and told as in `Connection`; tls: the client's own connection is encrypted up to here."""

    peer: IPAddress | None
    told: IPAddress | None = None
    tls: bool = False


class Mode(Protocol):
    """How a listener understands requests."""

    def admits(self, peer: IPAddress | None, catalogue: Catalogue, listener: Listener) -> bool:
        """Whether this client may use the listener at all."""
        ...

    def inbound(self, request: web.BaseRequest, seen: Seen, catalogue: Catalogue, listener: Listener) -> Inbound:
        """The request as this mode reads it. Raises ExchangeError."""
        ...
