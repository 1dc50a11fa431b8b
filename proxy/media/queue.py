"""Who is next: decisions about media jobs, as values.

Laws of this file:
- pure: a queue comes in, a queue goes out; no I/O, no clock, no task; instants and estimates are arguments;
- urgent before interactive before scheduled; within a lane regions take turns by the work they got, within a region
  learners do, within a learner the first comes first;
- one job a key: whoever asks for what is under way joins it, and two that turn out to be one content become one;
- a job that nobody wants any more is named by `unwanted`, unless it is nearly done; none is lost silently.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import takewhile

from proxy.transforms.media.spec import MediaSpec, Recipe

GRACE = timedelta(seconds=30)  # a page that is loaded again leaves and comes back
NEARLY_DONE = 0.8  # what is left costs less than making it again would
MAX_ATTEMPTS = 2


class Lane(IntEnum):
    """In the order in which they are served."""

    URGENT = 0  # a segment that a player waits for now
    INTERACTIVE = 1
    SCHEDULED = 2


class Stage(StrEnum):
    QUEUED = "queued"  # its source isn't here and not on its way
    FETCHING = "fetching"
    WAITING = "waiting"  # its source is here, it waits for an encoder
    MAKING = "making"


class Work(StrEnum):
    """What there are slots for."""

    FETCH = "fetch"
    MAKE = "make"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing to make.

    key         what it makes: provisional until the content's digest is known
    names       the orders that it answers
    lane        the best that anybody asked for
    learner     keyed hash of who asked first
    cost_s      how long an encoder is thought to need
    measured    that is learned from jobs alike, not a stand-in that only keeps turns fair
    watchers    who waits -> until when she is thought to (None: until she leaves)
    scheduled   receipts of deferred requests that want it
    attempt     0 at first
    number      in which order they were asked for
    """

    key: str
    names: frozenset[str]
    source: str
    recipe: Recipe
    spec: MediaSpec
    region: str
    learner: str
    lane: Lane = Lane.INTERACTIVE
    stage: Stage = Stage.QUEUED
    cost_s: float = 60.0
    measured: bool = False
    done: float = 0.0
    watchers: Mapping[str, datetime | None] = field(default_factory=dict)
    scheduled: frozenset[str] = frozenset()
    attempt: int = 0
    number: int = 0

    def is_wanted(self, now: datetime) -> bool:
        return bool(self.scheduled) or any(until is None or until > now for until in self.watchers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """make: encoders; urgent: more of them for segments alone; fetch: sources on their way; waiting: jobs in all."""

    make: int = 2
    urgent: int = 1
    fetch: int = 4
    waiting: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """All jobs that are open. served: seconds of work that each party got, so that parties can take turns."""

    slots: Slots = Slots()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    served: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    asked: int = 0

    def __len__(self) -> int:
        return len(self.jobs)

    def at(self, *stages: Stage) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if job.stage in stages)


# -- asking and leaving --------------------------------------------------------------------------------------------


def add(queue: Queue, job: Job) -> Queue | None:
    """With this job, or with those who want it joined to the one that is under way; None: the queue is full."""
    known = queue.jobs.get(job.key)
    if known is not None:
        return _put(queue, _joined(known, job))
    if len(queue.jobs) >= queue.slots.waiting:
        return None
    job = replace(job, number=queue.asked)
    return _put(replace(queue, served=_welcomed(queue, job), asked=queue.asked + 1), job)


def leave(queue: Queue, key: str, watcher: str, now: datetime) -> Queue:
    """A watcher has left; she is waited for during GRACE."""
    job = queue.jobs.get(key)
    if job is None or watcher not in job.watchers:
        return queue
    return _put(queue, replace(job, watchers={**job.watchers, watcher: now + GRACE}))


def unschedule(queue: Queue, key: str, receipt: str) -> Queue:
    """A deferred request no longer wants it."""
    job = queue.jobs.get(key)
    return queue if job is None else _put(queue, replace(job, scheduled=job.scheduled - {receipt}))


def unwanted(queue: Queue, now: datetime) -> tuple[str, ...]:
    """The keys of jobs that nobody waits for any more and that aren't nearly done."""
    return tuple(
        job.key
        for job in queue.jobs.values()
        if not job.is_wanted(now) and not (job.stage is Stage.MAKING and job.done >= NEARLY_DONE)
    )


