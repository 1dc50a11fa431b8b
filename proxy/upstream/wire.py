"""One kept connection to an origin, for requests without a body: nearly all there are.

aiohttp's own client protocol takes a queue, a timer, a parser, two callbacks and a trip through its pool for every
request; this one takes a future. Reading of heads and framing stays llhttp's.

Laws: one request at a time; a connection is used again only after a whole answer, with nothing behind it; bytes that
nobody asked for end it; an answer whose length can't be told for sure is refused; a body that ends early is never
mistaken for a complete one; whoever waits is told why there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_exceptions import (
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, HttpResponseParser, RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD

from policies.model import Limits, Timeouts
from proxy.errors import upstream_malformed
from proxy.upstream.channel import misframed

_REST_S = 55.0  # below the 60 s after which common servers close, so that reuse rarely meets a dead one
_HELD_BYTES = 65536  # a body of that length is waited for, so that head and body are handed on together
_HELD_S = 0.05
_NEVER_S = float("inf")
_Answer = tuple[RawResponseMessage, StreamReader]
_UNKNOWN = -1  # where the final head ends, after interim ones: such a connection isn't used again


class Wire(BaseProtocol):
    """Asks over one connection. rests: called each time when it is ready for another request."""

    __slots__ = (
        "_answer",
        "_asking",
        "_bodyless",
        "_connection",
        "_deadline_s",
        "_got_bytes",
        "_head_end",
        "_held",
        "_idle_s",
        "_inner",
        "_last",
        "_limits",
        "_once",
        "_rests",
        "_spoiled",
        "_timer",
        "_timer_s",
        "_waiter",
    )

    def __init__(self, connection: Connection, rests: Callable[[Wire], None]) -> None:
        """Takes a connected connection over. Raises ServerDisconnectedError if it is no longer fit for use."""
        inner = connection.protocol
        if inner is None or inner.transport is None or inner.should_close:
            connection.close()
            raise ServerDisconnectedError
        super().__init__(asyncio.get_running_loop())
        self._connection, self._inner, self._rests = connection, inner, rests
        self._answer: _Answer | None = None
        self._head_end: int | None = None
        self._got_bytes, self._last = 0, b""
        self._asking = self._bodyless = self._spoiled = self._once = False
        # Whose question is open; what is awaited comes by it, for the wire may be asked again before its owner runs.
        self._waiter: asyncio.Future[_Answer] | None = None
        self._held: asyncio.TimerHandle | None = None
        self._limits: Limits | None = None
        self._idle_s = 0.0
        self._deadline_s = self._timer_s = _NEVER_S
        self._timer: asyncio.TimerHandle | None = None
        self.transport = inner.transport
        self.transport.set_protocol(self)

    # -- asking --------------------------------------------------------------------------------------------

    async def ask(
        self, head: bytes, *, bodyless: bool, limits: Limits, timeouts: Timeouts, once: bool = False
    ) -> _Answer:
        """Send a request and wait for its answer's head; a small body that is on its way comes with it.

        bodyless: the answer has no body (HEAD). once: the connection is nobody else's afterwards. Interim answers end
        here (RFC 9110 section 15.2).

        Raises what aiohttp raises, or ExchangeError.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ServerDisconnectedError
        self._ready_to_parse(limits, bodyless)
        self._answer, self._asking, self._once = None, True, once
        self._head_end, self._got_bytes, self._last = None, 0, b""
        self._idle_s = timeouts.upstream_idle_s
        self._patient_until(self._loop.time() + timeouts.response_head_s)
        waiter = self._waiter = self._loop.create_future()
        transport.write(head)
        try:
            answer: _Answer = await waiter
        except BaseException:
            if self._waiter is waiter:  # else it was over meanwhile, and somebody else may be asking
                self.abort()
            raise
        return answer

    def _ready_to_parse(self, limits: Limits, bodyless: bool) -> None:
        """A parser reads one answer after another, as long as it is to read them alike."""
        if self._parser is not None and bodyless is self._bodyless and limits is self._limits:
            return
        self._limits, self._bodyless = limits, bodyless
        self._parser = HttpResponseParser(
            self,
            self._loop,
            _HELD_BYTES // 2,  # a stream takes twice its limit before it has the connection paused
            payload_exception=ClientPayloadError,
            response_with_body=not bodyless,
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=limits.max_header_bytes,
            max_field_size=limits.max_header_bytes,
        )
        if bodyless:
            self._limits = None  # llhttp isn't told that a HEAD's answer ended: the next one gets a new parser

    def abort(self) -> None:
        """Close the connection in mid-answer. Only for whoever has asked and has not got a complete answer."""
        if self._asking:
            self._fail(ClientConnectionResetError("given up"))

    def close(self) -> None:
        """Close the connection."""
        self._spoiled = True
        self._drop_timers()
        self._connection.close()

    @property
    def usable(self) -> bool:
        """Whether another request may go out on it."""
        transport = self.transport
        return not (self._spoiled or self._asking or transport is None or transport.is_closing())

    # -- what arrives --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if not self._asking or self._parser is None:
            if data:
                self.close()  # nobody asked
            return
        try:
            self._measure(data)
            messages, upgraded, _ = self._parser.feed_data(data)
            for message, payload in messages:
                self._heard(message, payload)
            if upgraded:
                raise upstream_malformed("another protocol, which nobody asked for")
        except Exception as error:
            self._fail(error)
            return
        if self._answer is None:
            return
        if self._answer[1].is_eof():
            self._ended(data)
        elif not self._reading_paused:
            self._patient_until(self._loop.time() + self._idle_s)
        elif self._held is not None:
            self.resume_reading()
        else:
            self._deadline_s = _NEVER_S  # ours is the pause

    def _heard(self, message: RawResponseMessage, payload: StreamReader) -> None:
        if self._answer is not None:
            self._spoiled = True  # more answers than questions: what was asked for is answered, nothing follows
            return
        if 100 <= message.code <= 199 and message.code != 101:
            self._head_end = _UNKNOWN
            return
        if (why := misframed(message)) is not None:
            raise upstream_malformed(why)
        if self._bodyless or message.code in (204, 304):
            payload = EMPTY_PAYLOAD
        self._spoiled = self._once or bool(message.should_close)
        self._answer = message, payload
        if not payload.is_eof() and not self._is_awaited(message, payload):
            self._wake()

    def _is_awaited(self, message: RawResponseMessage, payload: StreamReader) -> bool:
        """A short body follows at once, as a rule: whoever asked is woken once for head and body."""
        length = message.headers.get("Content-Length")
        if length is None or int(length) > _HELD_BYTES:
            return False
        self._held = self._loop.call_later(_HELD_S, self._wake)
        return True

    def _measure(self, data: bytes) -> None:
        """Where the head ends, and how much came: that nothing stands behind the answer is known by count."""
        if self._head_end is None:
            at = (self._last + data).find(b"\r\n\r\n")
            if at >= 0:
                self._head_end = self._got_bytes - len(self._last) + at + 4
        self._got_bytes += len(data)
        if data:
            self._last = (self._last + data)[-3:] if len(data) < 3 else data[-3:]

    def _is_clean(self, data: bytes) -> bool:
        """Whether nothing stands behind the answer; said only where it is certain."""
        assert self._answer is not None
        message, payload = self._answer
        if message.chunked and payload is not EMPTY_PAYLOAD:
            # A started head that ends so would be a whole one, and heard.
            return data.endswith(b"\r\n\r\n")
        return self._head_end is not None and self._got_bytes == self._head_end + payload.total_bytes

    def _ended(self, data: bytes) -> None:
        """The answer is complete."""
        self._asking = False
        self._wake()
        self._waiter = None
        if self._spoiled or self.transport is None or not self._is_clean(data):
            self.close()
            return
        self._patient_until(self._loop.time() + _REST_S)
        self._rests(self)

    def _wake(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None
        if self._waiter is not None and not self._waiter.done() and self._answer is not None:
            self._waiter.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        """Nothing (more) comes: tell whoever waits for the head, or for the body."""
        self._asking = False
        if self._answer is not None and not self._answer[1].is_eof():
            if isinstance(error, HttpProcessingError):
                error = ClientPayloadError(f"the body is broken: {error!r}")
            self._answer[1].set_exception(error)
            self._wake()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self._waiter = None
        self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._spoiled = True
        self._reading_paused = False
        if self._asking:
            self._lost(exc)
        self._drop_timers()
        self._parser = None
        super().connection_lost(exc)
        self._inner.connection_lost(exc)
        self._connection.close()

    def _lost(self, exc: BaseException | None) -> None:
        if self._answer is None:
            self._fail(ClientOSError(*exc.args) if isinstance(exc, OSError) else ServerDisconnectedError())
            return
        try:
            if self._parser is not None:
                self._parser.feed_eof()  # ends a body that ends with its connection
        except Exception as error:
            self._fail(ClientPayloadError(f"the body is not complete: {error!r}"))
            return
        if not self._answer[1].is_eof() or exc is not None:
            self._fail(ClientPayloadError(f"the connection was lost: {exc!r}"))
            return
        self._asking = False
        self._wake()
        self._waiter = None

    # -- flow and time -------------------------------------------------------------------------------------

    def resume_reading(self, resume_parser: bool = True) -> None:
        if not self._reading_paused:
            return
        self._patient_until(self._loop.time() + self._idle_s)
        super().resume_reading(resume_parser)

    def _patient_until(self, deadline_s: float) -> None:
        """One timer for all there is to wait for: it is set anew where it would come too late, else looks again."""
        self._deadline_s = deadline_s
        if deadline_s < self._timer_s:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_s = self._loop.call_at(deadline_s, self._look), deadline_s

    def _look(self) -> None:
        self._timer, self._timer_s = None, _NEVER_S
        if self._loop.time() < self._deadline_s:
            if self._deadline_s < _NEVER_S:
                self._patient_until(self._deadline_s)
        elif self._asking:
            self._fail(SocketTimeoutError("the origin says nothing"))
        else:
            self.close()

    def _drop_timers(self) -> None:
        for timer in (self._timer, self._held):
            if timer is not None:
                timer.cancel()
        self._timer, self._timer_s, self._held = None, _NEVER_S, None
