"""Whether a request means the same to us, to every front before us and to the origin behind us.

llhttp refuses most of what could be read in two ways (RFC 9112 section 11.2): bare LF, obs-fold, blanks before the
colon, duplicate or odd Content-Length, Content-Length beside Transfer-Encoding, NUL, bad chunk sizes. What it lets
through in a doubtful meaning is refused here, before anything else looks at the request.

Laws: pure functions of one request; the first doubt refuses; nothing is repaired.
"""

from __future__ import annotations

import re
from functools import lru_cache

from aiohttp import web

from policies.model import Limits
from proxy.errors import ExchangeError, Fault, bad_request

# host [ ":" port ]: a name (underscores do occur), an IPv4 number or an IPv6 one in brackets
AUTHORITY = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# Read as the hyphened name by servers that fold "_" to "-" (CGI, WSGI), and then in another meaning.
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"host", b"connection", b"upgrade", b"expect"})
_FORWARDING = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip"})
# What browsers send with nearly every request, spelt as they do: nothing to check in these names.
_HARMLESS = frozenset(
    {b"User-Agent", b"Accept", b"Accept-Encoding", b"Accept-Language", b"Cookie", b"Referer", b"Origin", b"Range"}
    | {b"Sec-Fetch-Site", b"Sec-Fetch-Mode", b"Sec-Fetch-Dest", b"Sec-Fetch-User", b"Cache-Control", b"If-None-Match"}
    | {b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"Upgrade-Insecure-Requests", b"If-Modified-Since"}
)
_LONGEST_TARGET_BYTES = (
    8192  # RFC 9112 section 3 asks for 8000; servers take about as much, and each address costs memory
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"})
_DAV = frozenset({"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MERGE"})


def check(request: web.BaseRequest, limits: Limits) -> None:
    """Raises ExchangeError for a request that could be read in two ways, or is too large."""
    _check_version(request)
    _check_method(request.method)
    _check_fields(request, limits)
    _check_framing(request)
    _check_target(request)
    _check_expect(request)


def _check_version(request: web.BaseRequest) -> None:
    if request.version not in ((1, 1), (1, 0)):
        raise ExchangeError("http-version", 505, Fault.CLIENT, f"HTTP {request.version.major}.{request.version.minor}")


def _check_method(method: str) -> None:
    # TRACE would show a learner's cookies to scripts (RFC 9110 section 9.3.8).
    if method not in _METHODS and method not in _DAV:
        raise ExchangeError("method-unknown", 501, Fault.CLIENT, method[:32])


def _check_fields(request: web.BaseRequest, limits: Limits) -> None:
    size = len(request.raw_path)
    hosts = 0
    for name, value in request.raw_headers:
        size += len(name) + len(value) + 4
        if name in _HARMLESS:
            continue
        lower = name.lower()
        if lower == b"host":
            hosts += 1
        elif b"_" in lower:
            _check_name(lower)
        elif lower == b"connection":
            _check_connection(value)
    if size > limits.max_header_bytes:
        raise ExchangeError("head-too-large", 431, Fault.CLIENT, f"{size} bytes")
    if hosts != 1 and not (hosts == 0 and request.version == (1, 0)):
        raise bad_request("host-count", f"{hosts} Host fields")
    host = request.headers.get("Host")
    if host is not None and not is_authority(host):
        raise bad_request("host-malformed", repr(host[:64]))


def _check_name(lower: bytes) -> None:
    if lower.replace(b"_", b"-") in _FRAMING | _FORWARDING:
        raise bad_request("header-name", f"{lower!r} reads as another field elsewhere")


@lru_cache(maxsize=1024)
def is_authority(text: str) -> bool:
    """Whether this is host [":" port] and nothing else; the port's range isn't looked at."""
    return AUTHORITY.fullmatch(text) is not None


def _check_connection(value: bytes) -> None:
    """A hop must not be told to drop what frames or addresses the message."""
    named = {token.strip().lower() for token in value.split(b",")}
    if named & (_FRAMING - {b"upgrade", b"connection"} | _FORWARDING | {b"cookie", b"authorization"}):
        raise bad_request("connection-names", repr(value[:64]))


def _check_framing(request: web.BaseRequest) -> None:
    if "Transfer-Encoding" not in request.headers:
        return
    codings = request.headers.getall("Transfer-Encoding")
    if len(codings) > 1 or codings[0].lower() != "chunked":
        raise ExchangeError("transfer-coding", 501, Fault.CLIENT, ", ".join(codings)[:64])
    if request.version == (1, 0):  # RFC 9112 section 6.1: such a message's framing is faulty
        raise bad_request("transfer-coding-in-1.0")
    if "Content-Length" in request.headers:
        raise bad_request("two-lengths")


def _check_target(request: web.BaseRequest) -> None:
    target = request.raw_path
    if len(target) > _LONGEST_TARGET_BYTES:
        raise ExchangeError("target-too-long", 414, Fault.CLIENT, f"{len(target)} bytes")
    if "#" in target or "\\" in target.partition("?")[0]:
        raise bad_request("target-malformed", repr(target[:64]))
    if target == "*" and request.method != "OPTIONS":
        raise bad_request("target-malformed", target)


def _check_expect(request: web.BaseRequest) -> None:
    if "Expect" not in request.headers:
        return
    expect = request.headers.getall("Expect")
    if len(expect) > 1 or expect[0].lower() != "100-continue":
        raise ExchangeError("expectation", 417, Fault.CLIENT, ", ".join(expect)[:64])
