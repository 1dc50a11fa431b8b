"""The HTTP server's protocol as this front needs it: quiet about flaky clients, patient with slow ones.

Laws: a client that leaves never makes a traceback; a malformed request gets a small answer that repeats nothing of
it; no field's bytes are changed on the way out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import ERROR, PayloadAccessError
from multidict import CIMultiDict

from proxy.clock import Clock
from proxy.deliver.whole import Written
from proxy.errors import ExchangeError
from proxy.headbytes import head_bytes
from proxy.modes.known_heads import KnownHead, KnownHeads
from proxy.modes.refusal import small_answer
from proxy.modes.seen import Seen

logger = logging.getLogger("tropa.wire")
_NO_MORE = PayloadAccessError()  # whoever reads a request's body after its exchange


class AnswerWriter(StreamWriter):
    """Keeps field bytes that aren't UTF-8 (old sites write file names in windows-1251), which aiohttp reads as
    surrogate escapes and leaves out on writing; answers in HTTP/1.1 to a version that isn't ours."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        if not status_line.startswith("HTTP/1."):
            status_line = f"HTTP/1.1 {status_line.partition(' ')[2]}"
        await super().write_headers(status_line, headers)
        if not "".join(headers.values()).isprintable():
            head_bytes(status_line, headers.items())  # refuses control bytes
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
    heads       read before, by anyone on this listener
    known       the running request's, None where it was read by llhttp
    at_once     answers a request with a known head there and then, or says that it has to wait its turn
    """

    __slots__ = (
        "_at_once",
        "_between",
        "_next",
        "clock",
        "exchanges",
        "head_s",
        "heads",
        "home",
        "known",
        "quiet_s",
        "seen",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        seen: Seen,
        clock: Clock,
        home: set[ClientProtocol],
        heads: KnownHeads,
        at_once: Callable[[ClientProtocol, RawRequestMessage, KnownHead], bool],
        **options: Any,
    ) -> None:
        super().__init__(manager, **options)
        self.heads = heads
        self._at_once = at_once
        self.known: KnownHead | None = None
        self._next: KnownHead | None = None
        self._between = True  # llhttp stands between two requests, for certain
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
            if self._between and self._took_known(data):
                return
        queued = len(self._messages)
        super().data_received(data)
        if data and self._between:
            self._between = self._read_whole(data, queued)

    def _took_known(self, data: bytes) -> bool:
        """Whether this is one known head, on a connection that waits for one; then it is queued as llhttp's are."""
        waiter = self._waiter
        if waiter is None or waiter.done() or self._messages or self._force_close or self._close:
            return False
        found = self.heads.find(data)
        if found is None:
            return False
        message, known = found
        self._request_count += 1
        if self._at_once(self, message, known):
            self.head_s = None
            return True
        self._next = known
        self._messages.append((message, EMPTY_PAYLOAD))
        waiter.set_result(None)
        return True

    def request_of(self, message: RawRequestMessage, payload: StreamReader) -> web.BaseRequest | None:
        """The request that the server makes of it; None: the connection is ending."""
        task, loop = self._task_handler, self._loop
        if task is None or self._request_handler is None:
            return None
        return web.BaseRequest(message, payload, self, AnswerWriter(self, loop), task, loop)

    def _read_whole(self, data: bytes, queued: int) -> bool:
        """Whether llhttp has made exactly one request of exactly this piece, and nothing of it is left."""
        if len(self._messages) != queued + 1 or data.find(b"\r\n\r\n") != len(data) - 4:
            return False
        message, payload = self._messages[-1]
        if not isinstance(message, RawRequestMessage) or payload is not EMPTY_PAYLOAD or message.upgrade:
            return False
        self.heads.keep(data, message)
        return True

    async def start(self) -> None:
        """aiohttp's loop over a connection's requests, without a task, a writer and a timer for each of them.

        Those took a tenth of a small exchange; nothing in an exchange needs a context of its own, and idle
        connections are ended by the front's sweep.
        """
        loop = self._loop
        while not self._force_close:
            if not self._messages:
                self._waiter = loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            message, payload = self._messages.popleft()
            self.known, self._next = self._next, None
            if self._parser is not None:
                self._parser.message_consumed()
            if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                self._resume_reading_if_drained()
            if not await self._exchanged(message, payload):
                break
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _exchanged(self, message: Any, payload: StreamReader) -> bool:
        """One request and its answer. False: the connection is to be closed."""
        handler = self._request_handler
        if not isinstance(message, RawRequestMessage):  # a parse error
            handler, message = self._make_error_handler(message), ERROR
        request = self.request_of(message, payload)
        if handler is None or request is None:
            return False
        try:
            response, left = await self._handle_request(request, None, handler)
            if left:
                return False
            if not payload.is_eof():
                await self._lingered(payload)
            payload.set_exception(_NO_MORE)
        except ConnectionError:
            return False
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:
            self.log_exception("unexpected error on a connection", exc_info=error)
            self.force_close()
            return False
        finally:
            request._task = None  # type: ignore[assignment]  # a reference cycle, otherwise
        if message.upgrade and message.headers.get("Upgrade", "").lower() != "websocket":
            return False  # the parser loses what came with it: the next answer would be for another request
        return bool(response.keep_alive) and not self._close and not self._force_close

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """The end of an exchange; of an answer that is on the wire already there is nothing to end."""
        if type(resp) is Written and not self._upgraded:
            return resp, False
        return await super().finish_response(request, resp, start_time)

    async def _lingered(self, payload: StreamReader) -> None:
        """Read what is left of an upload that nobody wanted, for a while: only then the client reads our answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lingering_time):
                while not payload.is_eof() and not self._force_close:
                    await payload.readany()
        if not payload.is_eof() and not self._force_close:
            self.close()

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
        if isinstance(exc, ConnectionError) and self._client_left:
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

    @property
    def _client_left(self) -> bool:
        """A broken connection may be another's (an origin's, a worker's): who waits gets an answer, not silence."""
        return self.transport is None or self.transport.is_closing()

    def log_debug(self, *args: Any, **kw: Any) -> None:
        return None

    def log_exception(self, *args: Any, **kw: Any) -> None:
        error = kw.get("exc_info")
        if isinstance(error, ConnectionError | asyncio.CancelledError | ExchangeError):
            return
        logger.error(*args, **kw)
