"""A request's body on its way to the origin: counted, limited, and its failure remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from proxy.errors import ExchangeError
from proxy.upstream.faults import client_left, request_too_large


class RequestBody:
    """Wraps a streaming or a complete body.

    length      None: it goes out in chunks
    failure     why the client's side of it broke, None while it didn't
    sent_bytes  handed on so far
    """

    __slots__ = ("_body", "_max_bytes", "_starts", "failure", "length", "sent_bytes")

    def __init__(
        self,
        body: AsyncIterator[bytes] | bytes,
        *,
        length: int | None,
        max_bytes: int,
        starts: Callable[[], None] | None,
    ) -> None:
        self._body = body
        self._max_bytes = max_bytes
        self._starts = starts
        self.length = len(body) if isinstance(body, bytes) else length
        self.failure: ExchangeError | None = None
        self.sent_bytes = 0
        if self.length is not None and self.length > max_bytes:
            raise request_too_large(max_bytes)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises ExchangeError where the client's side breaks; what was declared must come."""
        if self._starts is not None:
            self._starts()
        if isinstance(self._body, bytes):
            yield self._body
            return
        try:
            async for piece in self._body:
                self.sent_bytes += len(piece)
                if self.sent_bytes > (self._max_bytes if self.length is None else self.length):
                    raise request_too_large(self._max_bytes)
                yield piece
            if self.length is not None and self.sent_bytes != self.length:
                raise client_left(f"{self.sent_bytes} of {self.length} bytes")
        except ExchangeError as error:
            self.failure = error
            raise
        except Exception as error:  # the server side's own: a broken chunk, a lost client, a stall
            self.failure = client_left(repr(error))
            raise self.failure from error
