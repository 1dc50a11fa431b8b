"""Runs transforms: few at a time, each once, none for ever.

Laws of this file:
- one encode per key, however many ask; who stops waiting doesn't stop the work;
- a crash, a time-out or a full queue never raises into an exchange: it is an answer, and counted;
- queue, slots and time are bounded; what somebody waits for goes before background work, parties take turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from policies.frozen import Frozen
from proxy.clock import Clock
from proxy.exchange import Outcome, Refused
from proxy.tasks import TaskKeeper
from proxy.transforms.fair_queue import FairQueue
from proxy.transforms.hold import EncodeTimes

logger = logging.getLogger("tropa.transforms")

# Reasons that say something of this moment and nothing of the source: never kept.
TRANSIENT = frozenset(("no-worker", "closed", "lost"))


class PoolStats(Frozen, frozen=True, kw_only=True):
    """What the pool did since it was made, and how busy it is now."""

    running: int = 0
    queued: int = 0
    done: int = 0
    joined: int = 0  # asked for while already under way
    not_in_time: int = 0
    queue_full: int = 0
    timed_out: int = 0
    failed: int = 0


@dataclass(eq=False, slots=True)
class _Job:
    key: str
    make: Callable[[], Awaitable[Outcome]]
    keep: Callable[[Outcome], Awaitable[object]] | None
    kind: str
    pixels: int
    estimated_s: float
    finished: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class TransformPool:
    """At most `slots` transforms at a time and `queue_limit` waiting; each has `deadline_s` of wall time."""

    def __init__(self, *, slots: int, clock: Clock, queue_limit: int = 256, deadline_s: float = 20.0) -> None:
        self._slots = slots
        self._queue_limit = queue_limit
        self._deadline_s = deadline_s
        self._clock = clock
        self._tasks = TaskKeeper("transforms")
        self._jobs: dict[str, _Job] = {}
        self._queue: FairQueue[_Job] = FairQueue()
        self._times = EncodeTimes()
        self._pending_s = 0.0
        self._running = 0
        self._stats = PoolStats()
        self._closed = False

    async def obtain(
        self,
        key: str,
        make: Callable[[], Awaitable[Outcome]],
        *,
        hold_s: float,
        keep: Callable[[Outcome], Awaitable[object]] | None = None,
        party: str = "",
        background: bool = False,
        kind: str = "image",
        pixels: int = 0,
    ) -> Outcome | None:
        """The outcome under `key`, if it is there within `hold_s` seconds; else None, and the work goes on.

        None also where the queue is full or the pool is closed. `make` runs at most once at a time per key; `keep`
        gets every outcome that says something of the source, refusals included, whether anybody still waits or not.
        party       whose turn it takes (a site, an origin)
        background  nobody waits: behind everything that somebody waits for
        """
        job = self._jobs.get(key)
        if job is not None:
            self._count(joined=1)
            if not background:
                self._queue.promote(job, party=party)
        else:
            if self._closed or len(self._queue) >= self._queue_limit:
                self._count(queue_full=1)
                return None
            estimated_s = self._times.estimate_s(kind, pixels)
            job = _Job(key=key, make=make, keep=keep, kind=kind, pixels=pixels, estimated_s=estimated_s)
            self._jobs[key] = job
            self._pending_s += estimated_s
            self._queue.push(job, party=party, background=background)
            self._start_next()
        return await self._wait(job, hold_s)

    def estimate_s(self, kind: str, pixels: int) -> float:
        """Seconds until a job of this size would be done if it were asked for now, the queue included."""
        return self._times.estimate_s(kind, pixels) + max(0.0, self._pending_s) / self._slots

    def stats(self) -> PoolStats:
        return replace(self._stats, running=self._running, queued=len(self._queue))

    async def close(self) -> None:
        """Stop everything; whoever waits gets None."""
        self._closed = True
        while (job := self._queue.pop()) is not None:
            job.finished.cancel()
        await self._tasks.close()
        self._jobs.clear()

    async def _wait(self, job: _Job, hold_s: float) -> Outcome | None:
        if not job.finished.done() and hold_s > 0:
            await asyncio.wait((job.finished,), timeout=hold_s)
        if job.finished.done() and not job.finished.cancelled():
            return job.finished.result()
        self._count(not_in_time=1)
        return None

    def _start_next(self) -> None:
        while self._running < self._slots and (job := self._queue.pop()) is not None:
            self._running += 1
            self._tasks.start(self._run(job), name=job.key[:16])

    async def _run(self, job: _Job) -> None:
        started_s = self._clock.steady_s()
        try:
            outcome = await self._made(job)
            self._times.observe(job.kind, job.pixels, self._clock.steady_s() - started_s)
            self._count(done=1)
            if not job.finished.done():
                job.finished.set_result(outcome)
            await self._kept(job, outcome)
        finally:
            self._pending_s -= job.estimated_s
            self._jobs.pop(job.key, None)
            self._running -= 1
            if not job.finished.done():
                job.finished.cancel()
            if not self._closed:
                self._start_next()

    async def _made(self, job: _Job) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await job.make()
        except TimeoutError:
            self._count(timed_out=1)
            return Refused(why="timed-out")
        except Exception:
            logger.exception("a transform failed; its source goes on as it is")
            self._count(failed=1)
            return Refused(why="transform-failed")

    async def _kept(self, job: _Job, outcome: Outcome) -> None:
        if job.keep is None or (isinstance(outcome, Refused) and outcome.why in TRANSIENT):
            return
        try:
            await job.keep(outcome)
        except Exception:
            logger.exception("a transform's outcome was not kept")

    def _count(self, **more: int) -> None:
        self._stats = replace(self._stats, **{name: getattr(self._stats, name) + by for name, by in more.items()})
