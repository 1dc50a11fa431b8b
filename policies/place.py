"""Where a request comes from and which origin it goes to, by look-up.

Laws of this file: an index is built once per catalogue; a look-up costs as much with ten regions as with thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from policies.facts import RequestFacts
from policies.model import Catalogue, Origin, Territory
from policies.nowhere import UNKNOWN

IPAddress = IPv4Address | IPv6Address
_Tables = list[tuple[int, dict[int, Territory]]]


class PlaceIndex:
    """Territories by address, listener and name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._by_name = catalogue.territories
        self._tables = {4: _tables(catalogue, 4), 6: _tables(catalogue, 6)}
        self._listeners = _listeners(catalogue)

    def by_address(self, ip: IPAddress | str) -> Territory | None:
        """The territory with the longest network prefix around the address; None: none has it, or it isn't one.

        An IPv4 address mapped into IPv6 counts as IPv4.
        """
        try:
            address = ip_address(ip) if isinstance(ip, str) else ip
        except ValueError:
            return None
        if address.version == 6 and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        number = int(address)
        for shift, networks in self._tables[address.version]:
            found = networks.get(number >> shift)
            if found is not None:
                return found
        return None

    def by_listener(self, name: str) -> Territory | None:
        """The territory of whoever comes in at the listener; None: the listener belongs to nobody."""
        return self._listeners.get(name)

    def get(self, region: str, site: str | None) -> Territory | None:
        """The site, or its region where the site isn't known; None: the region isn't known."""
        return self._by_name.get((region, site)) or self._by_name.get((region, None))


def _tables(catalogue: Catalogue, version: int) -> _Tables:
    """One table per prefix length, longest first, keyed by the network's leading bits."""
    bits = 32 if version == 4 else 128
    tables: dict[int, dict[int, Territory]] = {}
    for territory in _sites_last(catalogue.territories.values()):
        for network in territory.networks:
            if network.version == version:
                shift = bits - network.prefixlen
                tables.setdefault(shift, {})[int(network.network_address) >> shift] = territory
    return sorted(tables.items())


def _listeners(catalogue: Catalogue) -> dict[str, Territory]:
    found: dict[str, Territory] = {}
    for listener in catalogue.settings.listeners:
        territory = catalogue.territories.get((listener.region, None)) if listener.region else None
        if territory is not None:
            found[listener.name] = territory
    for territory in _sites_last(catalogue.territories.values()):
        found.update(dict.fromkeys(territory.listeners, territory))
    return found


def _sites_last(territories: Iterable[Territory]) -> list[Territory]:
    """Sites after regions, so that of two equal claims the more specific place's wins."""
    return sorted(territories, key=lambda territory: territory.site is not None)


def territory_of(catalogue: Catalogue, request: RequestFacts) -> Territory:
    """The request's site, else its region, else the default region, else the built-in place of those without one."""
    territories = catalogue.territories
    found = territories.get((request.region, request.site)) or territories.get((request.region, None))
    return found or territories.get((catalogue.settings.default_region or "", None)) or UNKNOWN


class OriginIndex:
    """Origins by the public host name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._exact: dict[str, Origin] = {}
        self._suffixes: dict[str, Origin] = {}
        for origin in catalogue.origins.values():
            for host in origin.hosts:
                table = self._suffixes if host.startswith("*.") else self._exact
                table.setdefault(host.removeprefix("*."), origin)

    def by_host(self, host: str) -> Origin | None:
        """The origin of a host: its exact name first, then the longest `*.` pattern; None: no origin has it."""
        name = host.lower().rstrip(".")
        found = self._exact.get(name)
        while found is None and "." in name:
            name = name.partition(".")[2]
            found = self._suffixes.get(name)
        return found


def host_of(url: str) -> str:
    """Lower case; "" for what is no address."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
