"""Expect: 100-continue on the client's side (RFC 9110 section 10.1.1)."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def continue_for(request: web.BaseRequest) -> Callable[[], None] | None:
    """What tells a waiting client to send its body; None where the client doesn't wait for it."""
    if request.version < (1, 1) or request.headers.get("Expect", "").lower() != "100-continue":
        return None

    def go_on() -> None:
        transport = request.transport
        if transport is not None and not transport.is_closing() and not request.content.total_bytes:
            transport.write(_CONTINUE)

    return go_on
