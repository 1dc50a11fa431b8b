"""Fairness and throughput of the media queue with 50 learners, and what one source costs when all of them ask."""

from __future__ import annotations

import asyncio
import heapq
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.suite import Report, Table, Target
from proxy.account.sqlite import SqliteState
from proxy.clock import SystemClock
from proxy.media import queue as q
from proxy.media.desk import Desk
from proxy.media.jobs import Job, Queue, Slots, Stage, Work
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.media.views import Order, Watcher
from proxy.transforms.media.spec import Recipe, SoundSpec
from tests.media_desk import FakeOrigin, FakeRunner

METHOD = (
    "method: the queue's own functions over simulated time, {slots} encoders, {seeds} draws. 50 learners of one region "
    "ask for 4 media each at once (30 to 600 s of work,\ndrawn), a minute later 5 of another for one each. "
    "`by arrival` is the same jobs first come, first served. Share: the other region's part of the\nwork done while "
    "both wait (half is even). All at once: 50 learners ask a real desk on this disk for one file of {megabytes} MB; "
    "origin and recipe are fakes that take no time\nof their own. Decisions: ask, begin, progress and end of {jobs} "
    "jobs, CPU time of this process."
)
_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CROWD, _EACH, _OTHERS, _LATER_S = 50, 4, 5, 60.0
_SLOTS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """A job and when it is asked for."""

    at_s: float
    job: Job


@dataclass(frozen=True, slots=True)
class Day:
    """Seconds from asking to being ready, by region, and the second region's share of the work while both wait."""

    waits: dict[str, list[float]]
    share: float


def run(*, quick: bool) -> Report:
    """Simulated waits, a real desk, decisions per second."""
    seeds = 3 if quick else 20
    fair = [_simulated(_asked(seed), fair=True) for seed in range(seeds)]
    plain = [_simulated(_asked(seed), fair=False) for seed in range(seeds)]
    waits = Table(
        title=f"Minutes from asking to being ready, median (longest), {_SLOTS} encoders",
        head=("", "in turns", "by arrival"),
        rows=tuple((_NAMES[region], _minutes(fair, region), _minutes(plain, region)) for region in _NAMES),
    )
    megabytes, jobs = (2, 100) if quick else (20, 250)
    cost = asyncio.run(_all_at_once(megabytes))
    decisions_us = _decision_us(jobs)
    share = median(day.share for day in fair)
    once = Table(title="50 learners, one lecture", head=("", "figure"), rows=tuple(cost.items()))
    steps = Table(title=f"One job's decisions among {jobs}", head=("", "µs"), rows=(("CPU", decisions_us),))
    return Report(
        suite="media_queue",
        method=METHOD.format(slots=_SLOTS, seeds=seeds, megabytes=megabytes, jobs=jobs),
        tables=(waits, once, steps),
        targets=(
            Target("downloads", cost["downloads"], 1),
            Target("encodes", cost["encodes"], 1),
            Target("share of the smaller region while both wait", share, 0.4, at_least=True),
        ),
        raw={"share_in_turns": share, "share_by_arrival": median(day.share for day in plain)},
    )


_NAMES = {"crowd": f"{_CROWD} learners, {_EACH} each", "others": f"{_OTHERS} learners of another region, 1 each"}


def _asked(seed: int) -> list[Asked]:
    chance = random.Random(seed)
    asked = []
    for number in range(_CROWD * _EACH + _OTHERS):
        crowd = number < _CROWD * _EACH
        learner = f"learner-{number % _CROWD if crowd else number}"
        region = "crowd" if crowd else "others"
        cost_s = chance.uniform(30, 600)
        asked.append(Asked(0.0 if crowd else _LATER_S, _job(str(number), region, learner, cost_s)))
    return asked


def _job(key: str, region: str, learner: str, cost_s: float) -> Job:
    return Job(
        key=key,
        names=frozenset((key,)),
        source=key,
        recipe=Recipe.AUDIO,
        spec=SoundSpec(),
        region=region,
        learner=learner,
        stage=Stage.WAITING,
        cost_s=cost_s,
        measured=True,
        watchers={learner: None},
    )


