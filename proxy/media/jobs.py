"""Media jobs and the queue of them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum

from msgspec import field

from policies.frozen import Frozen
from proxy.transforms.media.spec import MediaSpec, Recipe


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


class Job(Frozen, frozen=True, kw_only=True):
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

    @property
    def parties(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Whose turn it takes: its region's, and its learner's within it."""
        return (self.region,), (self.region, self.learner)

    def is_wanted(self, now: datetime) -> bool:
        return bool(self.scheduled) or any(until is None or until > now for until in self.watchers.values())


class Slots(Frozen, frozen=True, kw_only=True):
    """make: encoders; urgent: more of them for segments alone; fetch: sources on their way; waiting: jobs in all."""

    make: int = 2
    urgent: int = 1
    fetch: int = 4
    waiting: int = 256


class Queue(Frozen, frozen=True, kw_only=True):
    """All jobs that are open. served: seconds of work that each party got, so that parties can take turns."""

    slots: Slots = Slots()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    served: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    asked: int = 0

    def __len__(self) -> int:
        return len(self.jobs)

    def at(self, *stages: Stage) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if job.stage in stages)
