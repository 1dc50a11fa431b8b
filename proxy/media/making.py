"""What is done for one job: its source is fetched, its recipe run, its outcome kept.

Laws of this file: a job takes an encoder's place only while its recipe runs; nothing half made leaves its work folder;
each job ends in exactly one view, or is joined to another; a failure of any part is that job's and nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxy.clock import Clock
from proxy.exchange import Refused, Unchanged
from proxy.media import queue as q
from proxy.media.board import Board
from proxy.media.entries import Entry
from proxy.media.growing import Growing
from proxy.media.jobs import Job, Lane, Stage, Work
from proxy.media.refs import SourceFailed, Whole
from proxy.media.simpler import WORTH_ANOTHER_WAY, simpler
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.media.store_values import Negative, StoredMedia
from proxy.media.views import JobView, Order, Runner, State
from proxy.tasks import TaskKeeper
from proxy.transforms.media.growing import beginning_of
from proxy.transforms.media.spec import (
    CappedSpec,
    HlsSpec,
    MediaMade,
    MediaOutcome,
    MediaSpec,
    Recipe,
    SoundCodec,
    SoundSpec,
)

logger = logging.getLogger("tropa.media")

# A playlist isn't the film: it is never compared with its source's size.
_MAY_BE_LARGER = frozenset((Recipe.HLS,))


class Maker:
    """Works through a board's jobs."""

    def __init__(
        self, board: Board, sources: Sources, store: MediaStore, runner: Runner, keeper: TaskKeeper, clock: Clock
    ) -> None:
        self._board = board
        self._sources = sources
        self._store = store
        self._runner = runner
        self._keeper = keeper
        self._clock = clock
        self.closing = False

    def turn(self) -> None:
        """Start whatever has a slot now."""
        board = self._board
        while not self.closing and (started := q.start_next(board.queue, Work.FETCH)) is not None:
            board.queue, job = started
            entry = board.entries[job.number]
            entry.fetching = self._keeper.start(self._settled(entry, self._fetch), name=f"fetch-{entry.id}")
        while not self.closing and (started := q.start_next(board.queue, Work.MAKE)) is not None:
            board.queue, job = started
            entry = board.entries[job.number]
            entry.began_s = self._clock.steady_s()
            entry.making = self._keeper.start(self._settled(entry, self._make), name=f"make-{entry.id}")

    async def known(self, order: Order) -> tuple[str, StoredMedia | Negative | None] | None:
        """The content's key and what is already known of it; None: its content isn't known yet."""
        sha256 = await self._sources.digest_of(order.source.key)
        if sha256 is None:
            return None
        key = order.content_key(sha256)
        return key, await self._store.find(key) or await self._store.in_vain.of(key)

    async def _settled(self, entry: Entry, work: Callable[[Entry], Awaitable[None]]) -> None:
        """A fault of ours is that job's failure, never the desk's end."""
        try:
            await work(entry)
        except SourceFailed as failed:
            logger.info("%s: its source can't be had: %s", entry.id, failed)
            self._board.end(entry, JobView(state=State.REFUSED, why=failed.why))
        except Exception:
            logger.exception("%s: a media job failed", entry.id)
            self._board.end(entry, JobView(state=State.REFUSED, why="failed"))
        if not self.closing:
            self.turn()

    # -- the source --------------------------------------------------------------------------------------------

    async def _fetch(self, entry: Entry) -> None:
        fetches = [order.fetch for order in entry.orders.values() if order.fetch is not None]
        entry.hold = await self._sources.hold(entry.order.source, fetches[-1] if fetches else None)
        for fetch in fetches[:-1]:
            entry.hold.may_use(fetch)
        if entry.hold.on_disk is None and await self._can_begin_early(entry):
            self._begin_early(entry)
        await self._arrived(entry, await entry.hold.whole())

    async def _can_begin_early(self, entry: Entry) -> bool:
        """A capped film whose first bytes, or its index fetched ahead, are enough to begin with."""
        if entry.order.recipe is not Recipe.CAPPED or entry.hold is None:
            return False
        try:
            return await beginning_of(entry.hold) is not None
        except OSError:
            return False  # whoever waits for the whole of it is told why

    def _begin_early(self, entry: Entry) -> None:
        """Take a place among the waiting, if not every encoder would wait for a slow origin then."""
        job = self._board.job(entry.number)
        already = sum(
            one.early and (other := self._board.job(one.number)) is not None and other.stage is not Stage.FETCHING
            for one in self._board.entries.values()
        )
        if job is None or job.lane is Lane.SCHEDULED or already >= max(1, self._board.queue.slots.make // 2):
            return
        entry.early = True
        self._board.queue = q.can_begin(self._board.queue, job.key)
        self.turn()

    async def _arrived(self, entry: Entry, whole: Whole) -> None:
        """The content is known: what is there already is not made again."""
        if self._board.job(entry.number) is None:
            return
        key = entry.order.content_key(whole.sha256)
        known = await self._store.find(key) or await self._store.in_vain.of(key)
        if self._board.job(entry.number) is None:
            return
        if known is not None:
            await self._ends(entry, key, known)
        else:
            self._board.became(entry, key)

    # -- the recipe --------------------------------------------------------------------------------------------

    async def _make(self, entry: Entry) -> None:
        work: Path | None = None
        try:
            work = await self._store.new_work()
            await self._make_in(entry, work)
        except OSError as error:
            logger.warning("%s: %s", entry.id, error)
            await self._concludes(entry, Refused(why="disk"), None)
        finally:
            if work is not None:
                await self._store.throw_away(work)

    async def _make_in(self, entry: Entry, work: Path) -> None:
        job, hold = self._board.job(entry.number), entry.hold
        if job is None:
            return
        if hold is None:
            raise SourceFailed("closed")
        entry.early = entry.early and not hold.complete
        folder = work / "made"
        await asyncio.to_thread(folder.mkdir, 0o700)
        growing = await self._growing(entry, job, work)
        try:
            await self._concludes(entry, await self._run(entry, job, folder), folder)
        finally:
            if growing is not None:
                growing.break_off("cancelled")  # says nothing once it has ended

    async def _growing(self, entry: Entry, job: Job, work: Path) -> Growing | None:
        """The output that can be read while it is made, if this recipe has one."""
        content_type = _growing_type(job.spec)
        if content_type is None:
            return None
        growing = Growing(work / "growing", content_type, begun=self._board.bell.ring)
        await growing.open()
        entry.growing = growing
        self._keeper.start(growing.pump(), name=f"grow-{entry.id}")
        return growing

    async def _run(self, entry: Entry, job: Job, folder: Path) -> MediaOutcome:
        hold, spec = entry.hold, job.spec
        assert hold is not None
        take = entry.growing.take if entry.growing is not None else None

        def progress(done: float) -> None:
            now = self._board.job(entry.number)
            if now is not None:
                self._board.queue = q.progressed(self._board.queue, now.key, done)

        try:
            if entry.order.segment is not None and isinstance(spec, HlsSpec):
                source = await hold.whole()
                return await self._runner.segment(source.path, spec, entry.order.segment, folder)
            if not hold.complete and isinstance(spec, CappedSpec) and take is not None:
                return await self._runner.run_growing(hold, spec, folder, progress, take)
            source = await hold.whole()
            return await self._runner.run(job.recipe, source.path, spec, folder, progress, take)
        except SourceFailed:
            raise
        except Exception:
            logger.exception("%s: a recipe failed", entry.id)
            return Refused(why="recipe-failed")

    def _tries_again(self, entry: Entry, job: Job, refused: Refused) -> bool:
        """Another way is worth trying: with the whole source, or simpler."""
        board, hold = self._board, entry.hold
        if entry.early and hold is not None:
            entry.early = False
            if hold.complete:
                board.queue = q.again(board.queue, job.key, job.recipe, job.spec, counts=False)
            else:
                board.queue = q.fetch_on(board.queue, job.key)
        elif refused.why in WORTH_ANOTHER_WAY and job.attempt + 1 < q.MAX_ATTEMPTS:
            recipe, spec = simpler(job.recipe, job.spec)
            board.counts.retried += 1
            board.queue = q.again(board.queue, job.key, recipe, spec, counts=True)
        else:
            return False
        logger.info("%s: %s failed (%s) and is tried another way", entry.id, job.recipe, refused.why)
        if entry.growing is not None:
            entry.growing.break_off(refused.why)
            entry.growing = None
        board.save(entry)
        return True

    async def _concludes(self, entry: Entry, outcome: MediaOutcome, folder: Path | None) -> None:
        """Keep what was made, or that nothing could be."""
        job = self._board.job(entry.number)
        if job is None or entry.hold is None:
            return
        if isinstance(outcome, Refused) and await self._store.is_full():
            outcome = Refused(why="disk-full")  # whatever the tool said: it is no fault of the source's
        if isinstance(outcome, Refused) and self._tries_again(entry, job, outcome):
            return
        took_s = self._clock.steady_s() - entry.began_s
        whole = await entry.hold.whole()
        key = entry.order.content_key(whole.sha256)
        if isinstance(outcome, MediaMade) and folder is not None:
            kept = await self._kept(entry, job, key, outcome, folder, whole)
            if isinstance(kept, StoredMedia) and not entry.early:
                source_bytes = 0 if entry.order.segment is not None else whole.length_bytes
                self._board.learned(job, entry, took_s=took_s, media_s=outcome.duration_s, source_bytes=source_bytes)
        else:
            assert not isinstance(outcome, MediaMade)
            kept = await self._store.in_vain.note(key, outcome)
        await self._ends(entry, key, kept, got_s=took_s)

    async def _kept(
        self, entry: Entry, job: Job, key: str, made: MediaMade, folder: Path, whole: Whole
    ) -> StoredMedia | Negative:
        may_be_larger = job.recipe in _MAY_BE_LARGER or entry.order.segment is not None
        if made.length_bytes >= whole.length_bytes and not may_be_larger:
            return await self._store.in_vain.note(key, Unchanged(why="not-smaller"))
        kept = await self._store.put(
            key,
            folder,
            made,
            recipe=job.recipe,
            source_bytes=whole.length_bytes,
            private=all(order.source.private for order in entry.orders.values()),
            learner=job.learner,
        )
        return kept if isinstance(kept, StoredMedia) else await self._store.in_vain.note(key, kept)

    async def _ends(self, entry: Entry, key: str, known: StoredMedia | Negative, *, got_s: float | None = None) -> None:
        named: set[str] = set()
        while new := [name for name in entry.orders if name not in named]:  # others may join meanwhile
            for name in new:
                await self._store.names.give(name, key, entry.orders[name].source.key)
            named.update(new)
        if entry.growing is not None:
            if isinstance(known, StoredMedia):
                entry.growing.end()
            else:
                entry.growing.break_off(known.why)
        view = view_of(known)
        logger.info("%s: %s is %s%s", entry.id, entry.order.recipe, view.state, f" ({view.why})" if view.why else "")
        self._board.end(entry, view, got_s=got_s)


def _growing_type(spec: MediaSpec) -> str | None:
    """The type of what can be played while it is made; None: it can't."""
    match spec:
        case CappedSpec():
            return "video/mp4"
        case SoundSpec(codec=SoundCodec.OPUS):
            return "audio/webm"
        case _:
            return None


def view_of(known: StoredMedia | Negative) -> JobView:
    """What is told of something that is no longer open."""
    if isinstance(known, StoredMedia):
        return JobView(state=State.READY, progress=1.0, fetched=1.0, ready_in_s=0.0, length_bytes=known.length_bytes)
    state = State.UNCHANGED if known.kind == "unchanged" else State.REFUSED
    return JobView(state=state, progress=1.0, fetched=1.0, why=known.why)
