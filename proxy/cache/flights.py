"""Who is asking an origin for what just now, so that one question serves all who want the same.

Law: a flight that was begun ends, whatever becomes of the question; who waited looks into the store and decides anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class Flights:
    """Questions under way, by what they ask for."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, asyncio.Future[None]] = {}

    def __contains__(self, asked_for: bytes) -> bool:
        return asked_for in self._under_way

    def find(self, asked_for: bytes | None) -> asyncio.Future[None] | None:
        """What to wait for, shielded; None: nobody asks for this, or it is nothing to share."""
        return self._under_way.get(asked_for) if asked_for is not None else None

    def lead(self, asked_for: bytes) -> AbstractContextManager[None]:
        """From this call on others wait, until the block that enters this is left. Only where nobody leads already."""
        mine = self._under_way[asked_for] = asyncio.get_running_loop().create_future()
        return self._led(asked_for, mine)

    @contextmanager
    def _led(self, asked_for: bytes, mine: asyncio.Future[None]) -> Iterator[None]:
        try:
            yield
        finally:
            del self._under_way[asked_for]
            mine.set_result(None)
