"""What learners want later: requests with a receipt, kept until they are answered or too old.

Laws of this file: a request never waits for a page to stay open, nor for this process to live; it says what became of
it and why; what only the learner's own login can fetch waits for her next visit and says so. Its learner alone sees it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from proxy.media.asking import Asking
from proxy.media.hours import CUT_SHORT, Hours
from proxy.media.jobs import Lane
from proxy.media.queue_state import Rows, deferred_row
from proxy.media.refs import Fetch, SourceRef
from proxy.media.views import DEFERRED_OPEN, DeferredState, DeferredView, JobView, Order, State
from proxy.tasks import TaskKeeper
from scheduler.requests import may_move

OPEN_LIFE = timedelta(days=7)
KEPT_LIFE = timedelta(days=7)  # a receipt, after its request was answered
MAX_OPEN_OF_ONE = 50
MAX_OPEN = 2000
_NEEDS_VISIT = "needs-visit"
_DEFERRED_OF = {
    State.QUEUED: DeferredState.WAITING,
    State.WAITING: DeferredState.WAITING,
    State.FETCHING: DeferredState.FETCHING,
    State.MAKING: DeferredState.MAKING,
}


@dataclass(slots=True)
class Request:
    """One deferred request. begun: it was put into the queue."""

    view: DeferredView
    learner: str
    order: Order
    begun: bool = False

    def is_open(self) -> bool:
        return self.view.state in DEFERRED_OPEN


class Deferred:
    """Requests by their receipt. unwanted: told (key, receipt) of one that was given up."""

    def __init__(
        self,
        asking: Asking,
        rows: Rows,
        keeper: TaskKeeper,
        *,
        how_far: Callable[[str], JobView | None],
        refetch: Callable[[SourceRef], Fetch | None],
        unwanted: Callable[[str, str], None],
        hours: Hours,
    ) -> None:
        self._asking = asking
        self._rows = rows
        self._keeper = keeper
        self._how_far = how_far
        self._refetch = refetch
        self._unwanted = unwanted
        self._hours = hours
        self._requests: dict[str, Request] = {}

    def restore(self, saved: tuple[tuple[DeferredView, str, Order], ...], now: datetime) -> None:
        """Requests as the last process left them."""
        for view, learner, order in saved:
            self._requests[view.id] = Request(view, learner, order)
        self.expire(now)

    async def file(self, order: Order, learner: str, when: datetime | None, now: datetime) -> str | None:
        """A new request's receipt, or that of the learner's open one for the same; None: too many are open."""
        request = self._filed(order, learner, when, now)
        if request is None:
            return None
        settled = await self._asking.settled(order)
        if settled is not None and settled.state is State.READY and request.is_open():
            self._change(request, DeferredState.READY, now)
        elif not request.begun:
            self.begin_due(now)
        return request.view.id

    def begin_due(self, now: datetime) -> None:
        """Put requests whose time has come into the queue, as far as it has room."""
        for request in self._requests.values():
            due = request.view.when is None or request.view.when <= now
            if not due or not request.is_open() or request.begun or request.view.why == _NEEDS_VISIT:
                continue
            if self._hours.opens_at(request.order.region, now) is None:
                request.begun = True
                self._keeper.start(self._begin(request, now), name=f"deferred-{request.view.id}")

    async def _begin(self, request: Request, now: datetime) -> None:
        order = request.order
        settled = await self._asking.settled(order)
        if not request.is_open():
            return
        if settled is not None:
            self.ended(frozenset((request.view.id,)), settled, now)
            return
        fetch = order.fetch or self._refetch(order.source)
        fetch = None if fetch is None else self._hours.within(order.source, order.region, fetch)
        order = replace(order, fetch=fetch)
        receipts = frozenset((request.view.id,))
        request.begun = await self._asking.add(order, request.learner, Lane.SCHEDULED, receipts=receipts)
        if not request.is_open():  # cancelled meanwhile
            self._unwanted(request.view.key, request.view.id)

    def _filed(self, order: Order, learner: str, when: datetime | None, now: datetime) -> Request | None:
        open_ones = [request for request in self._requests.values() if request.is_open()]
        hers = [request for request in open_ones if request.learner == learner]
        for request in hers:
            if request.view.key == order.key:
                request.order = order
                return request
        if len(open_ones) >= MAX_OPEN or len(hers) >= MAX_OPEN_OF_ONE:
            return None
        view = DeferredView(
            id=secrets.token_urlsafe(9),
            key=order.key,
            title=order.title,
            recipe=order.recipe,
            state=DeferredState.QUEUED,
            since=now,
            changed=now,
            when=when,
        )
        request = self._requests[view.id] = Request(view, learner, order)
        self._save(request)
        return request

    def visited(self, order: Order, now: datetime) -> None:
        """A learner has come with a request of her own: those for the same that waited for one go on."""
        waiting = [one for one in self._requests.values() if one.view.key == order.key and one.is_open()]
        for request in waiting:
            if request.view.why == _NEEDS_VISIT:
                request.order = order
                self._change(request, DeferredState.QUEUED, now)

    def of(self, learner: str) -> tuple[DeferredView, ...]:
        """All of one learner's, the latest first."""
        found = [request for request in self._requests.values() if request.learner == learner]
        return tuple(self._shown(request) for request in sorted(found, key=lambda one: one.view.since, reverse=True))

    def cancel(self, receipt: str, learner: str, now: datetime) -> bool:
        """False: it is not hers, or no longer open."""
        request = self._requests.get(receipt)
        if request is None or request.learner != learner or not request.is_open():
            return False
        self._change(request, DeferredState.CANCELLED, now)
        self._unwanted(request.view.key, receipt)
        return True

    def erase(self, learner: str) -> int:
        """This learner's requests go, open or not, with their rows. Returns how many there were."""
        hers = [receipt for receipt, request in self._requests.items() if request.learner == learner]
        for receipt in hers:
            request = self._requests.pop(receipt)
            if request.is_open():
                self._unwanted(request.view.key, receipt)
            self._rows.drop(receipt)
        return len(hers)

    def ended(self, receipts: frozenset[str], view: JobView, now: datetime) -> None:
        """What these requests waited for has ended."""
        for receipt in receipts:
            request = self._requests.get(receipt)
            if request is None or not request.is_open():
                continue
            request.begun = False
            if view.state is State.READY:
                self._change(request, DeferredState.READY, now)
            elif view.why in CUT_SHORT:
                when = self._hours.opens_at(request.order.region, now)
                self._change(request, DeferredState.WAITING, now, why=view.why, when=when)
            elif view.why == _NEEDS_VISIT:
                self._change(request, DeferredState.WAITING, now, why=_NEEDS_VISIT)
            else:
                self._change(request, DeferredState.FAILED, now, why=view.why or view.state)

    def expire(self, now: datetime) -> None:
        """Close what waited too long, forget what was closed long ago."""
        for receipt, request in list(self._requests.items()):
            if request.is_open() and now - request.view.since >= OPEN_LIFE:
                self._change(request, DeferredState.EXPIRED, now, why=request.view.why)
                self._unwanted(request.view.key, receipt)
            elif not request.is_open() and now - request.view.changed >= KEPT_LIFE:
                del self._requests[receipt]
                self._rows.drop(receipt)

    def count_open(self) -> int:
        return sum(request.is_open() for request in self._requests.values())

    def _shown(self, request: Request) -> DeferredView:
        """Its view, with how far the queue is with it."""
        job = self._how_far(request.view.key) if request.is_open() and request.begun else None
        if job is None:
            return request.view
        return replace(request.view, state=_DEFERRED_OF.get(job.state, request.view.state), progress=job.progress)

    def _change(
        self, request: Request, state: DeferredState, now: datetime, *, why: str = "", when: datetime | None = None
    ) -> None:
        if not may_move(request.view.state, state):
            return
        request.view = replace(request.view, state=state, changed=now, why=why, when=when or request.view.when)
        if not request.is_open():  # its address and its way to the source are no longer needed
            source = replace(request.order.source, known_key=request.order.source.key, url="")
            request.order = replace(request.order, source=source, fetch=None)
        self._save(request)

    def _save(self, request: Request) -> None:
        life = OPEN_LIFE + KEPT_LIFE if request.is_open() else KEPT_LIFE
        self._rows.put(deferred_row(request.view, request.learner, request.order, until=request.view.changed + life))
