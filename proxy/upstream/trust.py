"""TLS towards origins: verified, with the operator's extra certificate authorities."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from policies.model import Origin


def tls_context(ca_file: str | None, origin: Origin | None) -> ssl.SSLContext:
    """The context for an origin: system's authorities, the installation's and the origin's own.

    Contexts are made once for each set of files as they are on disk and shared, so that connections are too; a file
    that was renewed counts from the next request on. Raises OSError for a file that can't be read.
    """
    own = origin.ca_file if origin is not None else None
    verify = origin.verify_tls if origin is not None else True
    files = tuple((file, Path(file).stat().st_mtime_ns) for file in (ca_file, own) if file)
    return _context(files, verify)


@lru_cache(maxsize=256)
def _context(ca_files: tuple[tuple[str, int], ...], verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for file, _ in ca_files:
        context.load_verify_locations(cafile=file)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
