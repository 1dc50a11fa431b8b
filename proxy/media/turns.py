"""Whose turn it is: the order in which waiting jobs get their slots.

Laws of this file: pure. Urgent before interactive before scheduled; within a lane regions take turns by the seconds of
work that they got, within a region learners do, within a learner the first comes first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile

from proxy.media.jobs import Job, Lane, Queue, Stage, Work


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
            for party in job.parties:
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
