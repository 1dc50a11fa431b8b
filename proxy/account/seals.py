"""Sealed bytes: what lies in State can be read by this installation alone, and a row moved elsewhere by nobody.

Laws of this file: nothing of the content shows but its length; a seal opens for one purpose, owner and matter; opening
never raises on what somebody wrote there. The key is the installation's secret, which lies in a file of its own: a copy
of the base without it tells nothing.

Encrypt, then authenticate: SHAKE256 over a key of this seal alone is the key stream (FIPS 202 section 6.3; a keyed
sponge, as in NIST SP 800-185 section 4), keyed BLAKE2b (RFC 7693) over what came of it is the proof. Both are the
standard library's; a library of ciphers for a few kilobytes a minute would be one more thing to keep up to date.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64encode

from proxy.account.secret import Keyed

_NONCE_BYTES, _PROOF_BYTES, _KEY_BYTES = 16, 16, 32
_KEY, _PROOF = "seal-key", "seal-proof"


class Seals:
    """Seals and opens. Safe in any thread."""

    __slots__ = ("_keyed",)

    def __init__(self, keyed: Keyed) -> None:
        self._keyed = keyed

    def seal(self, purpose: str, owner: str, matter: str, plain: bytes) -> bytes:
        """32 bytes more than `plain`; another result each time."""
        nonce = os.urandom(_NONCE_BYTES)
        covered = self._covered(purpose, owner, matter, nonce, plain)
        return nonce + self._proof(purpose, owner, matter, nonce, covered) + covered

    def open(self, purpose: str, owner: str, matter: str, sealed: bytes) -> bytes | None:
        """What was sealed; None: for something else, or by somebody else, or changed since."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        proof, covered = rest[:_PROOF_BYTES], rest[_PROOF_BYTES:]
        if not hmac.compare_digest(proof, self._proof(purpose, owner, matter, nonce, covered)):
            return None
        return self._covered(purpose, owner, matter, nonce, covered)

    def _covered(self, purpose: str, owner: str, matter: str, nonce: bytes, text: bytes) -> bytes:
        """Exclusive or with the key stream: the same way there and back."""
        key = self._keyed.digest(_KEY, purpose, owner, matter, nonce.hex(), size_bytes=_KEY_BYTES)
        stream = hashlib.shake_256(key).digest(len(text))
        return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")

    def _proof(self, purpose: str, owner: str, matter: str, nonce: bytes, covered: bytes) -> bytes:
        parts = (purpose, owner, matter, nonce.hex(), b64encode(covered).decode("ascii"))
        return self._keyed.digest(_PROOF, *parts, size_bytes=_PROOF_BYTES)
