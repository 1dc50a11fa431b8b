"""A long film in segments that are made when its player asks for them: winding to its end costs its end.

Laws: nobody encodes what nobody watches; a player is kept waiting for a segment at most as long as players wait; who
may have it is asked of the desk at every segment.
"""

from __future__ import annotations

import asyncio

from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.media.desk import Desk
from proxy.media.refs import SourceRef
from proxy.media.views import Order, Watcher
from proxy.stages.context import Exchange
from proxy.stages.media import stored_answer
from proxy.stages.media_book import MediaBook
from proxy.stages.media_orders import order_of, segments_recipe
from proxy.stages.media_origin import MediaOrigin
from proxy.transforms.media.segments import segment_number

SEGMENTS = "hls"
_LONG_S = 15 * 60.0  # below that the whole is made about as quickly as somebody can wish to wind
_PATIENCE_S = 25.0


class Segments:
    """Orders and answers for films in segments."""

    def __init__(self, desk: Desk, origin: MediaOrigin, book: MediaBook) -> None:
        self._desk = desk
        self._origin = origin
        self._book = book

    def are_better(self, exchange: Exchange, url: str) -> bool:
        """Whether this film is too long to be made as a whole for somebody who may watch a part of it."""
        duration_s = self._book.known(exchange.who.learner, url).duration_s
        return duration_s is not None and duration_s >= _LONG_S

    def order(self, exchange: Exchange, url: str, source: SourceRef, *, title: str) -> Order:
        """The playlist and what all segments begin with."""
        return order_of(
            *segments_recipe(exchange.decision.treatments.video),
            source,
            region=exchange.decision.region,
            title=title,
            media_s=self._book.known(exchange.who.learner, url).duration_s,
            fetch=self._origin.fetcher(exchange, url),
        )

    async def answer(self, exchange: Exchange, order: Order, name: str) -> Answer | None:
        """The playlist, the beginning or one segment; None: there is no such file."""
        learner = exchange.who.learner
        exchange.tally.kind = MediaKind.VIDEO
        watcher = Watcher(learner=learner, id=f"segments {order.key}")
        number = segment_number(name)
        if number is None:
            whole = await self._desk.ready(order.key, learner=learner)
            file = whole.files.get(name) if whole is not None else None
            return await stored_answer(exchange, whole, file) if whole is not None and file is not None else None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                segment = await self._desk.segment(order.key, number, watcher=watcher)
                if segment is None:  # the desk may have forgotten the film since it was chosen
                    await self._desk.ask(order, watcher)
                    segment = await self._desk.segment(order.key, number, watcher=watcher)
                    self._desk.leave(order.key, watcher)
        except TimeoutError:
            return plain_answer(503, b"", "text/plain", Retry_After="5")
        if segment is None:
            return None
        answer = await stored_answer(exchange, segment, segment.main_file)
        exchange.tally.direct_bytes = self._direct_bytes(order, segment.length_bytes)
        return answer

    @staticmethod
    def _direct_bytes(order: Order, sent_bytes: int) -> int:
        """What the same minutes of the original weigh, by its rate."""
        source_bytes, media_s = order.source.length_bytes, order.media_s
        segment_s = getattr(order.spec, "segment_s", 0.0)
        return round(source_bytes * segment_s / media_s) if source_bytes and media_s else sent_bytes
