"""One exchange's values between the stages of the pipeline.

 wire ─mode→ Inbound ─identify→ Who ─decide→ Decision ─obtain→ upstream response ─plan→ Plan
      ─transform→ Outcome ─deliver→ Delivery ─account→ Receipt

Laws of this file: frozen values; a stage returns a new one and never edits the last one's.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

from policies.frozen import Frozen
from policies.model import Catalogue, Origin, Territory
from policies.values import MediaKind, Mode, Reason, TrafficClass

if TYPE_CHECKING:  # workers that transform images import this file and need no HTTP server
    from aiohttp import web
    from multidict import CIMultiDict

IPAddress = IPv4Address | IPv6Address


class ClientAddress(Frozen, frozen=True, kw_only=True, gc=False):
    """Where the client is, and through whom we know it.

    address    the learner's address: the connection's peer, or what a trusted front told
    peer       the connection's real peer (None for a Unix socket)
    trusted    the peer is one of `trusted_proxies`, so its headers are believed
    """

    address: IPAddress
    peer: IPAddress | None
    trusted: bool


class Inbound(Frozen, frozen=True, kw_only=True):
    """A request as a mode understood it.

    scheme, host, port  of the public URL, as the learner's browser has it (host lower case, no port in it)
    target              path and query exactly as received, beginning with "/"
    origin              None: a host that no origin lists (forward mode)
    listener            the listener's name
    made                what origins were sent for equal heads, for the next one; None: no equal head was read
    """

    request: web.BaseRequest
    mode: Mode
    scheme: str
    host: str
    port: int
    target: str
    origin: Origin | None
    client: ClientAddress
    listener: str
    made: dict[Hashable, tuple[Catalogue, CIMultiDict[str]]] | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def authority(self) -> str:
        """host, with the port where it is not the scheme's own."""
        return authority_of(self.scheme, self.host, self.port)

    @property
    def url(self) -> str:
        """The public URL, raw."""
        return f"{self.scheme}://{authority_of(self.scheme, self.host, self.port)}{self.target}"


@lru_cache(maxsize=1024)
def authority_of(scheme: str, host: str, port: int) -> str:
    """host (IPv6 in brackets), with the port where it is not the scheme's own."""
    default = 443 if scheme == "https" else 80
    name = f"[{host}]" if ":" in host else host
    return name if port == default else f"{name}:{port}"


class Who(Frozen, frozen=True, kw_only=True):
    """Whose exchange it is.

    learner     keyed hash, stable for its lifetime; never a login in clear
    learner_by  "header" | "login" | "session" | "cookie" | "site" | "address": by what it is known
    known_by    "header" | "login" | "choice" | "network" | "listener" | "default": how the territory was found
    language    "ru" or "en"
    set_cookie  a new `__Host-tropa` cookie to send with the response, None if there is none to send
    """

    territory: Territory
    learner: str
    learner_by: str
    known_by: str
    language: str
    groups: frozenset[str] = frozenset()
    set_cookie: str | None = None


class Replaced(Frozen, frozen=True, kw_only=True):
    """A transform made something smaller that says the same. body is bytes, or a file in the variant store."""

    body: bytes | Path
    content_type: str
    length_bytes: int
    notes: tuple[tuple[str, str | int | float], ...] = ()


class Unchanged(Frozen, frozen=True, kw_only=True):
    """The source is as good as it gets, or is not understood: it passes byte for byte."""

    why: str


class Refused(Frozen, frozen=True, kw_only=True):
    """The source must not be decoded (a bomb), or the transform failed: the original goes if policy lets it."""

    why: str


Outcome = Replaced | Unchanged | Refused


class Receipt(Frozen, frozen=True, kw_only=True, gc=False):
    """What one exchange cost and saved; the only thing that accounting ever sees of it.

    bytes_from_origin   body bytes taken from the origin's side (0 from a store)
    bytes_to_learner    body and head bytes accepted by the learner's socket, less what was unsent at close
    bytes_up            body and head bytes from the learner
    metered_bytes       bytes on the costly hop times the tariff's overhead factor
    bytes_direct        what the same exchange would have moved without Tropa, as far as known
    bytes_withheld      bytes that a card or a drop stands for, as far as known; with observe what would have been
                        spared
    cost                money for metered_bytes at the price in force (0 in a free window)
    direct_cost         money for bytes_direct at the same price
    store               whose stored answer served it: "shared", "confirmed", "own"; "": none
    url                 only ever in the log, never in the ledger
    treatment           "pass", "page", "image", "text", "media", "ladder", "withheld", "dropped", "refused",
                        "deferred", "own", "outbox", "night", "error"; with "night" no learner's exchange, but what was
                        fetched ahead for a place; with both of these the origin's bytes and those up have their heads
    """

    at: datetime
    duration_s: float
    region: str
    site: str | None
    learner: str
    origin: str
    host: str
    url: str
    method: str
    mode: Mode
    status: int
    traffic_class: TrafficClass
    kind: MediaKind
    verdict: str
    treatment: str
    bytes_from_origin: int = 0
    bytes_to_learner: int = 0
    bytes_up: int = 0
    metered_bytes: int = 0
    bytes_direct: int = 0
    bytes_withheld: int = 0
    cost: Decimal = Decimal(0)
    currency: str = "RUB"
    reasons: tuple[Reason, ...] = ()
    support_code: str | None = None
    error: str | None = None
    original: bool = False
    observe: bool = False
    direct_cost: Decimal = Decimal(0)
    store: str = ""
