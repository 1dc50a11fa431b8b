"""What the names of orders stand for: the medium that answered one, so that the next like order finds it at once.

Laws: a name ends by itself, and one whose medium is gone stands for nothing; rows beside the media, bounded by the
store's sweep.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from proxy.clock import Clock
from proxy.media import store_index as index
from proxy.media.table import Table

NAME_LIFE = timedelta(days=30)


class MediaNames:
    """Rows beside the media, by an order's name; lives as long as their store."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._index = table
        self._clock = clock

    async def of(self, name: str) -> tuple[str, str] | None:
        """(the medium's key, its source's key) that a name stands for."""
        now = self._clock.now().timestamp()
        return await self._index.ask(lambda base: index.named(base, name, now))

    async def standing(self, names: Collection[str]) -> frozenset[str]:
        """Those of these names that stand for a medium in store."""
        now = self._clock.now().timestamp()
        return await self._index.ask(lambda base: index.standing(base, names, now)) or frozenset()

    async def give(self, name: str, key: str, source_key: str, *, life: timedelta = NAME_LIFE) -> None:
        """From now on this name stands for this medium, made from this source."""
        until = (self._clock.now() + life).timestamp()
        await self._index.ask(lambda base: index.put_name(base, name, key, source_key, until))
