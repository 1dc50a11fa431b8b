"""TLS towards origins: verified, with the operator's extra certificate authorities."""

from __future__ import annotations

import ssl
from functools import lru_cache

from policies.model import Origin


def tls_context(ca_file: str | None, origin: Origin | None) -> ssl.SSLContext:
    """The context for an origin: system's authorities, the installation's and the origin's own.

    Contexts are made once for each set of files and shared, so that connections of one origin are too.
    """
    own = origin.ca_file if origin is not None else None
    verify = origin.verify_tls if origin is not None else True
    return _context(tuple(file for file in (ca_file, own) if file), verify)


@lru_cache(maxsize=256)
def _context(ca_files: tuple[str, ...], verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for file in ca_files:
        context.load_verify_locations(cafile=file)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def forget_contexts() -> None:
    """After a reload: certificate files are read anew for new connections."""
    _context.cache_clear()
