"""From an `Answer` to the client's socket: streaming, slow readers, leaving readers.

Laws: nothing is held that can stream; a client that leaves ends the exchange without a traceback; the origin's
missing Content-Type stays missing (a browser then looks at the bytes; a made-up one would turn pages into
downloads); an answer that can't be completed ends in a closed connection, never in a well-formed half.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.account.link import unsent_bytes
from proxy.deliver.answer import Answer
from proxy.deliver.whole import write_whole
from proxy.errors import ExchangeError, upstream_malformed
from proxy.headbytes import UnwritableHead

_SLICE_BYTES = 65536
_LOOK_EVERY_BYTES = 65536
# Called with the bytes just handed to the socket; may wait (pace) and may end the exchange (returns False).
Watch = Callable[[int], Awaitable[bool]]


class Delivery(web.StreamResponse):
    """A stream response that adds nothing to the origin's head but Date and the framing."""

    _send_headers_immediately = False  # head and first bytes share a packet

    async def _prepare_headers(self) -> None:
        typed, served = "Content-Type" in self.headers, "Server" in self.headers
        await super()._prepare_headers()
        if not typed:
            self.headers.popall("Content-Type", None)
        if not served:
            self.headers.popall("Server", None)


class Sent(Frozen, frozen=True, kw_only=True):
    """response is what the server must be handed back; to_learner_bytes counts head and body.

    left     the client went away
    body_s   seconds from the first body byte to the last; 0 for a body sent in one piece
    held_up  the client's side was slower than the origin's: its own pace, so a measurement of the link
    """

    response: web.StreamResponse
    to_learner_bytes: int
    complete: bool
    left: bool = False
    body_s: float = 0.0
    held_up: bool = False


@dataclass(slots=True)
class _Progress:
    """arrived_bytes: what the client's side had acknowledged when that was last looked at (at looked_bytes)."""

    started_s: float = 0.0
    writing_s: float = 0.0
    ended_s: float = 0.0
    arrived_bytes: int = 0
    looked_bytes: int = 0

    def look(self, transport: asyncio.Transport | None, output_bytes: int) -> None:
        """A connection that was reset no longer tells what was unsent, and the kernel may hold megabytes."""
        if output_bytes - self.looked_bytes >= _LOOK_EVERY_BYTES:
            self.looked_bytes = output_bytes
            self.arrived_bytes = max(self.arrived_bytes, output_bytes - unsent_bytes(transport))


async def send(
    request: web.BaseRequest, answer: Answer, *, watch: Watch | None = None, write_timeout_s: float = 180.0
) -> Sent:
    """Put an answer on the wire.

    Raises ExchangeError only while nothing has been sent; after that the connection is closed instead.
    """
    # RFC 9110 section 6.4.1: none of these has content, whatever was made for it.
    bodyless = request.method == "HEAD" or answer.status in (204, 304)
    body = answer.body
    try:
        if bodyless:
            return await _send_whole(request, answer, None)
        if body is None or isinstance(body, bytes):
            return await _send_whole(request, answer, body or b"")
        return await _send(request, answer, body, watch, write_timeout_s)
    except UnwritableHead as error:
        raise upstream_malformed(str(error)) from error
    finally:
        if answer.close is not None:
            await answer.close()


async def _send_whole(request: web.BaseRequest, answer: Answer, body: bytes | None) -> Sent:
    """What is in memory already is the transport's at once; a dead peer is the kernel's to notice."""
    try:
        response, nbytes = write_whole(request, answer, body)
        if request.protocol.writing_paused:  # earlier answers are still on their way
            await request.writer.drain()
    except ConnectionError:
        gone = Delivery(status=answer.status, reason=answer.reason)
        return _broken_off(request, gone, request.writer.output_size, _Progress(), left=True)
    return Sent(response=response, to_learner_bytes=nbytes, complete=True)


