"""The upstream proxy that everything may be chained through: its address, and what it wants to know of us.

Laws: pure; the login of its URL goes to that proxy alone, and in one spelling whether it is asked for a page (absolute
form), a pooled connection or a tunnel (CONNECT).
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

from yarl import URL


class ProxyHop(NamedTuple):
    """Where the upstream proxy is, without user information, and that as `Proxy-Authorization`; None: it wants none."""

    address: URL
    authorization: str | None

    @property
    def host(self) -> str:
        return self.address.host or ""

    @property
    def port(self) -> int:
        """As it is written, else its scheme's own (RFC 9110 section 4.2)."""
        return self.address.port or 80


@lru_cache(maxsize=8)
def proxy_hop(proxy: str) -> ProxyHop:
    """What an `upstream_proxy` of the settings says; percent-encoded user and password are decoded (RFC 3986 3.2.1)."""
    url = URL(proxy)
    if url.user is None:
        return ProxyHop(url, None)
    return ProxyHop(url.with_user(None), basic_credentials(url.user, url.password or ""))


def basic_credentials(user: str, password: str) -> str:
    """The value of an authorization field, in UTF-8 (RFC 7617 section 2.1)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode('ascii')}"
