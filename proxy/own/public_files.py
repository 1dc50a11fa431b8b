"""What anybody may have of Tropa: its styles and scripts, and an explicit proxy's configuration file."""

from __future__ import annotations

from multidict import CIMultiDict

from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.errors import bad_request
from proxy.modes.pac import CONTENT_TYPE, pac_file
from proxy.pages import static_file
from proxy.stages.context import Exchange

_STATIC_MAX_AGE_S = 31_536_000


def static_answer(exchange: Exchange, name: str) -> Answer:
    """A file of `pages/static` under its fingerprinted name; 404 for any other."""
    found = static_file(name)
    if found is None:
        return plain_answer(404, b"", "text/plain")
    body, content_type, etag = found
    keep = f"public, max-age={_STATIC_MAX_AGE_S}, immutable"
    if exchange.inbound.request.headers.get("If-None-Match") == etag:
        return Answer(status=304, headers=CIMultiDict({"ETag": etag, "Cache-Control": keep}))
    return plain_answer(200, body, content_type, ETag=etag, Cache_Control=keep)


def pac_answer(exchange: Exchange) -> Answer:
    """The proxy as configured, else as this browser has just reached it; no-store: policies change."""
    inbound, catalogue = exchange.inbound, exchange.catalogue
    listener = next((one for one in catalogue.settings.listeners if one.name == inbound.listener), None)
    secure = listener is not None and listener.tls_certificate is not None
    host = f"[{inbound.host}]" if ":" in inbound.host else inbound.host
    address = catalogue.settings.pac.proxy_address or f"{host}:{inbound.port}"
    try:
        text = pac_file(catalogue, exchange.who.territory, address, secure=secure)
    except ValueError as error:
        raise bad_request("host-malformed", str(error)) from error
    return plain_answer(200, text.encode("ascii"), CONTENT_TYPE)
