"""The upstream proxy that everything may be chained through: its address, and what it wants to know of us.

Laws: the login goes to that proxy alone, and in one spelling whether it is asked for a page (absolute form), a pooled
connection or a tunnel (CONNECT); it stands in a file of its own, which nobody else may read, and never in the policy.
"""

from __future__ import annotations

import errno
import stat
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from yarl import URL

from policies.model import Settings


class ProxyHop(NamedTuple):
    """Where the upstream proxy is, and its login as `Proxy-Authorization`; None: it wants none."""

    address: URL
    authorization: str | None

    @property
    def host(self) -> str:
        return self.address.host or ""

    @property
    def port(self) -> int:
        """As it is written, else its scheme's own (RFC 9110 section 4.2)."""
        return self.address.port or 80


def proxy_hop(settings: Settings) -> ProxyHop | None:
    """The upstream proxy, with its login as the file has it now; None: there is none.

    Raises OSError for a login that can't be read, or that others may read.
    """
    if settings.upstream_proxy is None:
        return None
    return ProxyHop(_address(settings.upstream_proxy), _login(settings.upstream_proxy_login_file))


def _login(file: str | None) -> str | None:
    if file is None:
        return None
    found = Path(file).stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(errno.EACCES, "others may read this login: chmod 600 it", file)
    return _read(file, found.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(file: str, mtime_ns: int) -> str:
    return credentials(Path(file).read_bytes().strip())


def credentials(login: bytes) -> str:
    """The value of an authorization field for `user:password` (RFC 7617 section 2)."""
    return f"Basic {b64encode(login).decode('ascii')}"


@lru_cache(maxsize=8)
def _address(proxy: str) -> URL:
    return URL(proxy)
