"""An open job's things that are no values, and how far it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from proxy.media.estimate import Paces, left_s
from proxy.media.growing import Growing
from proxy.media.jobs import Job, Queue, Stage
from proxy.media.sources import SourceHold
from proxy.media.turns import ahead_s, position
from proxy.media.views import JobView, Order, State
from proxy.transforms.media.spec import HlsSpec, Recipe

_STATE_OF = {
    Stage.QUEUED: State.QUEUED,
    Stage.FETCHING: State.FETCHING,
    Stage.WAITING: State.WAITING,
    Stage.MAKING: State.MAKING,
}


@dataclass(eq=False, slots=True)
class Entry:
    """Beside an open job. early: it is being made, or was last, from a source that is still arriving."""

    id: str
    number: int
    since: datetime
    orders: dict[str, Order]
    hold: SourceHold | None = None
    growing: Growing | None = None
    fetching: asyncio.Task[None] | None = None
    making: asyncio.Task[None] | None = None
    began_s: float = 0.0
    early: bool = False

    @property
    def order(self) -> Order:
        """The first one; the others want the same of the same content."""
        return next(iter(self.orders.values()))

    @property
    def is_saved(self) -> bool:
        """A segment is not worth a row: its player asks again."""
        return self.order.segment is None


def work_of(recipe: Recipe, segment: int | None) -> str:
    """By what name an encoder's pace is known: one segment isn't a whole film."""
    return str(recipe) if segment is None else f"{recipe}-segment"


def estimate_s(order: Order, paces: Paces) -> float | None:
    """Seconds that an encoder should need for an order; None: nothing alike was measured."""
    media_s = order.media_s
    if order.segment is not None and isinstance(order.spec, HlsSpec):
        media_s = order.spec.segment_s
    work = work_of(order.recipe, order.segment)
    return paces.estimate_s(work, media_s=media_s, source_bytes=order.source.length_bytes)


def how_far(job: Job, entry: Entry, queue: Queue, paces: Paces, steady_s: float) -> JobView:
    """How an open job stands."""
    fetched, fetch_left_s = _fetched(entry, job)
    make_left_s = _make_left_s(job, entry, queue, paces, steady_s)
    return JobView(
        state=_STATE_OF[job.stage],
        progress=job.done,
        fetched=fetched,
        ready_in_s=None if fetch_left_s is None or make_left_s is None else fetch_left_s + make_left_s,
        position=position(queue, job.key),
        growing=entry.growing is not None and entry.growing.length_bytes > 0,
    )


def _make_left_s(job: Job, entry: Entry, queue: Queue, paces: Paces, steady_s: float) -> float | None:
    whole_s = estimate_s(entry.order, paces)
    if job.stage is Stage.MAKING:
        return left_s(done=job.done, running_s=steady_s - entry.began_s, estimate_s=whole_s)
    before_s = ahead_s(queue, job.key)
    return None if before_s is None or whole_s is None else before_s + whole_s


def _fetched(entry: Entry, job: Job) -> tuple[float | None, float | None]:
    """The share of the source that is here, and the seconds until all of it is."""
    hold = entry.hold
    if hold is None:
        return (1.0, 0.0) if job.stage in (Stage.WAITING, Stage.MAKING) else (0.0, None)
    if hold.complete:
        return 1.0, 0.0
    length = hold.length_bytes
    return (hold.there_bytes / length if length else None), hold.left_s
