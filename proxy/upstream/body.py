"""A request's body on its way to the origin: counted, limited, and its failure remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from proxy.errors import ExchangeError
from proxy.upstream.faults import client_left, request_too_large


class RequestBody:
    """Wraps a streaming or a complete body.

    started   the origin (or we in its stead) began to take the body
    failure   why the client's side of it broke, None while it didn't
    """

    __slots__ = ("_body", "_max_bytes", "_starts", "failure", "on_start", "sent_bytes", "started")

    def __init__(self, body: AsyncIterator[bytes] | bytes, max_bytes: int, starts: Callable[[], None] | None) -> None:
        self._body = body
        self._max_bytes = max_bytes
        self._starts = starts
        self.started = False
        self.failure: ExchangeError | None = None
        self.sent_bytes = 0
        self.on_start: Callable[[], None] | None = None

    @classmethod
    def of(
        cls, body: AsyncIterator[bytes] | bytes | None, *, max_bytes: int, starts: Callable[[], None] | None
    ) -> RequestBody | None:
        return None if body is None else cls(body, max_bytes, starts)

    @property
    def data(self) -> AsyncIterator[bytes] | bytes:
        """What aiohttp is given."""
        if isinstance(self._body, bytes) and self._starts is None:
            return self._body
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        self._begin()
        if isinstance(self._body, bytes):
            yield self._body
            return
        try:
            async for piece in self._body:
                self.sent_bytes += len(piece)
                if self.sent_bytes > self._max_bytes:
                    raise request_too_large(self._max_bytes)
                yield piece
        except ExchangeError as error:
            self.failure = error
            raise
        except Exception as error:  # the server side's own: a broken chunk, a lost client, a stall
            self.failure = client_left(repr(error))
            raise

    def _begin(self) -> None:
        self.started = True
        if self.on_start is not None:
            self.on_start()
        if self._starts is not None:
            self._starts()
