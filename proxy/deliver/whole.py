"""An answer whose body is complete goes out as head and body in one write.

aiohttp's way to the wire (a response object that copies the head, a writer, four coroutines) took a tenth of a small
exchange.

Laws: the head says the body's true length; nothing is added to the origin's fields but Date, the length and what
ends the connection; the missing Content-Type stays missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.deliver.answer import Answer
from proxy.headbytes import head_bytes

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_COPIED_BYTES = 4096  # up to here joining head and body costs less than a second piece of the same write


class Written(web.StreamResponse):
    """What the server is handed when the answer is on the wire already: it writes nothing more."""

    def __init__(self, answer: Answer, *, keep_alive: bool) -> None:
        # What the server and the receipt look at; the rest of a response object would never be used.
        self._status, self._reason = answer.status, answer.reason or ""
        self._headers = answer.headers
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        return None


def write_whole(request: web.BaseRequest, answer: Answer, body: bytes | None) -> tuple[Written, int]:
    """Write the answer; body None: it may have none (HEAD, 204, 304). Returns how many bytes that were.

    Raises ConnectionError if the client has left, ValueError for a head that can't be written.
    """
    headers, version = answer.headers, request.version
    _fit_length(answer, body)
    keep_alive = request.keep_alive and (version >= (1, 1) or "Content-Length" in headers)
    _add_ours(headers, keep_alive=keep_alive, old=version < (1, 1))
    reason = answer.reason if answer.reason is not None else _PHRASES.get(answer.status, "")
    head = head_bytes(f"HTTP/1.{0 if version == (1, 0) else 1} {answer.status} {reason}", headers.items())
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ClientConnectionResetError("the client has left")
    nbytes = len(head) + (len(body) if body else 0)
    request.writer.output_size += nbytes
    if not body or len(body) <= _COPIED_BYTES:
        transport.write(head + body if body else head)
    else:
        transport.writelines((head, body))
    return Written(answer, keep_alive=keep_alive), nbytes


class Again(Frozen, frozen=True, kw_only=True):
    """An answer that may go out more than once. head: without its end, so that what is true now can follow."""

    answer: Answer
    head: bytes
    body: bytes

    @classmethod
    def of(cls, answer: Answer, fields: Iterable[tuple[str, str]], body: bytes) -> Again:
        """fields: those of the answer that stay. Raises ValueError for a head that can't be written."""
        reason = answer.reason if answer.reason is not None else _PHRASES.get(answer.status, "")
        head = head_bytes(f"HTTP/1.1 {answer.status} {reason}", fields)
        return cls(answer=answer, head=head.removesuffix(b"\r\n"), body=body)


def write_again(request: web.BaseRequest, again: Again, last: str) -> tuple[Written, int]:
    """Write it on a connection that goes on (HTTP/1.1). last: further fields, each with its line end.

    Returns how many bytes that were. Raises ConnectionError if the client has left.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ClientConnectionResetError("the client has left")
    head, body = again.head + f"{last}\r\n".encode("ascii"), again.body
    nbytes = len(head) + len(body)
    request.writer.output_size += nbytes
    if len(body) <= _COPIED_BYTES:
        transport.write(head + body)
    else:
        transport.writelines((head, body))
    return Written(again.answer, keep_alive=True), nbytes


def _fit_length(answer: Answer, body: bytes | None) -> None:
    headers = answer.headers
    if "Transfer-Encoding" in headers:
        del headers["Transfer-Encoding"]
    if body is not None:
        length = str(len(body))
        if headers.get("Content-Length") != length or len(headers.getall("Content-Length")) > 1:
            headers["Content-Length"] = length
    elif answer.status == 204:  # RFC 9110 section 8.6
        headers.popall("Content-Length", None)


def _add_ours(headers: CIMultiDict[str], *, keep_alive: bool, old: bool) -> None:
    """Date, and for the connection what can't be guessed. old: HTTP/1.0, where it ends unless it is said to go on."""
    if "Date" not in headers:
        headers["Date"] = rfc822_formatted_time()
    if keep_alive is old and "Connection" not in headers:
        headers["Connection"] = "keep-alive" if keep_alive else "close"
