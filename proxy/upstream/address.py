"""Where a public URL is really fetched from."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from policies.model import Origin


class Target(NamedTuple):
    """scheme, host and port to connect to; tls_name is the name that the certificate must carry.

    A tuple, since every request looks its connection up by it.
    """

    scheme: str
    host: str
    port: int
    tls_name: str | None

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def target_of(origin: Origin | None, *, scheme: str, host: str, port: int) -> Target:
    """The origin's own address where it has one, else the public one.

    The certificate must carry the upstream's name; an upstream given by number answers to the public name.
    """
    if origin is None or origin.upstream is None:
        return Target(scheme=scheme, host=host, port=port, tls_name=None)
    return _upstream(origin.upstream, host)


@lru_cache(maxsize=4096)
def _upstream(upstream: str, public_host: str) -> Target:
    parts = urlsplit(upstream)
    host = parts.hostname or ""
    numeric = ":" in host or host.replace(".", "").isdigit()
    return Target(
        scheme=parts.scheme,
        host=host,
        port=parts.port or (443 if parts.scheme == "https" else 80),
        tls_name=public_host if numeric else None,
    )


def upstream_authority(upstream: str) -> str:
    """The authority of an origin's upstream address as its Host field has it."""
    parts = urlsplit(upstream)
    return parts.netloc.rpartition("@")[2]
