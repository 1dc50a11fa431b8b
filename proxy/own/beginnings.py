"""What a tap began and the origin hasn't answered yet: it goes on without the request that asked for it.

Laws: nobody stands before a blank page because a course answers slowly: after `patience_s` her waiting page takes over;
one tap is one beginning, however often it is pressed; at most `max_open` at once, and whoever comes then waits for her
own. Memory only: a beginning that a restart cuts off is a button to be pressed again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from proxy.errors import ExchangeError
from proxy.media.views import JobView
from proxy.tasks import TaskKeeper

_PATIENCE_S = 1.0
_Ended = JobView | ExchangeError | None


class Beginnings:
    """(learner, version, address) -> what is being begun for her."""

    def __init__(self, keeper: TaskKeeper, *, patience_s: float = _PATIENCE_S, max_open: int = 500) -> None:
        self._keeper = keeper
        self._patience_s = patience_s
        self._max_open = max_open
        self._open: dict[tuple[str, ...], asyncio.Task[_Ended]] = {}
        self._late: OrderedDict[tuple[str, ...], JobView] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    async def begin(self, key: tuple[str, ...], work: Callable[[], Awaitable[JobView | None]]) -> JobView | None:
        """How it stands, or None where that can't be told in time. Raises what `work` raises in time."""
        task = self._open.get(key)
        if task is None and len(self._open) >= self._max_open:
            return await work()
        if task is None:
            task = self._keeper.start(_ended(work), name="beginning")
            self._open[key] = task
            task.add_done_callback(lambda _: self._open.pop(key, None))
        done, _ = await asyncio.wait((task,), timeout=self._patience_s)
        if not done:
            task.add_done_callback(lambda task: self._came_late(key, task))
            return None
        ended = None if task.cancelled() else task.result()
        if isinstance(ended, ExchangeError):
            raise ended
        return ended

    async def is_open(self, key: tuple[str, ...]) -> bool:
        """Whether the origin's word is still waited for, after a moment's patience."""
        task = self._open.get(key)
        if task is None:
            return False
        done, _ = await asyncio.wait((task,), timeout=self._patience_s)
        return not done

    def came_late(self, key: tuple[str, ...]) -> JobView | None:
        """How a beginning ended that nobody waited for any more; told once."""
        return self._late.pop(key, None)

    def _came_late(self, key: tuple[str, ...], task: asyncio.Task[_Ended]) -> None:
        ended = None if task.cancelled() else task.result()
        if isinstance(ended, JobView):
            self._late[key] = ended
            if len(self._late) > self._max_open:
                self._late.popitem(last=False)


async def _ended(work: Callable[[], Awaitable[JobView | None]]) -> _Ended:
    """An origin's failure is a value here: whoever still waits is told, and nobody's log is filled."""
    try:
        return await work()
    except ExchangeError as error:
        return error
