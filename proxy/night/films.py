"""What nights made of films, for cards that offer it in the morning.

Laws of this file: only what lies in the store is told of, never what could be made; that something was made lets nobody
have it: each learner is let have it by the origin, or without a link by her course. Memory only: found anew, by what is
written down, when a process begins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from policies.decision import Decision
from proxy.media.desk import Desk
from proxy.media.refs import SourceRef
from proxy.media.store_values import StoredMedia
from proxy.night.sources import BY_NIGHT
from proxy.night.texts.store import LIFE
from proxy.own.had import HadMedia
from proxy.pages.versions import film_forms
from proxy.stages.media_book import MediaBook
from proxy.stages.media_orders import order_of, recipe_of

BytesOf = Callable[[str, StoredMedia], Awaitable[int]]


class NightFilms:
    """One per process. bytes_of: what a learner takes who takes this version of what is stored."""

    def __init__(self, had: HadMedia, book: MediaBook, desk: Desk, bytes_of: BytesOf) -> None:
        self._had = had
        self._book = book
        self._desk = desk
        self._bytes_of = bytes_of

    async def seen(self, ref: SourceRef, content_type: str, now: datetime) -> None:
        """The origin gives it, to the account or to anybody."""
        await self._had.note(ref, content_type, now, LIFE)

    async def made(self, url: str, decisions: Sequence[Decision], now: datetime) -> None:
        """Something was made of it: what, under the decisions of the hours in which it is watched, is told of now."""
        known = self._had.of(BY_NIGHT, url, now)
        if known is None:
            return
        ref, content_type = known
        for decision in decisions:
            for version in film_forms(decision.treatments.video):
                recipe = recipe_of(version, decision, content_type, {})
                if recipe is None:
                    continue
                name = order_of(*recipe, ref, region=decision.region).key
                stored = await self._desk.made(name)
                if stored is not None:
                    self._book.became_ready(ref, url, version, await self._bytes_of(version, stored), name=name)
