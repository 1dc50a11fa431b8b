"""The media desk: one place to ask for a medium, to see how far it is, and to get it.

Laws of this file:
- however many ask, a source is fetched once and a medium made once; no answer waits for either;
- nothing is handed out but to a learner whom the origin has let have its source within the last minutes;
- open jobs and requests survive the process; half-made things never do;
- the desk never raises into an exchange: what can't be had is a state with a reason.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from proxy.account.state import State as Kept
from proxy.clock import Clock
from proxy.media import queue as q
from proxy.media.asking import Asking
from proxy.media.authorised import Authorised
from proxy.media.board import Board
from proxy.media.deferred import Deferred
from proxy.media.growing import Growing
from proxy.media.hours import AnyHour, Hours
from proxy.media.jobs import Job, Lane, Slots, Stage
from proxy.media.making import Maker
from proxy.media.public import PublicSources
from proxy.media.queue_state import Rows, SavedJob, saved_jobs, saved_paces, saved_requests
from proxy.media.refs import Fetch, SourceRef
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.media.store_values import StoredMedia
from proxy.media.views import DeferredView, DeskStats, JobView, Order, Runner, State, Ticket, Watcher
from proxy.tasks import TaskKeeper

RESTARTED_STAY = timedelta(minutes=10)  # how long a job of the last process waits for its learners to come back
AHEAD_STAY = timedelta(seconds=60)  # a segment made ahead is given up if its player went elsewhere
_MAX_REMEMBERED = 1000


class Desk:
    """`start`, then ask; `tick` every few seconds and `sweep` every few minutes; `close` in the end.

    refetch  how a restarted Tropa gets a source without a learner, by its ref; None where it can't
    hours    when sources that were asked for later are fetched; None: at any hour
    """

    def __init__(
        self,
        *,
        sources: Sources,
        store: MediaStore,
        runner: Runner,
        state: Kept,
        clock: Clock,
        slots: Slots | None = None,
        authorised: Authorised | None = None,
        refetch: Callable[[SourceRef], Fetch | None] = lambda ref: None,
        hours: Hours | None = None,
    ) -> None:
        self.authorised = authorised or Authorised()
        self._sources = sources
        self._store = store
        self._state = state
        self._clock = clock
        self._refetch = refetch
        self._keeper = TaskKeeper("media")
        self._rows = Rows(state, self._keeper)
        self._board = Board(clock=clock, rows=self._rows, slots=slots or Slots(), ended=self._ended)
        self._maker = Maker(self._board, sources, store, runner, self._keeper, clock)
        self._asking = Asking(self._board, self._maker, sources, store)
        self._deferred = Deferred(
            self._asking,
            self._rows,
            self._keeper,
            how_far=self._board.view,
            refetch=refetch,
            unwanted=self._unschedule,
            hours=hours or AnyHour(),
        )
        self._orders: OrderedDict[str, Order] = OrderedDict()

    # -- life --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open what is stored, and go on with what the last process left open. Raises OSError."""
        await self._sources.open()
        await self._store.open()
        now = self._clock.now()
        self._board.paces = await saved_paces(self._state, now)
        self._deferred.restore(await saved_requests(self._state), now)
        for saved in await saved_jobs(self._state):
            await self._resume(saved)
        self.tick(now)

    async def close(self) -> None:
        """Stop what is being made; it begins again with the next process."""
        self._maker.closing = True
        await self._keeper.close()
        await self._rows.flush()
        await self._sources.close()
        await self._store.close()

    def tick(self, now: datetime) -> None:
        """Give up what nobody waits for, begin what is due."""
        self._deferred.expire(now)
        for key in q.unwanted(self._board.queue, now):
            entry = self._board.entries[self._board.queue.jobs[key].number]
            self._board.end(entry, JobView(state=State.CANCELLED))
        self._deferred.begin_due(now)
        self._maker.turn()

    async def sweep(self, now: datetime) -> None:
        """Keep the disks within their budgets, besides what `tick` does."""
        self.tick(now)
        await self._sources.sweep(now)
        await self._store.sweep(now)

    def stats(self) -> DeskStats:
        stages = [job.stage for job in self._board.queue.jobs.values()]
        counts = self._board.counts
        return DeskStats(
            running=stages.count(Stage.MAKING),
            queued=stages.count(Stage.QUEUED) + stages.count(Stage.WAITING),
            fetching=stages.count(Stage.FETCHING),
            deferred=self._deferred.count_open(),
            made=counts.made,
            unchanged=counts.unchanged,
            failed=counts.failed,
            cancelled=counts.cancelled,
            retried=counts.retried,
            turned_away=counts.turned_away,
            source_bytes=self._sources.stats().disk_bytes,
            stored_bytes=self._store.stats().disk_bytes,
        )

    # -- asking ------------------------------------------------------------------------------------------------

    async def ask(self, order: Order, watcher: Watcher) -> Ticket:
        """Have it made, or join who asked before; answers at once how it stands."""
        self._orders[order.key] = order
        self._orders.move_to_end(order.key)
        if len(self._orders) > _MAX_REMEMBERED:
            self._orders.popitem(last=False)
        if order.fetch is not None:
            self._deferred.visited(order, self._clock.now())
        return Ticket(key=order.key, view=await self._asking.ask(order, watcher, Lane.INTERACTIVE))

    async def view(self, key: str) -> JobView | None:
        """How an order stands, by its ticket's key; None: the desk doesn't know it (any more)."""
        return await self._asking.view(key)

    def watch(self, key: str) -> AsyncIterator[JobView]:
        """Its view at every change, the last one when it is no longer open."""
        return self._asking.watch(key)

    async def outcome(self, key: str) -> JobView | None:
        """How it ended, when it has; put a time limit around it."""
        return await self._asking.outcome(key)

    def leave(self, key: str, watcher: Watcher) -> None:
        """She no longer waits; when she hasn't come back for a while, nobody works for her."""
        self._board.leave(key, watcher)

    # -- getting -----------------------------------------------------------------------------------------------

    async def ready(self, key: str, *, learner: str) -> StoredMedia | None:
        """The medium, if it is ready and the origin has let this learner have its source."""
        named = await self._store.names.of(key)
        if named is None or not self._may(learner, named[1]):
            return None
        media = await self._store.find(named[0])
        if media is not None:
            self._store.note_learner(media.key, learner)
        return media

    @property
    def public(self) -> PublicSources:
        """Which sources anybody may have."""
        return self._store.public

    async def made(self, key: str) -> StoredMedia | None:
        """The medium, if it is here: for telling that it is, never for giving it away."""
        named = await self._store.names.of(key)
        return await self._store.find(named[0]) if named is not None else None

    async def standing(self, keys: Collection[str]) -> frozenset[str]:
        """Those of these tickets' keys for which something is here."""
        return await self._store.names.standing(keys)

    def reading(self, media: StoredMedia) -> AbstractContextManager[None]:
        """While this is entered the medium stays on disk."""
        return self._store.reading(media.key)

    def growing(self, key: str, *, learner: str) -> Growing | None:
        """What a running job has made so far, to be read while it grows; None: there is nothing yet."""
        entry = self._board.entry(key)
        if entry is None or entry.growing is None or not self._may(learner, entry.orders[key].source.key):
            return None
        return entry.growing

    async def segment(self, key: str, number: int, *, watcher: Watcher) -> StoredMedia | None:
        """One segment of an HLS order, made now if it isn't there, and the next one made ahead.

        None: she may not have it, it can't be made, or the desk no longer knows the order (ask again). Put a time
        limit around it; giving up waiting is leaving.
        """
        whole = self._orders.get(key)
        if whole is None or number < 0 or not self._may(watcher.learner, whole.source.key):
            return None
        order = replace(whole, segment=number)
        view: JobView | None = await self._asking.ask(order, watcher, Lane.URGENT)
        try:
            if view is not None and view.is_open:
                view = await self._asking.outcome(order.key)
        finally:
            self._board.leave(order.key, watcher)
        if view is None or view.state is not State.READY:
            return None
        await self._make_ahead(replace(whole, segment=number + 1), watcher)
        return await self.ready(order.key, learner=watcher.learner)

    # -- later -------------------------------------------------------------------------------------------------

    async def defer(self, order: Order, learner: str, when: datetime | None = None) -> str | None:
        """File a request to be answered later; its receipt's id, None where she or everybody has too many open.

        when  not before; None: as soon as nobody waits for something else
        """
        return await self._deferred.file(order, learner, when, self._clock.now())

    def deferred(self, learner: str) -> tuple[DeferredView, ...]:
        """All her requests, the latest first."""
        return self._deferred.of(learner)

    def cancel(self, receipt: str, learner: str) -> bool:
        """She doesn't want it any more; False: it is not hers, or no longer open."""
        return self._deferred.cancel(receipt, learner, self._clock.now())

    def forget(self, learner: str) -> None:
        """The learner has logged out: what she was let have is asked of the origin again."""
        self.authorised.forget(learner)
        for order in [order for order in self._orders.values() if order.source.learner == learner]:
            if order.source.shared:
                self._orders[order.key] = replace(order, fetch=None)  # her credentials go with her
            else:
                self._orders.pop(order.key, None)

    async def erase(self, learner: str) -> int:
        """The learner is to be forgotten: her requests, what she was let have, jobs that only she waits for, notes
        that she had a medium. Returns how many things are gone."""
        self.forget(learner)
        count = self._deferred.erase(learner) + self._board.disown(learner)
        await self._rows.flush()
        return count + await self._store.erase(learner)

    async def made_of(self, learner: str) -> int:
        """How many of the media in store note that this learner had them."""
        return await self._store.count_of(learner)

    # -- inside ------------------------------------------------------------------------------------------------

    def _may(self, learner: str, source_key: str) -> bool:
        return self.authorised.allows(learner, source_key, self._clock.now())

    async def _resume(self, saved: SavedJob) -> None:
        """Go on with a job of the last process; its row goes where that can't be."""
        watcher = Watcher(learner=saved.learner, id="restart", stays=RESTARTED_STAY)
        self._rows.drop(saved.id)
        for order in saved.orders if saved.lane < Lane.SCHEDULED else ():  # deferred requests come back by themselves
            order = replace(order, fetch=self._refetch(order.source))
            content_known = await self._maker.known(order) is not None
            if (order.fetch is not None or content_known) and await self._asking.settled(order) is None:
                await self._asking.add(order, saved.learner, Lane.INTERACTIVE, watcher=watcher, saved_as=saved.id)

    async def _make_ahead(self, order: Order, watcher: Watcher) -> None:
        """The segment that will be wanted next, behind everything that somebody waits for now."""
        if await self._asking.settled(order) is None:
            ahead = Watcher(learner=watcher.learner, id=f"{watcher.id}/ahead", stays=AHEAD_STAY)
            await self._asking.add(order, watcher.learner, Lane.INTERACTIVE, watcher=ahead)

    def _unschedule(self, key: str, receipt: str) -> None:
        job = self._board.open_job(key)
        if job is not None:
            self._board.queue = q.unschedule(self._board.queue, job.key, receipt)

    def _ended(self, job: Job, view: JobView) -> None:
        if job.scheduled:
            self._deferred.ended(job.scheduled, view, self._clock.now())
