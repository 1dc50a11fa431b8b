"""Rows on their way into the index: what gathers while one commit runs goes in the next, all in one transaction.

A page's forty pictures come at once, and each commit waits for the disk; a memory card takes a few dozen a second.

Laws: whoever puts a row is told of that row alone, after it is there or can't be; what one bad row spoils is tried
again one by one; who stops waiting takes no other's row along.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.base_thread import BaseThread
from proxy.cache.object_index import ObjectIndex, Put, Row

_MOST_AT_ONCE = 256


@dataclass(slots=True, eq=False)
class _Waiting:
    """told: its fate is known, or it is its turn to commit. put: None with is_over: the index doesn't take it."""

    row: Row
    told: asyncio.Future[None]
    put: Put | None = None
    is_over: bool = False


class Commits:
    """One index's. most_twins: variants of one address that stay.

    Of those who wait the first commits for all, and then hands over to the first of those who came meanwhile.
    """

    def __init__(self, index: BaseThread[ObjectIndex], *, most_twins: int) -> None:
        self._index = index
        self._most_twins = most_twins
        self._waiting: deque[_Waiting] = deque()
        self._is_led = False

    async def put(self, row: Row) -> Put | None:
        """Have it named in the index; None: it can't be."""
        mine = _Waiting(row, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._is_led:
            try:
                await mine.told
            except asyncio.CancelledError:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                    if mine.told.done() and not mine.told.cancelled():
                        self._hand_over()
                raise
        if not mine.is_over:
            await self._lead()
        return mine.put

    async def _lead(self) -> None:
        self._is_led = True
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
        try:
            await self._commit(batch)
        finally:
            # Stopped in mid-commit: whether they are there isn't known, but a row put twice is the same row.
            self._waiting.extendleft(one for one in reversed(batch[1:]) if not one.is_over)
            self._hand_over()

    async def _commit(self, batch: list[_Waiting]) -> None:
        rows = [one.row for one in batch]
        found = await self._index.ask(lambda index: index.put(rows, most_twins=self._most_twins))
        if found is None and len(batch) > 1:
            for one in batch:
                await self._commit([one])
            return
        puts: Sequence[Put | None] = found or [None]
        for one, put in zip(batch, puts, strict=True):
            one.put, one.is_over = put, True
            if not one.told.done():
                one.told.set_result(None)

    def _hand_over(self) -> None:
        while self._waiting and self._waiting[0].told.cancelled():
            self._waiting.popleft()
        self._is_led = bool(self._waiting)
        if self._waiting and not self._waiting[0].told.done():
            self._waiting[0].told.set_result(None)
