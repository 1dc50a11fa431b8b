"""What was had from origins before, between the obtainer and the upstream: asked first, it asks the origin itself.

Laws: an assessment goes past it, both ways; nothing of one learner's reaches another; no failure here costs a
response: what can't be stored or read is asked of the origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from proxy.cache.asked import Asked, Filled, Pace
from proxy.upstream.reply import OriginReply
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

_PIECE_BYTES = 65536


class OriginCache:
    """One per process."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def open(self, asked: Asked) -> OriginReply:
        """The answer to a request: the origin's, or one that may stand for it. Raises ExchangeError."""
        return await self._ask_origin(asked)

    async def fill(self, asked: Asked, pace: Pace) -> Filled:
        """Have a response in the store without a reader; what is fresh there already costs nothing.

        pace  told of every piece's bytes before they are taken. Raises ExchangeError where the origin can't be asked
        """
        response = await self._ask_origin(asked)
        taken = 0
        try:
            while not response.at_end and await pace(_PIECE_BYTES):
                taken += len(await response.read_up_to(_PIECE_BYTES, _PIECE_BYTES))
            complete = response.at_end
        finally:
            response.release()
        return Filled(status=response.status, stored=False, complete=complete, fetched_bytes=taken, why="passed")

    async def kept(self, asked: Asked, now: datetime) -> OriginReply | None:
        """What may be shown while the origin is out of reach: anybody's, or this learner's own; None: nothing.

        Its `way` tells its age.
        """
        return None

    def keep_own(self, asked: Asked, reply: OriginReply) -> OriginReply:
        """The same reply; as it is read, a page of hers is kept for her alone, for `asked.own_life_s`."""
        return reply

    async def forget(self, learner: str) -> int:
        """Wipe everything that is kept for this learner alone; how many responses that were."""
        return 0

    async def purge(self, pattern: str) -> int:
        """Drop what is stored under addresses that match (shell wildcards, scheme included); how many."""
        return 0

    async def inspect(self, limit: int = 100) -> Sequence[str]:
        """The latest used addresses for IT staff, without those that only one learner has had."""
        return ()

    async def _ask_origin(self, asked: Asked) -> UpstreamResponse:
        return await self._upstream.open(
            origin=asked.origin,
            method=asked.method,
            scheme=asked.scheme,
            host=asked.host,
            port=asked.port,
            target=asked.target,
            headers=asked.headers,
            body=asked.body,
            content_length=asked.content_length,
            expect_continue=asked.expect_continue,
        )
