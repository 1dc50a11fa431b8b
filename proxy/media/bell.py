"""A bell: whoever waits is woken by the next ring.

Law of this file: no ring is kept, only counted. Whoever waits looks, then waits, then looks again; where there is an
await between the look and the wait, the count of rings at the look is handed to the wait, so no ring is missed.
"""

from __future__ import annotations

import asyncio


class Bell:
    """For one event loop."""

    __slots__ = ("_next", "rings")

    def __init__(self) -> None:
        self.rings = 0
        self._next: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake everybody who waits now."""
        self.rings += 1
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def wait(self, after: int | None = None) -> None:
        """Until the next ring, or not at all if there were more than `after`; one who gives up leaves the others."""
        if after is not None and self.rings > after:
            return
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)
