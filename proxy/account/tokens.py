"""Sealed tokens: readable by anybody, made only by this installation, for one purpose, learner and time.

Laws of this file: a token is worth nothing under another purpose or for another learner; the learner's id is
mixed into the seal and never written into the token; opening never raises on what a stranger sends.
"""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from proxy.account.secret import Keyed

_SEAL_BYTES = 12  # 96 bits: no forging by trying, and short enough for a link
MAX_TOKEN_CHARS = 8192


class Tokens:
    """Makes and opens tokens such as the one behind "show the original"."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        self._keyed = Keyed(secret)

    def seal(self, purpose: str, payload: Mapping[str, Any], *, learner: str, expires: datetime) -> str:
        """A URL-safe token; about 4/3 of the payload's JSON plus 24 characters.

        purpose: at most 12 ASCII characters. Raises: TypeError where the payload isn't JSON.
        """
        deadline = format(int(expires.timestamp()), "x")
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        body = _encode(text.encode("utf-8", "surrogatepass"))
        return f"{deadline}.{body}.{self._mark(purpose, learner, deadline, body)}"

    def open(self, purpose: str, token: str, *, learner: str, now: datetime) -> dict[str, Any] | None:
        """What was sealed, or None: forged, for another purpose or learner, or too late."""
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            return None
        deadline, _, rest = token.partition(".")
        body, _, mark = rest.partition(".")
        if not hmac.compare_digest(mark, self._mark(purpose, learner, deadline, body)):
            return None
        try:
            if datetime.fromtimestamp(int(deadline, 16), UTC) <= now:
                return None
            payload = json.loads(_decode(body))
        except (ValueError, OverflowError, binascii.Error):
            return None
        return payload if isinstance(payload, dict) else None

    def _mark(self, purpose: str, learner: str, deadline: str, body: str) -> str:
        digest = self._keyed.digest(f"tok:{purpose}", learner, deadline, body, size_bytes=_SEAL_BYTES)
        return _encode(digest)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
