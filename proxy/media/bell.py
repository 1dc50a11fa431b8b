"""A bell: whoever waits is woken by the next ring.

Law of this file: no ring is kept. Whoever waits looks first, then waits, then looks again; between the look and the
wait there is no await, so no ring is missed.
"""

from __future__ import annotations

import asyncio


class Bell:
    """For one event loop."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake everybody who waits now."""
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def wait(self) -> None:
        """Until the next ring; one who gives up leaves the others waiting."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)
