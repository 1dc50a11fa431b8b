"""Asking for a medium: what is known already, what is under way, what must be begun.

Laws of this file: what is stored, or was tried in vain lately, is never made again; whoever asks is answered at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from proxy.media.board import Board
from proxy.media.hours import CUT_SHORT
from proxy.media.jobs import Lane
from proxy.media.making import Maker, view_of
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.media.views import JobView, Order, State, Watcher

_RETRY_AFTER_S = 60.0  # a source that can't be had is not asked for again at every look


class Asking:
    """Questions about orders, for the desk and for deferred requests."""

    def __init__(self, board: Board, maker: Maker, sources: Sources, store: MediaStore) -> None:
        self._board = board
        self._maker = maker
        self._sources = sources
        self._store = store

    async def settled(self, order: Order) -> JobView | None:
        """What is known already, so that nothing needs to be made; None: something does, or is being made."""
        if self._board.open_job(order.key) is not None:
            return None
        known = await self._maker.known(order)
        if known is not None and known[1] is not None:
            await self._store.names.give(order.key, known[0], order.source.key)
            return view_of(known[1])
        past = self._board.past(order.key, within_s=_RETRY_AFTER_S)
        refused = past is not None and past.state is State.REFUSED
        return past if past is not None and refused and past.why not in CUT_SHORT | {"needs-visit"} else None

    async def add(
        self,
        order: Order,
        learner: str,
        lane: Lane,
        *,
        watcher: Watcher | None = None,
        receipts: frozenset[str] = frozenset(),
        saved_as: str = "",
    ) -> bool:
        """Have it made, or join; False: the queue is full."""
        sha256 = await self._sources.digest_of(order.source.key)
        key = order.key if sha256 is None else order.content_key(sha256)
        entry = self._board.add(
            order, key=key, learner=learner, lane=lane, watcher=watcher, receipts=receipts, saved_as=saved_as
        )
        self._maker.turn()
        return entry is not None

    async def ask(self, order: Order, watcher: Watcher, lane: Lane) -> JobView:
        """How it stands, now that she wants it."""
        view = await self.settled(order)
        if view is not None:
            return view
        if not await self.add(order, watcher.learner, lane, watcher=watcher):
            return JobView(state=State.FULL)
        return self._board.view(order.key) or await self.view(order.key) or JobView(state=State.QUEUED)

    async def view(self, key: str) -> JobView | None:
        """How an order stands, by its name; None: it isn't known (any more)."""
        view = self._board.view(key)
        if view is not None:
            return view
        named = await self._store.names.of(key)
        if named is not None:
            known = await self._store.find(named[0]) or await self._store.in_vain.of(named[0])
            if known is not None:
                return view_of(known)
        past = self._board.past(key)
        return None if past is not None and past.state is State.READY else past  # evicted since

    async def watch(self, key: str) -> AsyncIterator[JobView]:
        """Its view at every change (time that passes is none), the last one when it is no longer open."""
        before: JobView | None = None
        seen = self._board.bell.rings
        while (view := self._board.view(key)) is not None:
            timeless = replace(view, ready_in_s=None)
            if timeless != before:
                before = timeless
                yield view
            await self._board.bell.wait(seen)
            seen = self._board.bell.rings
        last = await self.view(key)
        if last is not None:
            yield last

    async def outcome(self, key: str) -> JobView | None:
        """How it ended, when it has."""
        last: JobView | None = None
        async for view in self.watch(key):
            last = view
        return last
