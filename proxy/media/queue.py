"""What becomes of media jobs: decisions, as values.

Laws of this file:
- pure: a queue comes in, a queue goes out; no I/O, no clock, no task; instants and estimates are arguments;
- one job a key: whoever asks for what is under way joins it, and two that turn out to be one content become one;
- a job that nobody wants any more is named by `unwanted`, unless it is nearly done; none is lost silently;
- whose turn it is says `turns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from proxy.media.jobs import Job, Lane, Queue, Stage, Work
from proxy.media.turns import turns
from proxy.transforms.media.spec import MediaSpec, Recipe

GRACE = timedelta(seconds=30)  # a page that is loaded again leaves and comes back
NEARLY_DONE = 0.8  # what is left costs less than making it again would
MAX_ATTEMPTS = 2
_FURTHER = {Stage.QUEUED: 0, Stage.FETCHING: 0, Stage.WAITING: 1, Stage.MAKING: 2}


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
        for party in job.parties:
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
    for party in job.parties:
        served[party] = served.get(party, 0.0) + job.cost_s
    return _put(replace(queue, served=served), job), job


def arrived(queue: Queue, key: str, content_key: str) -> Queue:
    """The job's source is here, and what it makes has this key; of two jobs with one key the one that is further goes
    on, for those who want either."""
    job = queue.jobs.get(key)
    if job is None:
        return queue
    job = replace(job, key=content_key, stage=job.stage if job.stage is Stage.MAKING else Stage.WAITING)
    other = queue.jobs.get(content_key) if content_key != key else None
    if other is not None:
        job = _joined(job, other) if _FURTHER[job.stage] > _FURTHER[other.stage] else _joined(other, job)
    jobs = {name: value for name, value in queue.jobs.items() if name not in (key, content_key)}
    return replace(queue, jobs={**jobs, content_key: job})


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


def fetch_on(queue: Queue, key: str) -> Queue:
    """It was begun too early: it waits for the rest of its source, which is on its way."""
    job = queue.jobs.get(key)
    return queue if job is None else _put(queue, replace(job, stage=Stage.FETCHING, done=0.0))


# -- inside --------------------------------------------------------------------------------------------------------


def _welcomed(queue: Queue, job: Job) -> dict[tuple[str, ...], float]:
    """Who comes back to a busy queue begins level with the others: time away is no credit, time used is a debt."""
    served = dict(queue.served)
    regions: set[tuple[str, ...]] = {(other.region,) for other in queue.jobs.values()}
    learners: set[tuple[str, ...]] = {
        (other.region, other.learner) for other in queue.jobs.values() if other.region == job.region
    }
    for party, present in zip(job.parties, (regions, learners), strict=True):
        if party not in present and present:
            served[party] = max(served.get(party, 0.0), min(served.get(other, 0.0) for other in present))
    return served


def _pruned(served: dict[tuple[str, ...], float], jobs: Mapping[str, Job]) -> dict[tuple[str, ...], float]:
    """Only those who are in the queue owe turns; an empty queue begins anew."""
    present = {party for job in jobs.values() for party in job.parties}
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