async def _send(
    request: web.BaseRequest,
    answer: Answer,
    body: Path | AsyncIterator[bytes],
    watch: Watch | None,
    write_timeout_s: float,
) -> Sent:
    response = Delivery(status=answer.status, reason=answer.reason, headers=answer.headers)
    if isinstance(body, Path):
        body = await _file_slices(body)
    first = await _first_chunk(body)
    _fit_framing(request, response)
    writer = await response.prepare(request)
    assert writer is not None
    complete = False
    progress = _Progress()
    try:
        async with asyncio.timeout(write_timeout_s) as patience:
            if not await _stream(request, response, writer, first, body, watch, patience, write_timeout_s, progress):
                return _broken_off(request, response, writer.output_size, progress, left=False)
            await response.write_eof()
        complete = True
    except (ConnectionError, TimeoutError):
        return _broken_off(request, response, writer.output_size, progress, left=True)
    except ExchangeError:
        return _broken_off(request, response, writer.output_size, progress, left=False)
    finally:
        if not complete:
            response.force_close()
    body_s = progress.ended_s - progress.started_s
    return Sent(
        response=response,
        to_learner_bytes=writer.output_size,
        complete=True,
        body_s=body_s,
        held_up=progress.writing_s > body_s / 2,
    )


def _fit_framing(request: web.BaseRequest, response: Delivery) -> None:
    # HTTP/1.0 has no chunks: the connection's end is the body's end.
    if "Content-Length" not in response.headers and request.version < (1, 1):
        response.force_close()


async def _first_chunk(body: AsyncIterator[bytes]) -> bytes:
    """Pull the first bytes before the head goes out, so that an early failure can still be answered properly."""
    async for chunk in body:
        if chunk:
            return chunk
    return b""


async def _stream(
    request: web.BaseRequest,
    response: Delivery,
    writer: AbstractStreamWriter,
    first: bytes | None,
    body: AsyncIterator[bytes],
    watch: Watch | None,
    patience: asyncio.Timeout,
    write_timeout_s: float,
    progress: _Progress,
) -> bool:
    loop, transport = asyncio.get_running_loop(), request.transport
    progress.started_s = progress.ended_s = loop.time()
    chunk = first
    while chunk is not None:
        if chunk:
            before_s = loop.time()
            patience.reschedule(before_s + write_timeout_s)
            await response.write(chunk)
            progress.ended_s = loop.time()
            progress.writing_s += progress.ended_s - before_s
            progress.look(transport, writer.output_size)
            if watch is not None and not await watch(len(chunk)):
                return False
        chunk = await anext(body, None)
    return True


def _broken_off(
    request: web.BaseRequest, response: Delivery, output_bytes: int, progress: _Progress, *, left: bool
) -> Sent:
    transport = request.transport
    if left:  # what never reached her is not billed
        lost = transport is None or transport.is_closing()
        arrived = progress.arrived_bytes if lost else output_bytes - unsent_bytes(transport)
        output_bytes = max(arrived, progress.arrived_bytes)
    if transport is not None:
        transport.abort() if left else transport.close()
    response.force_close()
    return Sent(response=response, to_learner_bytes=output_bytes, complete=False, left=left)


async def _file_slices(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    return _slices(file)


async def _slices(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(file.read, _SLICE_BYTES):
            yield chunk
    finally:
        file.close()


def plain_answer(status: int, body: bytes, content_type: str, **headers: str) -> Answer:
    """A complete answer of Tropa's own; header names are written with underscores."""
    head: CIMultiDict[str] = CIMultiDict({"Content-Type": content_type, "Content-Length": str(len(body))})
    for name, value in headers.items():
        head[name.replace("_", "-")] = value
    head.setdefault("Cache-Control", "no-store")
    head.setdefault("X-Content-Type-Options", "nosniff")
    return Answer(status=status, headers=head, body=body)


def see_other(location: str, cookie: str | None = None) -> Answer:
    """303 (RFC 9110 section 15.4.4): a reload of where it leads posts nothing. cookie: a Set-Cookie to go with it."""
    answer = plain_answer(303, b"", "text/plain", Location=location)
    if cookie is not None:
        answer.headers.add("Set-Cookie", cookie)
    return answer