def drop(queue: Queue, key: str, *, got_s: float | None = None) -> Queue:
    """Without this job: it is done or given up. got_s: the seconds of work that it really got."""
    job = queue.jobs.get(key)
    if job is None:
        return queue
    jobs = {other: value for other, value in queue.jobs.items() if other != key}
    served = dict(queue.served)
    if got_s is not None and job.stage is Stage.MAKING:
        for party in _parties(job):
            served[party] = max(0.0, served.get(party, 0.0) + got_s - job.cost_s)
    return replace(queue, jobs=jobs, served=_pruned(served, jobs))


# -- a job's way ---------------------------------------------------------------------------------------------------


def start_next(queue: Queue, work: Work) -> tuple[Queue, Job] | None:
    """The next job gets a slot for this work; None where there is none to give or none to take it."""
    running = len(queue.at(Stage.FETCHING if work is Work.FETCH else Stage.MAKING))
    usual = queue.slots.fetch if work is Work.FETCH else queue.slots.make
    urgent_only = running >= usual
    if urgent_only and (work is Work.FETCH or running >= usual + queue.slots.urgent):
        return None
    job = next(turns(queue, work), None)
    if job is None or (urgent_only and job.lane is not Lane.URGENT):
        return None
    if work is Work.FETCH:
        job = replace(job, stage=Stage.FETCHING)
        return _put(queue, job), job
    job = replace(job, stage=Stage.MAKING, done=0.0)
    served = {**queue.served}
    for party in _parties(job):
        served[party] = served.get(party, 0.0) + job.cost_s
    return _put(replace(queue, served=served), job), job


def arrived(queue: Queue, key: str, content_key: str) -> Queue:
    """The job's source is here, and what it makes has this key; another job with it takes over who wants this one."""
    job = queue.jobs.get(key)
    if job is None:
        return queue
    stage = job.stage if job.stage is Stage.MAKING else Stage.WAITING
    other = queue.jobs.get(content_key) if content_key != key else None
    if other is None:
        settled = replace(job, key=content_key, stage=stage)
    elif job.stage is Stage.MAKING and other.stage is not Stage.MAKING:
        settled = _joined(job, replace(other, key=content_key))  # the one that is at work goes on
        settled = replace(settled, key=content_key)
    else:
        settled = _joined(other, job)
        settled = replace(settled, stage=Stage.WAITING) if other.stage in (Stage.QUEUED, Stage.FETCHING) else settled
    jobs = {other_key: value for other_key, value in queue.jobs.items() if other_key not in (key, content_key)}
    return replace(queue, jobs={**jobs, content_key: settled})


def can_begin(queue: Queue, key: str) -> Queue:
    """Enough of the source is here to begin with it."""
    job = queue.jobs.get(key)
    return queue if job is None or job.stage is not Stage.FETCHING else _put(queue, replace(job, stage=Stage.WAITING))


def progressed(queue: Queue, key: str, done: float) -> Queue:
    """So much of it is done, 0..1; never goes back."""
    job = queue.jobs.get(key)
    if job is None or done <= job.done:
        return queue
    return _put(queue, replace(job, done=min(1.0, done)))


def again(queue: Queue, key: str, recipe: Recipe, spec: MediaSpec, *, counts: bool) -> Queue:
    """Make it another way, from the source that is here. counts: it is one of its MAX_ATTEMPTS."""
    job = queue.jobs.get(key)
    if job is None:
        return queue
    attempt = job.attempt + int(counts)
    return _put(queue, replace(job, recipe=recipe, spec=spec, attempt=attempt, stage=Stage.WAITING, done=0.0))


def asleep(queue: Queue, key: str) -> Queue:
    """Its source can't be fetched just now: back to the queue's beginning stage."""
    job = queue.jobs.get(key)
    return queue if job is None else _put(queue, replace(job, stage=Stage.QUEUED))


# -- whose turn it is ----------------------------------------------------------------------------------------------


