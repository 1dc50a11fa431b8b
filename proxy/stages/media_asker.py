"""Asking origins how long the films are that a page names, and the store which versions are ready, without holding it.

Laws: as for sizes: only where the origin is on the cheap side; a few films a page, a moment of waiting; what comes
later serves the next visit; every question goes out in the learner's own name, so it also tells what she may have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from policies.decision import Decision
from policies.treatments import Action
from policies.values import MediaKind
from proxy.errors import ExchangeError
from proxy.media.authorised import GRANTING
from proxy.media.desk import Desk
from proxy.media.store_values import StoredMedia
from proxy.pages.versions import film_forms
from proxy.stages.context import Exchange
from proxy.stages.media_book import MediaBook
from proxy.stages.media_orders import order_of, recipe_of
from proxy.stages.media_origin import Look, MediaOrigin, is_same_site
from proxy.stages.places import saves_here
from proxy.tasks import TaskKeeper
from proxy.transforms.html.kinds import kind_of

BytesOf = Callable[[str, StoredMedia], Awaitable[int]]
_PATIENCE_S = 0.15
_MOST_AT_ONCE = 4
_MOST_PENDING = 32


class MediaAsker:
    """Fills the media book. bytes_of: what a learner takes who takes this version of what is stored."""

    def __init__(self, desk: Desk, origin: MediaOrigin, book: MediaBook, keeper: TaskKeeper, bytes_of: BytesOf) -> None:
        self._desk = desk
        self._origin = origin
        self._book = book
        self._keeper = keeper
        self._bytes_of = bytes_of
        self._asked: set[tuple[str, str]] = set()

    async def ask(self, exchange: Exchange, urls: tuple[str, ...]) -> None:
        """Learn of the films among these addresses, as far as it comes in time."""
        if not _may_ask(exchange):
            return
        learner = exchange.who.learner
        films = [url for url in urls if kind_of(url) is MediaKind.VIDEO and is_same_site(exchange, url)]
        fresh = [url for url in films if not self._book.has(learner, url) and (learner, url) not in self._asked]
        if not fresh or len(self._asked) > _MOST_PENDING:
            return
        tasks = [self._keeper.start(self._look(exchange, url), name="film") for url in fresh[:_MOST_AT_ONCE]]
        await asyncio.wait(tasks, timeout=_PATIENCE_S)

    async def _look(self, exchange: Exchange, url: str) -> None:
        asked = (exchange.who.learner, url)
        self._asked.add(asked)
        try:
            async with asyncio.timeout(10):
                look = await self._origin.look(exchange, url, page_url=exchange.inbound.url)
                if look.ref is not None and look.status in GRANTING:
                    await self._note(exchange, url, look)
        except (ExchangeError, TimeoutError):
            pass
        finally:
            self._asked.discard(asked)

    async def _note(self, exchange: Exchange, url: str, look: Look) -> None:
        assert look.ref is not None
        learner, now = exchange.who.learner, exchange.now
        self._desk.authorised.note(learner, look.ref.key, look.status, now)
        self._book.saw(learner, url, look.ref, look.content_type, now)
        self._book.lasts(look.ref, url, look.duration_s)
        decision: Decision = exchange.decision
        for version in film_forms(decision.treatments.video):
            found = recipe_of(version, decision, look.content_type, exchange.inbound.request.headers)
            if found is None:
                continue
            name = order_of(*found, look.ref, region=decision.region).key
            stored = await self._desk.ready(name, learner=learner)
            if stored is not None:
                self._book.became_ready(look.ref, url, version, await self._bytes_of(version, stored), name=name)


def _may_ask(exchange: Exchange) -> bool:
    origin = exchange.inbound.origin
    if origin is None or origin.upstream is None:
        return False
    adapts = exchange.decision.treatments.video.action is Action.ADAPT
    return adapts and saves_here(exchange.catalogue.settings.place, exchange.decision)
