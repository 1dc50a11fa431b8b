"""The request head that an origin gets.

Laws (RFC 9110 section 7.6): end-to-end fields travel on in order; hop-by-hop ones and those that Connection names stay
behind; what only Tropa may say (forwarded addresses, trusted headers, our cookie) is never taken over from outside.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from multidict import CIMultiDict

from policies.model import LearnerAddress, Settings, TrustedHeaders
from policies.values import Mode
from proxy.account.cookies import PLAIN_NAME, SECURE_NAME
from proxy.exchange import Inbound
from proxy.headbytes import HOP_BY_HOP
from proxy.upstream.address import upstream_authority

# Also of this connection alone: what `Upstream.open` says itself, of what is really sent and waited for.
OF_THE_HOP = HOP_BY_HOP | {"expect", "content-length"}
_FORWARDING = frozenset(
    {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "x-real-ip"}
)
# Of the one request that a head came with, and of no other that is made in the same name.
_OF_ONE_REQUEST = (
    "Accept",
    "Accept-Encoding",
    "Content-Type",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Origin",
    "Range",
    "Referer",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "Upgrade-Insecure-Requests",
    "X-Requested-With",
)
OUR_COOKIES = frozenset({PLAIN_NAME, SECURE_NAME})


def request_headers(
    inbound: Inbound, settings: Settings, *, accept_encoding: str | None, via: str, host: str | None = None
) -> CIMultiDict[str]:
    """The final end-to-end head for an origin.

    accept_encoding  replaces the client's; None: the client's own goes on
    via              our line of Via, such as "1.1 tropa-3f9a"
    host             replaces the public authority in Host (an origin whose public name differs); None: kept
    """
    headers = inbound.request.headers
    kept: CIMultiDict[str] = CIMultiDict([("Host", host if host is not None else _host(inbound))])
    dropped = _dropped(inbound, settings)
    kept.extend([field for field in headers.items() if field[0].lower() not in dropped])
    if any(["_" in name for name in kept]):  # noqa: C419 - a list is quicker than a generator
        kept = CIMultiDict(field for field in kept.items() if not _reads_as_one_of(dropped, field[0]))
    if "Cookie" in headers and any("tropa" in value for value in headers.getall("Cookie")):
        kept = CIMultiDict(field for field in map(_own_cookies_off, kept.items()) if field[1])
    if accept_encoding is not None and "Accept-Encoding" in headers:
        kept["Accept-Encoding"] = accept_encoding
    kept.add("Via", via)
    _add_learner_address(kept, inbound)
    return kept


def socket_headers(inbound: Inbound, settings: Settings, *, via: str, host: str | None = None) -> CIMultiDict[str]:
    """As `request_headers`, for a WebSocket handshake: Upgrade goes on, extensions and subprotocols included."""
    kept = request_headers(inbound, settings, accept_encoding=None, via=via, host=host)
    kept["Connection"] = "Upgrade"
    kept["Upgrade"] = inbound.request.headers.get("Upgrade", "websocket")
    return kept


def _reads_as_one_of(dropped: frozenset[str], name: str) -> bool:
    """Programs behind CGI and WSGI can't tell X_Remote_User from the X-Remote-User that stays behind."""
    return "_" in name and name.lower().replace("_", "-") in dropped


def _own_cookies_off(field: tuple[str, str]) -> tuple[str, str]:
    name, value = field
    return (name, without_our_cookies(value) or "") if name.lower() == "cookie" else field


def _host(inbound: Inbound) -> str:
    origin = inbound.origin
    if origin is not None and origin.rename and origin.upstream is not None:
        return upstream_authority(origin.upstream)
    return inbound.authority


def _dropped(inbound: Inbound, settings: Settings) -> frozenset[str]:
    """Lower-case names that stay behind."""
    way = inbound.origin.learner_address if inbound.origin is not None else LearnerAddress.NONE
    forwarding = inbound.mode is Mode.REVERSE or way is not LearnerAddress.NONE or not inbound.client.trusted
    always = _always_dropped(settings.trusted_headers, forwarding)
    headers = inbound.request.headers
    if "Connection" not in headers:
        return always
    named = {token.strip().lower() for value in headers.getall("Connection") for token in value.split(",")}
    return always | named if not named <= always else always


@lru_cache(maxsize=16)
def _always_dropped(ours: TrustedHeaders, forwarding: bool) -> frozenset[str]:
    names = {"host", *OF_THE_HOP} | {name for name in (ours.region, ours.site, ours.learner, ours.groups) if name}
    return frozenset(names | _FORWARDING if forwarding else names)


def _add_learner_address(kept: CIMultiDict[str], inbound: Inbound) -> None:
    """Exactly one address: the learner's.

    What stands left of it in the client's own field is hearsay, what stands right of it are trusted fronts; an origin
    that reads the first, the last or the last untrusted address finds the learner in each case.
    """
    way = inbound.origin.learner_address if inbound.origin is not None else LearnerAddress.NONE
    address = inbound.client.address
    if way is LearnerAddress.X_FORWARDED_FOR:
        kept["X-Forwarded-For"] = _written(address.version, int(address))
        kept["X-Forwarded-Proto"] = inbound.scheme
        kept["X-Forwarded-Host"] = inbound.authority
    elif way is LearnerAddress.FORWARDED:
        node = f'"[{address}]"' if address.version == 6 else str(address)
        kept["Forwarded"] = f'for={node};host="{inbound.authority}";proto={inbound.scheme}'


@lru_cache(maxsize=4096)
def _written(version: int, number: int) -> str:
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))


def without_our_cookies(value: str) -> str | None:
    """The Cookie field without Tropa's own; None where nothing is left; the rest byte for byte."""
    if "tropa" not in value:
        return value
    kept = [part for part in value.split(";") if part.partition("=")[0].strip() not in OUR_COOKIES]
    text = ";".join(kept).strip()
    return text or None


def keep_who_asks(headers: CIMultiDict[str]) -> None:
    """Leave in a head who asks (her login, language, browser) and nothing of the request that it came with."""
    for name in _OF_ONE_REQUEST:
        headers.popall(name, None)


def part_wanted(offset: int, validator: str | None, tail: int | None) -> CIMultiDict[str]:
    """The fields that ask for the bytes from an offset on, or for so many last ones, of what is still the same."""
    wanted: CIMultiDict[str] = CIMultiDict()
    if tail is not None:
        wanted["Range"] = f"bytes=-{tail}"
    elif offset:
        wanted["Range"] = f"bytes={offset}-"
    if validator and "Range" in wanted:
        wanted["If-Range"] = validator
    return wanted