def _simulated(asked: list[Asked], *, fair: bool) -> Day:
    queue, now_s = Queue(slots=Slots(make=_SLOTS, waiting=10_000)), 0.0
    coming, running = sorted(asked, key=lambda one: one.at_s), list[tuple[float, str]]()
    at_s = {one.job.key: one.at_s for one in asked}
    left = {region: sum(one.job.region == region for one in asked) for region in _NAMES}
    waits: dict[str, list[float]] = {region: [] for region in _NAMES}
    while_both, both_s = 0.0, 0.0
    pick: Callable[[Queue], tuple[Queue, Job] | None] = _in_turn if fair else _by_arrival
    while coming or running or queue.jobs:
        while coming and coming[0].at_s <= now_s:
            added = q.add(queue, coming.pop(0).job)
            assert added is not None
            queue = added
        while (started := pick(queue)) is not None:
            queue, job = started
            heapq.heappush(running, (now_s + job.cost_s, job.key))
            if all(any(one.region == region for one in queue.jobs.values()) for region in _NAMES) or (
                job.region == "others" and left["crowd"]
            ):
                both_s += job.cost_s
                while_both += job.cost_s if job.region == "others" else 0.0
        next_s = min([*(one.at_s for one in coming[:1]), *(end_s for end_s, _ in running[:1])])
        now_s = next_s
        while running and running[0][0] <= now_s:
            key = heapq.heappop(running)[1]
            job = queue.jobs[key]
            queue = q.drop(queue, key, got_s=job.cost_s)
            waits[job.region].append(now_s - at_s[key])
            left[job.region] -= 1
    return Day(waits, while_both / both_s if both_s else 0.0)


def _in_turn(queue: Queue) -> tuple[Queue, Job] | None:
    return q.start_next(queue, Work.MAKE)


def _by_arrival(queue: Queue) -> tuple[Queue, Job] | None:
    waiting = queue.at(Stage.WAITING)
    if len(queue.at(Stage.MAKING)) >= queue.slots.make or not waiting:
        return None
    job = replace(min(waiting, key=lambda one: one.number), stage=Stage.MAKING)
    return replace(queue, jobs={**queue.jobs, job.key: job}), job


def _minutes(days: list[Day], region: str) -> str:
    waits = [wait / 60 for day in days for wait in day.waits[region]]
    return f"{median(waits):.1f} ({max(waits):.1f})"


async def _all_at_once(megabytes: int) -> dict[str, float]:
    body = random.Random(1).randbytes(megabytes * 1_000_000)
    origin, runner, clock = FakeOrigin(body), FakeRunner(), SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        state = SqliteState(root / "tropa.db")
        await state.start()
        desk = Desk(
            sources=Sources(root / "sources", max_bytes=10**9, max_source_bytes=10**9, clock=clock),
            store=MediaStore(root / "media", max_bytes=10**9, clock=clock),
            runner=runner,
            state=state,
            clock=clock,
            slots=Slots(make=_SLOTS),
        )
        await desk.start()
        began_s = time.perf_counter()
        await asyncio.gather(*(_one_learner(desk, origin, f"learner-{n}") for n in range(_CROWD)))
        took_s = time.perf_counter() - began_s
        await desk.close()
        await state.close()
    return {
        "downloads": float(len(origin.requests)),
        "encodes": float(len(runner.ran)),
        "bytes from the origin, times the file": origin.sent_bytes / len(body),
        "all have it after, s": took_s,
    }


async def _one_learner(desk: Desk, origin: FakeOrigin, learner: str) -> None:
    order = Order(
        source=origin.ref(learner=learner),
        recipe=Recipe.AUDIO,
        version=1,
        spec=SoundSpec(),
        region="crowd",
        fetch=origin.fetch,
    )
    desk.authorised.note(learner, order.source.key, 200, datetime.now(UTC))
    ticket = await desk.ask(order, Watcher(learner=learner, id="page"))
    async for _ in desk.watch(ticket.key):
        pass
    if await desk.ready(ticket.key, learner=learner) is None:
        raise RuntimeError(f"{learner} got nothing")


def _decision_us(jobs: int) -> float:
    """CPU microseconds for one job's way through a queue that is never shorter than half of `jobs`."""
    queue, began_s, ended = Queue(slots=Slots(make=_SLOTS, waiting=jobs)), 0.0, 0
    for number in range(jobs * 2):
        if number == jobs:
            began_s = time.process_time()
        added = q.add(queue, _job(str(number), f"region-{number % 7}", f"learner-{number % 50}", 60.0))
        if added is not None:
            queue = added
        if number < jobs // 2:
            continue
        started = q.start_next(queue, Work.MAKE)
        if started is not None:
            queue, job = started
            queue = q.progressed(queue, job.key, 0.5)
            queue = q.drop(queue, job.key, got_s=60.0)
            ended += number >= jobs
    return (time.process_time() - began_s) / ended * 1e6
