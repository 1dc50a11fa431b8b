"""The alarm clock: runs jobs on the running loop. The only file that imports APScheduler.

Laws of this file: jobs are kept in memory alone, their turns are computed by `scheduler.jobs`; a job that fails is
told of and runs again at its next turn; a job never runs twice at once; `stop` leaves nothing running behind.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from scheduler.jobs import Job, next_run

# Failures are told to the runner's owner; APScheduler's own lines would only repeat them, with a trace for each
# job that `stop` cancels.
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


class Runner:
    """Runs `jobs` from `start` until `stop`.

    failed  is told the job's name and the exception; it must not raise
    Raises: ValueError for two jobs of one name.
    """

    def __init__(self, jobs: Sequence[Job], *, failed: Callable[[str, BaseException], None]) -> None:
        names = [job.name for job in jobs]
        if len(set(names)) != len(names):
            raise ValueError(f"two jobs of one name: {', '.join(sorted(names))}")
        self._jobs = tuple(jobs)
        self._failed = failed
        self._scheduler: Any = None
        self._running: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Begin to count; each job's first run comes after its own `first`."""
        if self._scheduler is not None:
            return
        scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()}, executors={"default": AsyncIOExecutor()}, timezone=UTC
        )
        for job in self._jobs:
            scheduler.add_job(
                self._run,
                trigger=_Turns(job),
                args=(job,),
                id=job.name,
                name=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None if job.grace is None else max(1, round(job.grace.total_seconds())),
            )
        scheduler.start()
        self._scheduler = scheduler

    async def stop(self) -> None:
        """Start nothing more, cancel what runs and wait until it has ended."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is None:
            return
        running = tuple(self._running)
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # APScheduler shuts down in the loop's next turn
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await job.run()
        except Exception as error:  # whatever it is, the other jobs go on and this one has its next turn
            self._failed(job.name, error)
        finally:
            self._running.discard(task)


class _Turns(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """A job's turns as `scheduler.jobs` computes them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._chance = random.SystemRandom()

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return next_run(self._job, previous, now, spread=self._chance.random())
