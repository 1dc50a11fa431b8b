"""The HTTP server's protocol as this front needs it: quiet about flaky clients, patient with slow ones.

Laws: a client that leaves never makes a traceback; a malformed request gets a small answer that repeats nothing of
it; no field's bytes are changed on the way out.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.http_exceptions import LineTooLong
from multidict import CIMultiDict

from proxy.clock import Clock
from proxy.errors import ExchangeError
from proxy.modes.refusal import small_answer
from proxy.modes.seen import Seen

logger = logging.getLogger("tropa.wire")


class AnswerWriter(StreamWriter):
    """Keeps field bytes that aren't UTF-8 (old sites write file names in windows-1251), which aiohttp reads as
    surrogate escapes and leaves out on writing; answers in HTTP/1.1 to a version that isn't ours."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        if not status_line.startswith("HTTP/1."):
            status_line = f"HTTP/1.1 {status_line.partition(' ')[2]}"
        await super().write_headers(status_line, headers)  # refuses control bytes
        if not "".join(headers.values()).isascii():
            lines = (status_line, *(f"{name}: {value}" for name, value in headers.items()), "", "")
            self._headers_buf = "\r\n".join(lines).encode("utf-8", "surrogateescape")


class ClientProtocol(web.RequestHandler):
    """One client's HTTP connection.

    seen        who it is
    head_s      when the first bytes of an unfinished request head came, None while there are none
    quiet_s     when the last bytes came or the last answer went
    exchanges   how many are running on it (0 or 1)
    home        the set it is in while it lives
    """

    __slots__ = ("clock", "exchanges", "head_s", "home", "quiet_s", "seen")

    def __init__(
        self, manager: web.Server, *, seen: Seen, clock: Clock, home: set[ClientProtocol], **options: Any
    ) -> None:
        super().__init__(manager, **options)
        self.seen = seen
        self.home = home
        home.add(self)
        self.clock = clock
        self.head_s: float | None = None
        self.quiet_s = clock.steady_s()
        self.exchanges = 0

    def data_received(self, data: bytes) -> None:
        if data:
            self.quiet_s = self.clock.steady_s()
            if not self.exchanges and self.head_s is None:
                self.head_s = self.quiet_s
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.home.discard(self)
        super().connection_lost(exc)

    def begin(self) -> None:
        """A request's head is complete."""
        self.exchanges += 1
        self.head_s = None

    def end(self) -> None:
        """Its answer has gone out."""
        self.exchanges -= 1
        self.quiet_s = self.clock.steady_s()

    @property
    def uploading(self) -> bool:
        """Whether the running request's body is still awaited."""
        request = self._current_request
        return request is not None and not request.content.is_eof()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers instead of aiohttp: parse errors, and what a handler let escape."""
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            raise ConnectionResetError("an answer is on the wire already")
        if isinstance(exc, ExchangeError):
            return small_answer(exc.status, code=exc.code, retry_after_s=exc.retry_after_s)
        if isinstance(exc, LineTooLong):
            return small_answer(431, code="head-too-large")
        if status == 400:
            logger.debug("malformed request from %s: %s", self.seen.peer, message)
            return small_answer(400, code="request-malformed")
        logger.error("unexpected error in an exchange", exc_info=exc)
        return small_answer(status, code="internal")

    def log_debug(self, *args: Any, **kw: Any) -> None:
        return None

    def log_exception(self, *args: Any, **kw: Any) -> None:
        error = kw.get("exc_info")
        if isinstance(error, ConnectionError | asyncio.CancelledError | ExchangeError):
            return
        logger.error(*args, **kw)


def make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """The server's request factory; the writer is ours."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, AnswerWriter(protocol, loop), task, loop)
