"""The origin's answers to forms that were sent for a learner, until her page has them.

Laws of this file: in memory only, since they may carry her cookies; bounded, and what is over the bound goes first;
what is handed out is the origin's own answer, as if it came just now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator

from multidict import CIMultiDict, CIMultiDictProxy

from policies.frozen import Frozen
from proxy.errors import ExchangeError
from proxy.upstream.reply import FORWARDED, OriginReply, Way

_MOST_BODY_BYTES = 1 << 20
_MOST_BYTES = 64 << 20


class KeptAnswer(Frozen, frozen=True, kw_only=True):
    """An origin's answer as a whole."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    body: bytes


async def taken(reply: OriginReply) -> KeptAnswer | None:
    """The whole of a reply; None: it is too large to keep, or broke off. The reply is over after this."""
    body = bytearray()
    try:
        async for chunk in reply.iter_chunks():
            body += chunk
            if len(body) > _MOST_BODY_BYTES:
                return None
    except ExchangeError:
        return None
    finally:
        reply.release()
    headers = CIMultiDict(reply.headers)
    headers.popall("Transfer-Encoding", None)
    headers["Content-Length"] = str(len(body))
    return KeptAnswer(status=reply.status, reason=reply.reason, headers=CIMultiDictProxy(headers), body=bytes(body))


class Answers:
    """By upload."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._bytes = 0

    def put(self, upload_id: str, answer: KeptAnswer) -> None:
        self.drop(upload_id)
        self._kept[upload_id] = answer
        self._bytes += len(answer.body)
        while self._bytes > _MOST_BYTES:
            self.drop(next(iter(self._kept)))

    def get(self, upload_id: str) -> OriginReply | None:
        answer = self._kept.get(upload_id)
        return None if answer is None else KeptReply(answer)

    def drop(self, upload_id: str) -> None:
        answer = self._kept.pop(upload_id, None)
        if answer is not None:
            self._bytes -= len(answer.body)


class KeptReply:
    """A kept answer as the stages read it."""

    close_delimited = False
    from_origin = False  # its bytes were counted when they came
    http_version = (1, 1)
    way: Way = FORWARDED

    def __init__(self, answer: KeptAnswer) -> None:
        self._answer = answer
        self._at = 0
        self.status = answer.status
        self.reason = answer.reason
        self.headers = answer.headers
        self.content_length: int | None = len(answer.body)

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple(
            (name.encode("latin-1", "replace"), value.encode("utf-8", "surrogateescape"))
            for name, value in self.headers.items()
        )

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._answer.body)

    async def iter_chunks(self, max_bytes: int = 16384) -> AsyncIterator[bytes]:
        while not self.at_end:
            yield await self.read_up_to(max_bytes, 0)

    async def read_up_to(self, max_bytes: int, within_s: float) -> bytes:
        piece = self._answer.body[self._at : self._at + max_bytes]
        self._at += len(piece)
        return piece

    def release(self) -> None:
        """Nothing stands behind it."""

    def abort(self) -> None:
        """Nothing stands behind it."""
