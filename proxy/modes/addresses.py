"""Who the client is: the connection's peer, or what fronts that the operator lists say.

Law: a header is believed only from a trusted peer, and only as far as the chain of trusted proxies reaches: from the
right, past every trusted address, the first untrusted one is the client (RFC 7239 section 8.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from multidict import CIMultiDictProxy

from policies.model import IPNetwork
from proxy.exchange import ClientAddress, IPAddress

_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^";,\s]*)\s*')
_UNSPECIFIED = ip_address("0.0.0.0")  # noqa: S104 - stands for a Unix socket's peer, is never bound


def in_networks(address: IPAddress | None, networks: Iterable[IPNetwork]) -> bool:
    return address is not None and any(
        address.version == network.version and address in network for network in networks
    )


def client_address(
    peer: IPAddress | None,
    told: IPAddress | None,
    headers: CIMultiDictProxy[str],
    trusted_proxies: tuple[IPNetwork, ...],
) -> ClientAddress:
    """The client's address.

    told  by a believed PROXY header: then it is the peer as far as headers are concerned
    """
    seen = told if told is not None else peer
    if not trusted_proxies or not in_networks(seen, trusted_proxies):
        return ClientAddress(address=seen or _UNSPECIFIED, peer=peer, trusted=False)
    address = seen or _UNSPECIFIED
    for hop in reversed(_chain(headers)):
        if hop is None:
            break
        address = hop
        if not in_networks(hop, trusted_proxies):
            break
    return ClientAddress(address=address, peer=peer, trusted=True)


def _chain(headers: CIMultiDictProxy[str]) -> list[IPAddress | None]:
    """Addresses from the farthest to the nearest; None where one can't be read (obfuscated, unknown)."""
    if "Forwarded" in headers:
        return [parse_node(element.get("for", "")) for element in forwarded_elements(headers)]
    joined = ",".join(headers.getall("X-Forwarded-For", ()))
    return [parse_node(item) for item in joined.split(",")] if joined else []


def parse_node(text: str) -> IPAddress | None:
    """An address out of a node identifier: with or without port, brackets, quotes (RFC 7239 section 6)."""
    node = text.strip().strip('"')
    if node.startswith("["):
        node = node[1:].partition("]")[0]
    elif node.count(":") == 1:
        node = node.partition(":")[0]
    try:
        address = ip_address(node)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def forwarded_elements(headers: CIMultiDictProxy[str]) -> list[Mapping[str, str]]:
    """The elements of Forwarded, each as lower-case parameters; commas within quotes don't part them."""
    elements: list[Mapping[str, str]] = []
    for value in headers.getall("Forwarded", ()):
        current: dict[str, str] = {}
        for separator, pair in _pairs(value):
            if separator == ",":
                elements.append(current)
                current = {}
            if (match := _PAIR.fullmatch(pair)) is not None:
                current[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2].strip('"'))
        elements.append(current)
    return elements


def _pairs(value: str) -> Iterable[tuple[str, str]]:
    separator, start, quoted = "", 0, False
    for place, letter in enumerate(value):
        if letter == '"' and (place == 0 or value[place - 1] != "\\"):
            quoted = not quoted
        if letter in ";," and not quoted:
            yield separator, value[start:place]
            separator, start = letter, place + 1
    yield separator, value[start:]


def told_scheme(headers: CIMultiDictProxy[str]) -> str | None:
    """What a trusted front says the learner's browser used: "http", "https" or None. The nearest front's word."""
    elements = forwarded_elements(headers)
    told = elements[-1].get("proto", "") if elements else ""
    if not told:
        told = ",".join(headers.getall("X-Forwarded-Proto", ())).rpartition(",")[2].strip()
    told = {"ws": "http", "wss": "https"}.get(told.lower(), told.lower())
    return told if told in ("http", "https") else None


def told_host(headers: CIMultiDictProxy[str]) -> str | None:
    """The public authority that a trusted front says, where it doesn't keep Host."""
    elements = forwarded_elements(headers)
    told = elements[-1].get("host", "") if elements else ""
    return told or headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip() or None