def turns(queue: Queue, work: Work) -> Iterator[Job]:
    """The jobs that wait for this work, in the order in which they would get it if nobody else came."""
    stage = Stage.QUEUED if work is Work.FETCH else Stage.WAITING
    served = dict(queue.served)
    for lane in Lane:
        regions = _grouped([job for job in queue.jobs.values() if job.stage is stage and job.lane is lane])
        while regions:
            region = min(regions, key=lambda name: (served.get((name,), 0.0), _first(regions[name])))
            learners = regions[region]
            learner = min(learners, key=lambda name: (served.get((region, name), 0.0), learners[name][0].number))
            job = learners[learner].popleft()
            for party in _parties(job):
                served[party] = served.get(party, 0.0) + job.cost_s
            if not learners[learner]:
                del learners[learner]
            if not learners:
                del regions[region]
            yield job


def ahead_s(queue: Queue, key: str) -> float | None:
    """Seconds of work that stand before this job, shared by the slots there are.

    None: it isn't in the queue, or what stands before it was never measured.
    """
    job = queue.jobs.get(key)
    if job is None or job.stage is Stage.MAKING:
        return None if job is None else 0.0
    before = list(queue.at(Stage.MAKING))
    if len(before) < queue.slots.make and next(_line(queue)).key == key:
        return 0.0
    before += takewhile(lambda other: other.key != key, _line(queue))
    if not all(other.measured for other in before):
        return None
    return sum(other.cost_s * (1.0 - other.done) for other in before) / max(1, queue.slots.make)


def position(queue: Queue, key: str) -> int | None:
    """How many jobs will be begun before this one; 0: it is next, or at work. None: it isn't in the queue."""
    job = queue.jobs.get(key)
    if job is None:
        return None
    if job.stage is Stage.MAKING:
        return 0
    return next((place for place, other in enumerate(_line(queue)) if other.key == key), None)


def _line(queue: Queue) -> Iterator[Job]:
    """Everything that isn't being made, as if all sources were here."""
    jobs = {
        key: job if job.stage is Stage.MAKING else replace(job, stage=Stage.WAITING) for key, job in queue.jobs.items()
    }
    return turns(replace(queue, jobs=jobs), Work.MAKE)


def _grouped(jobs: list[Job]) -> dict[str, dict[str, deque[Job]]]:
    regions: dict[str, dict[str, deque[Job]]] = defaultdict(lambda: defaultdict(deque))
    for job in sorted(jobs, key=lambda job: job.number):
        regions[job.region][job.learner].append(job)
    return regions


def _first(learners: Mapping[str, deque[Job]]) -> int:
    return min(jobs[0].number for jobs in learners.values())


def _parties(job: Job) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (job.region,), (job.region, job.learner)


def _welcomed(queue: Queue, job: Job) -> dict[tuple[str, ...], float]:
    """Who comes back to a busy queue begins level with the others: time away is no credit, time used is a debt."""
    served = dict(queue.served)
    regions: set[tuple[str, ...]] = {(other.region,) for other in queue.jobs.values()}
    learners: set[tuple[str, ...]] = {
        (other.region, other.learner) for other in queue.jobs.values() if other.region == job.region
    }
    for party, present in zip(_parties(job), (regions, learners), strict=True):
        if party not in present and present:
            served[party] = max(served.get(party, 0.0), min(served.get(other, 0.0) for other in present))
    return served


def _pruned(served: dict[tuple[str, ...], float], jobs: Mapping[str, Job]) -> dict[tuple[str, ...], float]:
    """Only those who are in the queue owe turns; an empty queue begins anew."""
    present = {party for job in jobs.values() for party in _parties(job)}
    regions = {party[0] for party in present}
    return {party: value for party, value in served.items() if party in present or party[0] in regions}


def _joined(job: Job, other: Job) -> Job:
    """The first, wanted also by those who want the second."""
    return replace(
        job,
        names=job.names | other.names,
        lane=min(job.lane, other.lane),
        watchers={**other.watchers, **job.watchers, **_later(job.watchers, other.watchers)},
        scheduled=job.scheduled | other.scheduled,
    )


def _later(one: Mapping[str, datetime | None], other: Mapping[str, datetime | None]) -> dict[str, datetime | None]:
    """Who watches in both does so for the longer time."""
    both: dict[str, datetime | None] = {}
    for watcher in one.keys() & other.keys():
        first, second = one[watcher], other[watcher]
        both[watcher] = None if first is None or second is None else max(first, second)
    return both


def _put(queue: Queue, job: Job) -> Queue:
    return replace(queue, jobs={**queue.jobs, job.key: job})
