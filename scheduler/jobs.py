"""What is due, by the clock alone.

Laws of this file: pure; the clock is an argument; no job here opens or closes anything for learners, so a job that
comes late, or never, changes no decision. What was missed while the machine slept is done once, not once a miss.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from policies.frozen import Frozen

_NOTHING = timedelta(0)


class Job(Frozen, frozen=True, kw_only=True):
    """Work that is done now and then.

    name    for the log; unique among the jobs of one runner
    every   from one start to the next
    run     what is done, on the running loop
    jitter  up to so much later, so that forty machines don't sweep one disk in the same second
    first   from the runner's start to the first run
    grace   a run that would start later than this is left out until its next turn; None: late is better than never
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    jitter: timedelta = _NOTHING
    first: timedelta = timedelta(seconds=10)
    grace: timedelta | None = None

    def __post_init__(self) -> None:
        if self.every <= _NOTHING:
            raise ValueError(f"{self.name}: every must be longer than nothing")
        if self.jitter < _NOTHING or self.first < _NOTHING:
            raise ValueError(f"{self.name}: jitter and first can't be negative")


def next_run(job: Job, last_turn: datetime | None, now: datetime, *, spread: float = 0.0) -> datetime:
    """The instant of the job's next turn: later than the last one, at most one turn before now.

    Turns that were missed fall together into the latest of them, which is due at once.

    last_turn  the turn before; None: there was none since the runner's start, which is now
    spread     which part of the jitter to take, from 0 up to 1
    """
    later = job.jitter * spread
    if last_turn is None:
        return now + job.first + later
    turn = last_turn + job.every + later
    return turn + job.every * ((now - turn) // job.every) if turn < now else turn


def due(jobs: Sequence[Job], last_runs: Mapping[str, datetime], now: datetime) -> tuple[Job, ...]:
    """The jobs whose turn has come, the longest overdue first; one that never ran is due at once.

    last_runs  name of the job to when it last started, as the caller's own table has it
    """
    waiting = [(last_runs[job.name] + job.every if job.name in last_runs else None, job) for job in jobs]
    ready = [(turn, job) for turn, job in waiting if turn is None or turn <= now]
    ready.sort(key=lambda pair: (pair[0] is not None, pair[0] or now))
    return tuple(job for _, job in ready)


def expired(ends: Mapping[str, datetime | None], now: datetime) -> tuple[str, ...]:
    """Names of what is over at now, the earliest first. An end counts itself: half-open, as windows are.

    None: without an end.
    """
    over = [(end, name) for name, end in ends.items() if end is not None and end <= now]
    return tuple(name for _, name in sorted(over))


def next_expiry(ends: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The nearest end after now; None: nothing is going to end."""
    return min((end for end in ends if end is not None and end > now), default=None)
