"""An answer whose body is complete goes out as head and body in one write.

aiohttp's way to the wire (a response object that copies the head, a writer, four coroutines) took a tenth of a small
exchange.

Laws: the head says the body's true length; nothing is added to the origin's fields but Date, the length and what
ends the connection; the missing Content-Type stays missing.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.helpers import rfc822_formatted_time

from proxy.deliver.answer import Answer
from proxy.headbytes import head_bytes

_COPIED_BYTES = 4096  # up to here joining head and body costs less than a second piece of the same write


class Written(web.StreamResponse):
    """What the server is handed when the answer is on the wire already: it writes nothing more."""

    def __init__(self, answer: Answer, *, keep_alive: bool) -> None:
        super().__init__(status=answer.status, _real_headers=answer.headers)
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
    fields = [*headers.items(), *_added(answer, keep_alive=keep_alive, old=version < (1, 1))]
    reason = answer.reason if answer.reason is not None else web.Response(status=answer.status).reason
    head = head_bytes(f"HTTP/1.{0 if version == (1, 0) else 1} {answer.status} {reason}", fields)
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


def _fit_length(answer: Answer, body: bytes | None) -> None:
    headers = answer.headers
    headers.popall("Transfer-Encoding", None)
    if body is not None:
        headers["Content-Length"] = str(len(body))
    elif answer.status == 204:  # RFC 9110 section 8.6
        headers.popall("Content-Length", None)


def _added(answer: Answer, *, keep_alive: bool, old: bool) -> list[tuple[str, str]]:
    """Our own fields. old: HTTP/1.0, where a connection ends unless it is said to go on."""
    fields = []
    if "Date" not in answer.headers:
        fields.append(("Date", rfc822_formatted_time()))
    if "Connection" not in answer.headers and keep_alive is old:
        fields.append(("Connection", "keep-alive" if keep_alive else "close"))
    return fields
