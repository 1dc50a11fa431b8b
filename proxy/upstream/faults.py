"""What goes wrong on the origin's side, in our own words.

Law: aiohttp's, ssl's and the system's exceptions are named here and in no other module of the data path.
"""

from __future__ import annotations

import errno
import ssl
from typing import TypeVar

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from proxy.errors import (
    ExchangeError,
    Fault,
    refused_target,
    upstream_certificate,
    upstream_malformed,
    upstream_name,
    upstream_timeout,
    upstream_unreachable,
)
from proxy.upstream.guard import AddressRefused

E = TypeVar("E", bound=BaseException)


def upstream_truncated(detail: str) -> ExchangeError:
    """The body ended before its Content-Length or its last chunk (RFC 9112 section 8)."""
    return ExchangeError("upstream-truncated", 502, Fault.UPSTREAM, detail, retry_after_s=60)


def upstream_too_large(max_bytes: int) -> ExchangeError:
    return ExchangeError("upstream-too-large", 502, Fault.UPSTREAM, f"body over {max_bytes} bytes")


def request_too_large(max_bytes: int) -> ExchangeError:
    return ExchangeError("request-too-large", 413, Fault.CLIENT, f"body over {max_bytes} bytes")


def client_left(detail: str) -> ExchangeError:
    """The client broke off while its body was on the way; nobody is left to read the answer."""
    return ExchangeError("client-left", 400, Fault.CLIENT, detail)


def connection_fault(error: BaseException, target: str) -> ExchangeError:
    """The `ExchangeError` for a failure before the response's head was complete. target is for IT staff."""
    if isinstance(error, ExchangeError):
        return error
    if (refused := _cause(error, AddressRefused)) is not None:
        return refused_target(str(refused))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return upstream_name(f"{target}: {error.os_error}")
    if (unverified := _cause(error, ssl.CertificateError)) is not None:
        return upstream_certificate(f"{target}: {getattr(unverified, 'verify_message', '') or unverified}")
    if isinstance(error, TimeoutError):
        return upstream_timeout(f"{target}: {error or 'no answer in time'}")
    if (broken := _cause(error, ssl.SSLError)) is not None:
        return upstream_unreachable(f"{target}: TLS failed: {broken.reason or broken}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return upstream_unreachable(f"{target}: the upstream proxy answered {error.status} {error.message}")
    if isinstance(error, aiohttp.InvalidURL):
        return refused_target(f"{target}: not an address that can be connected to")
    if isinstance(error, HttpProcessingError | aiohttp.ClientResponseError | ValueError):
        return upstream_malformed(f"{target}: {error}")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return upstream_timeout(f"{target}: connection timed out")
    return upstream_unreachable(f"{target}: {error or type(error).__name__}")


def was_connected(error: BaseException) -> bool:
    """Whether the origin had been reached before this went wrong."""
    return not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def body_fault(error: BaseException, target: str) -> ExchangeError:
    """The `ExchangeError` for a failure within the response's body."""
    if isinstance(error, ExchangeError):
        return error
    if isinstance(error, TimeoutError):
        return upstream_timeout(f"{target}: the body stalled")
    return upstream_truncated(f"{target}: {error or type(error).__name__}")


def _cause(error: BaseException | None, kind: type[E]) -> E | None:
    """The first of this kind along `__cause__`, `__context__` and the members of a group."""
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, kind):
            return error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                if (found := _cause(member, kind)) is not None:
                    return found
        os_error = getattr(error, "os_error", None)
        error = error.__cause__ or error.__context__ or (os_error if os_error is not error else None)
        seen += 1
    return None
