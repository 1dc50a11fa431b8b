"""The alarm clock on a real loop, with periods of milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from scheduler.jobs import Job
from scheduler.runner import Runner

TICK = timedelta(milliseconds=20)
NOW = timedelta(0)


def a_job(run: Callable[[], Awaitable[None]], name: str = "sweep", *, every: timedelta = TICK) -> Job:
    return Job(name=name, every=every, run=run, first=NOW)


class Failures(list[tuple[str, BaseException]]):
    def note(self, name: str, error: BaseException) -> None:
        self.append((name, error))


async def test_a_job_runs_again_and_again_on_the_running_loop() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    thrice = asyncio.Event()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        if len(loops) == 3:
            thrice.set()

    runner = Runner([a_job(run)], failed=Failures().note)
    await runner.start()
    await asyncio.wait_for(thrice.wait(), 5)
    await runner.stop()
    assert set(loops) == {asyncio.get_running_loop()}


async def test_a_failure_is_told_and_neither_its_job_nor_the_others_stop() -> None:
    failures, runs = Failures(), {"broken": 0, "whole": 0}
    enough = asyncio.Event()

    async def broken() -> None:
        runs["broken"] += 1
        raise RuntimeError("disk full")

    async def whole() -> None:
        runs["whole"] += 1
        if min(runs.values()) >= 2:
            enough.set()

    runner = Runner([a_job(broken, "broken"), a_job(whole, "whole")], failed=failures.note)
    await runner.start()
    await asyncio.wait_for(enough.wait(), 5)
    await runner.stop()
    assert {name for name, _ in failures} == {"broken"}
    assert str(failures[0][1]) == "disk full"
    assert len(failures) >= 2


async def test_a_job_that_outlasts_its_period_never_runs_twice_at_once() -> None:
    at_once = most = runs = 0
    twice = asyncio.Event()

    async def slow() -> None:
        nonlocal at_once, most, runs
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.1)
        at_once -= 1
        runs += 1
        if runs == 2:
            twice.set()

    runner = Runner([a_job(slow)], failed=Failures().note)
    await runner.start()
    await asyncio.wait_for(twice.wait(), 5)
    await runner.stop()
    assert most == 1


async def test_stop_ends_what_runs_and_starts_nothing_more() -> None:
    started, ended, runs = asyncio.Event(), asyncio.Event(), 0

    async def endless() -> None:
        nonlocal runs
        runs += 1
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    failures = Failures()
    runner = Runner([a_job(endless)], failed=failures.note)
    await runner.start()
    await asyncio.wait_for(started.wait(), 5)
    await runner.stop()
    assert ended.is_set()
    await asyncio.sleep(0.1)
    assert runs == 1
    assert not failures


async def test_a_runner_can_be_stopped_before_it_was_started_and_twice() -> None:
    runner = Runner([], failed=Failures().note)
    await runner.stop()
    await runner.start()
    await runner.stop()
    await runner.stop()


def test_two_jobs_of_one_name_are_refused() -> None:
    async def run() -> None:
        """Never runs."""

    with pytest.raises(ValueError, match="sweep"):
        Runner([a_job(run), a_job(run)], failed=Failures().note)
