"""Sealed bytes: what lies in State can be read by this installation alone, and a row moved elsewhere by nobody.

Laws of this file: nothing of the content shows but its length; a seal opens for one purpose, owner and matter; opening
never raises on what somebody wrote there. The key is made of the installation's secret, which lies in a file of its
own: a copy of the base without it tells nothing. ChaCha20-Poly1305 (RFC 8439), by pyca/cryptography.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from proxy.account.secret import Keyed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE_BYTES, _KEY_BYTES = 12, 32


class Seals:
    """Seals and opens. Safe in any thread."""

    __slots__ = ("_keyed",)

    def __init__(self, keyed: Keyed) -> None:
        self._keyed = keyed

    def seal(self, purpose: str, owner: str, matter: str, plain: bytes) -> bytes:
        """28 bytes more than `plain`; another result each time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(purpose, owner, matter).encrypt(nonce, plain, None)

    def open(self, purpose: str, owner: str, matter: str, sealed: bytes) -> bytes | None:
        """What was sealed; None: for something else, or by somebody else, or changed since."""
        from cryptography.exceptions import InvalidTag

        nonce, covered = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher(purpose, owner, matter).decrypt(nonce, covered, None)
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, purpose: str, owner: str, matter: str) -> ChaCha20Poly1305:
        """One key for each matter. Loaded when there is something to seal: a start needs none of it."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        return ChaCha20Poly1305(self._keyed.digest("seal", purpose, owner, matter, size_bytes=_KEY_BYTES))
