"""A head as bytes, for either side.

Laws: what can end a line early never gets onto a wire; bytes that aren't UTF-8 go out as they came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Of one connection, and never passed on (RFC 9110 section 7.6.1; the login of a proxy, section 11.7).
HOP_BY_HOP = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# RFC 9110 section 5.5: no control bytes but the tab.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN = bytes(byte for byte in range(256) if _FORBIDDEN.match(chr(byte)) is None)


class UnwritableHead(ValueError):
    """A head that mustn't get onto a wire."""


def head_bytes(start_line: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Start line, fields and the empty line. Raises UnwritableHead for control bytes in any of them."""
    lines = [start_line, *map(": ".join, fields), "", ""]
    head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    if len(head.translate(None, _PLAIN)) != 2 * len(lines) - 2:  # more than the line ends
        _refuse_controls(lines)
    return head


def _refuse_controls(lines: list[str]) -> None:
    for line in lines:
        if _FORBIDDEN.search(line) is not None:
            raise UnwritableHead(f"a control byte in a head: {line[:64]!r}")


def weight_bytes(start_line: str, fields: Iterable[tuple[str, str]]) -> int:
    """What a head weighs on the wire (HTTP/1.1): start line, fields, the empty line."""
    return len(start_line) + 4 + sum(len(name) + len(value) + 4 for name, value in fields)
