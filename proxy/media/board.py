"""The queue and everything that must stay in step with it: orders, holds, outputs, rows, what has ended.

Laws of this file: the queue's value changes here and nowhere else, and each change rings the bell; a job is known by
its number, which stays when its key becomes its content's; an ended job leaves a view behind, and nothing else.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from proxy.clock import Clock
from proxy.media import queue as q
from proxy.media.bell import Bell
from proxy.media.entries import Entry, estimate_s, how_far, work_of
from proxy.media.estimate import Paces
from proxy.media.jobs import Job, Lane, Queue, Slots
from proxy.media.queue_state import Rows, job_row, pace_changes
from proxy.media.views import JobView, Order, State, Watcher

_UNMEASURED_COST_S = 60.0  # only for taking turns; never shown
_MAX_ENDED = 2000


@dataclass(slots=True)
class Counts:
    made: int = 0
    unchanged: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    turned_away: int = 0


@dataclass(slots=True)
class _Ended:
    view: JobView
    at: datetime


@dataclass(slots=True)
class Board:
    """One for a desk. ended: told of each job that is over."""

    clock: Clock
    rows: Rows
    slots: Slots
    ended: Callable[[Job, JobView], None]
    paces: Paces = field(default_factory=Paces)
    counts: Counts = field(default_factory=Counts)
    bell: Bell = field(default_factory=Bell)
    entries: dict[int, Entry] = field(default_factory=dict)
    _queue: Queue = field(default_factory=Queue)
    _past: OrderedDict[str, _Ended] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._queue = Queue(slots=self.slots)

    @property
    def queue(self) -> Queue:
        return self._queue

    @queue.setter
    def queue(self, queue: Queue) -> None:
        self._queue = queue
        self.bell.ring()

    # -- finding ---------------------------------------------------------------------------------------------------

    def open_job(self, name: str) -> Job | None:
        """The open job that answers this order's name."""
        return next((job for job in self._queue.jobs.values() if name in job.names), None)

    def job(self, number: int) -> Job | None:
        return next((job for job in self._queue.jobs.values() if job.number == number), None)

    def entry(self, name: str) -> Entry | None:
        job = self.open_job(name)
        return None if job is None else self.entries.get(job.number)

    def past(self, name: str, within_s: float | None = None) -> JobView | None:
        """How an order ended, if it did so within so many seconds."""
        ended = self._past.get(name)
        if ended is None or self.open_job(name) is not None:
            return None
        late = within_s is not None and (self.clock.now() - ended.at).total_seconds() > within_s
        return None if late else ended.view

    # -- asking ----------------------------------------------------------------------------------------------------

    def add(
        self,
        order: Order,
        *,
        key: str,
        learner: str,
        lane: Lane,
        watcher: Watcher | None = None,
        receipts: frozenset[str] = frozenset(),
        saved_as: str = "",
    ) -> Entry | None:
        """A new job for this order, or the one that is under way for it; None: the queue is full."""
        known = self.open_job(order.key)
        until = None if watcher is None or watcher.stays is None else self.clock.now() + watcher.stays
        cost_s = estimate_s(order, self.paces)
        job = Job(
            key=known.key if known is not None else key,
            names=frozenset((order.key,)),
            source=order.source.key,
            recipe=order.recipe,
            spec=order.spec,
            region=order.region,
            learner=learner,
            lane=lane,
            cost_s=_UNMEASURED_COST_S if cost_s is None else cost_s,
            measured=cost_s is not None,
            watchers={} if watcher is None else {watcher.name: until},
            scheduled=receipts,
        )
        added = q.add(self._queue, job)
        if added is None:
            self.counts.turned_away += 1
            return None
        self.queue = added
        entry = self._entry_for(added.jobs[job.key], order, saved_as)
        self.save(entry)
        return entry

    def _entry_for(self, job: Job, order: Order, saved_as: str) -> Entry:
        entry = self.entries.get(job.number)
        if entry is None:
            entry = Entry(id=saved_as or secrets.token_hex(8), number=job.number, since=self.clock.now(), orders={})
            self.entries[job.number] = entry
        if order.key not in entry.orders or order.fetch is not None:
            entry.orders[order.key] = order  # the latest request is the likeliest to be let in
        if entry.hold is not None and order.fetch is not None:
            entry.hold.may_use(order.fetch)
        self._past.pop(order.key, None)
        return entry

    def leave(self, name: str, watcher: Watcher) -> None:
        job = self.open_job(name)
        if job is not None:
            self.queue = q.leave(self._queue, job.key, watcher.name, self.clock.now())

    def disown(self, learner: str) -> int:
        """Jobs of hers become nobody's; those that nobody else waits for end. Returns how many were hers."""
        hers = [job for job in self._queue.jobs.values() if job.learner == learner]
        for job in hers:
            entry = self.entries[job.number]
            others = {name: until for name, until in job.watchers.items() if not name.startswith(f"{learner}/")}
            if not (others or job.scheduled) or any(_is_hers_alone(one, learner) for one in entry.orders.values()):
                self.end(entry, JobView(state=State.CANCELLED))
                continue
            nobodys = replace(job, learner="", watchers=others)
            self.queue = replace(self._queue, jobs={**self._queue.jobs, job.key: nobodys})
            self.save(entry)
        return len(hers)

    # -- a job's way -----------------------------------------------------------------------------------------------

    def save(self, entry: Entry) -> None:
        """Its row says how it stands now."""
        job = self.job(entry.number)
        if job is None or not entry.is_saved:
            return
        orders = tuple(entry.orders.values())
        self.rows.put(job_row(entry.id, orders, state=job.stage, lane=job.lane, learner=job.learner, since=entry.since))

    def became(self, entry: Entry, key: str) -> None:
        """The job makes the content with this key; one that makes it already becomes one with it."""
        before = self.job(entry.number)
        if before is None:
            return
        self.queue = q.arrived(self._queue, before.key, key)
        after = self._queue.jobs[key]
        twins = [one for one in self.entries.values() if set(one.orders) & after.names]
        kept = self.entries[after.number]
        for gone in twins:
            if gone is not kept:
                kept.orders = {**kept.orders, **gone.orders}
                self.forget(gone)
        self.save(kept)

    def forget(self, entry: Entry) -> None:
        """Its things go: another job stands for it, or it has ended."""
        self.entries.pop(entry.number, None)
        if entry.hold is not None:
            entry.hold.release()
        for task in (entry.fetching, entry.making):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        if entry.growing is not None:
            entry.growing.break_off("cancelled")
        if entry.is_saved:
            self.rows.drop(entry.id)

    def end(self, entry: Entry, view: JobView, *, got_s: float | None = None) -> None:
        """The job is over, however it went."""
        job = self.job(entry.number)
        if job is None:
            return
        at = self.clock.now()
        for name in job.names:
            self._past[name] = _Ended(view, at)
            self._past.move_to_end(name)
        while len(self._past) > _MAX_ENDED:
            self._past.popitem(last=False)
        self.forget(entry)
        self.queue = q.drop(self._queue, job.key, got_s=got_s)
        self._count(view)
        self.ended(job, view)

    def _count(self, view: JobView) -> None:
        match view.state:
            case State.READY:
                self.counts.made += 1
            case State.UNCHANGED:
                self.counts.unchanged += 1
            case State.CANCELLED:
                self.counts.cancelled += 1
            case _:
                self.counts.failed += 1

    # -- how far it is ---------------------------------------------------------------------------------------------

    def learned(self, job: Job, entry: Entry, *, took_s: float, media_s: float | None, source_bytes: int) -> None:
        """An encoder needed so long for this job."""
        work = work_of(job.recipe, entry.order.segment)
        self.paces = self.paces.with_job(work, took_s=took_s, media_s=media_s, source_bytes=source_bytes)
        self.rows.learned(pace_changes(self.paces, self.clock.now()))

    def view(self, name: str) -> JobView | None:
        """How an open order stands; None where it isn't open."""
        job = self.open_job(name)
        entry = None if job is None else self.entries.get(job.number)
        if job is None or entry is None:
            return None
        return how_far(job, entry, self._queue, self.paces, self.clock.steady_s())


def _is_hers_alone(order: Order, learner: str) -> bool:
    return not order.source.shared and order.source.learner == learner
