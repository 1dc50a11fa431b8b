"""Hosts, ports and the origins that go by them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from policies.model import Catalogue, Origin
from proxy.errors import bad_request


@lru_cache(maxsize=1024)
def split_authority(authority: str, default_port: int) -> tuple[str, int]:
    """("lms.example.org", 8080) from "LMS.example.org.:8080"; IPv6 without brackets.

    A final dot is the same name (RFC 1034 section 3.1). Raises ExchangeError for a port that is none.
    """
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        port_text = rest[1:] if rest.startswith(":") else ""
        if rest and not rest.startswith(":"):
            raise bad_request("host-malformed", repr(authority[:64]))
    else:
        host, _, port_text = authority.partition(":")
    host = host.lower()
    host = host[:-1] if host.endswith(".") else host
    if not host:
        raise bad_request("host-malformed", repr(authority[:64]))
    if not port_text:
        return host, default_port
    if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text) < 65536):
        raise bad_request("port-malformed", repr(authority[:64]))
    return host, int(port_text)


class OriginsByHost:
    """The origins of one catalogue by public name: exact first, then the longest `*.` wildcard."""

    __slots__ = ("_catalogue", "_exact", "_wild")

    def __init__(self) -> None:
        self._catalogue: Catalogue | None = None
        self._exact: Mapping[str, Origin] = {}
        self._wild: Mapping[str, Origin] = {}

    def find(self, catalogue: Catalogue, host: str) -> Origin | None:
        """The origin that this name belongs to. The table is made anew when the catalogue is another one."""
        if catalogue is not self._catalogue:
            self._index(catalogue)
        if (found := self._exact.get(host)) is not None:
            return found
        if not self._wild:
            return None
        labels = host.split(".")
        for start in range(1, len(labels)):
            if (found := self._wild.get(".".join(labels[start:]))) is not None:
                return found
        return None

    def _index(self, catalogue: Catalogue) -> None:
        exact: dict[str, Origin] = {}
        wild: dict[str, Origin] = {}
        for origin in catalogue.origins.values():
            for name in origin.hosts:
                table, key = (wild, name[2:]) if name.startswith("*.") else (exact, name)
                table.setdefault(key.lower(), origin)
        self._exact, self._wild, self._catalogue = exact, wild, catalogue
