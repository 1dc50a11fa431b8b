"""The media half of what `proxy.app_parts` builds: the desk with its stores and runner, and what learners see of it.

Law: as in `proxy.app_parts`, only here is known how these parts hang together.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta

from policies.decision import Withhold
from policies.frozen import Frozen
from proxy.account.metrics import Metrics
from proxy.app_ground import Ground
from proxy.app_night import NightTime
from proxy.cache.sizes import SizeBook
from proxy.clock import Clock
from proxy.deliver.answer import Answer
from proxy.deliver.read_ahead import ReadAhead
from proxy.deliver.sticky import Sticky
from proxy.elsewhere import Elsewhere
from proxy.media.desk import Desk
from proxy.media.jobs import Slots
from proxy.media.queue_state import Rows
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.night.texts.proof import CourseProofs
from proxy.own.beginnings import Beginnings
from proxy.own.choices import Choices
from proxy.own.deferred import DeferredRequests
from proxy.own.dressing import Dresser
from proxy.own.had import HadMedia
from proxy.own.lectures import Lectures
from proxy.own.media import MediaRoutes
from proxy.own.media_asking import MediaAsking
from proxy.own.offers import MediaOffers
from proxy.own.page_scripts import PageScripts
from proxy.own.refusals import Refusals
from proxy.own.segments import Segments
from proxy.own.shown_sources import ShownSources
from proxy.own.viewer import Viewer
from proxy.stages.context import Exchange
from proxy.stages.ladder import LadderStage
from proxy.stages.ladder_book import LadderBook
from proxy.stages.ladder_notes import LadderNotes
from proxy.stages.media import MediaStage
from proxy.stages.media_asker import MediaAsker
from proxy.stages.media_book import MediaBook
from proxy.stages.media_known import KnownMedia
from proxy.stages.media_origin import MediaOrigin
from proxy.stages.moving import MovingFilms
from proxy.stages.rung import RungMaker
from proxy.tasks import TaskKeeper
from proxy.transforms.media.jail import Limits as JailLimits
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.tools import find_ffmpeg
from scheduler.jobs import Job

_TICK = timedelta(seconds=3)
_SWEEP = timedelta(minutes=5)


class Media(Frozen, frozen=True, kw_only=True):
    """Everything about films, sound, lectures and documents that lives as long as the process."""

    desk: Desk
    origin: MediaOrigin
    book: MediaBook
    choices: Choices
    had: HadMedia
    deferred: DeferredRequests
    offers: MediaOffers
    viewer: Viewer
    moving: MovingFilms
    rows: Rows

    async def start(self, now: datetime) -> None:
        """Open what is stored. Raises OSError naming what can't be had."""
        await self.desk.start()
        await self.book.start(self.desk.standing, now)
        await self.choices.start(now)
        await self.had.start(now)
        await self.deferred.start(now)

    async def close(self) -> None:
        """Keep what was said, stop what is being made."""
        await self.rows.flush()
        await self.desk.close()

    def jobs(self, clock: Clock) -> tuple[Job, ...]:
        """What is done now and then; none of it changes a decision."""

        async def tick() -> None:
            self.desk.tick(clock.now())

        async def sweep() -> None:
            await self.desk.sweep(clock.now())
            self.deferred.sweep()

        return (Job(name="media", every=_TICK, run=tick), Job(name="sweep media", every=_SWEEP, run=sweep))

    def show_gauges(self, metrics: Metrics) -> None:
        stats, watch = self.desk.stats, metrics.watch
        watch("media_running", "Media being made", lambda: float(stats().running))
        watch("media_queued", "Media waiting for an encoder or a source", lambda: float(stats().queued))
        watch("media_fetching", "Media sources on their way", lambda: float(stats().fetching))
        watch("media_made", "Media made since the start", lambda: float(stats().made))
        watch("media_failed", "Media that could not be made since the start", lambda: float(stats().failed))
        watch("media_deferred", "Requests waiting for free hours", lambda: float(stats().deferred))
        watch("media_sources_bytes", "Media sources on disk", lambda: float(stats().source_bytes))
        watch("media_made_bytes", "Made media on disk", lambda: float(stats().stored_bytes))

    def stage(self, sticky: Sticky) -> MediaStage:
        return MediaStage(self.desk, self.origin, self.book, sticky)

    def asker(self, keeper: TaskKeeper) -> MediaAsker:
        return MediaAsker(self.desk, self.origin, self.book, keeper, self.viewer.bytes_of)

    def routes(
        self,
        dresser: Dresser,
        refusals: Refusals,
        sizes: SizeBook,
        elsewhere: Elsewhere,
        keeper: TaskKeeper,
        scripts: PageScripts,
        proofs: CourseProofs,
        ladders: LadderStage,
    ) -> MediaRoutes:
        sources = ShownSources(self.desk, self.origin, self.book, self.had, proofs, sizes)
        asking = MediaAsking(
            sources=sources,
            book=self.book,
            choices=self.choices,
            dresser=dresser,
            refusals=refusals,
            sizes=sizes,
            decide_for=elsewhere.decision,
            scripts=scripts,
        )
        return MediaRoutes(
            desk=self.desk,
            sources=sources,
            asking=asking,
            book=self.book,
            choices=self.choices,
            deferred=self.deferred,
            dresser=dresser,
            viewer=self.viewer,
            segments=Segments(self.desk, self.origin, self.book),
            beginnings=Beginnings(keeper),
            moving=self.moving,
            ladders=ladders,
        )


def build_media(ground: Ground, time: NightTime) -> Media:
    """The parts, not yet started. Without a fit ffmpeg only documents have lighter versions."""
    folder, limits, clock = ground.state_dir / "media", ground.catalogue().settings.limits, ground.clock
    tool, state = find_ffmpeg(), ground.state
    workers = limits.media_workers or max(1, (os.cpu_count() or 2) - 1)
    desk = Desk(
        sources=Sources(
            folder / "sources",
            max_bytes=limits.media_source_store_bytes,
            max_source_bytes=limits.max_media_source_bytes,
            clock=clock,
        ),
        store=MediaStore(folder / "made", max_bytes=limits.media_store_bytes, clock=clock),
        runner=MediaRunner(tool, JailLimits(max_s=limits.media_deadline_s)),
        state=state,
        clock=clock,
        slots=Slots(make=workers, waiting=limits.media_queue),
        refetch=time.sources.refetch,
        hours=time.desk_hours,
    )
    rows = Rows(state, ground.keeper)
    book, choices, origin = (
        MediaBook(KnownMedia(state, rows, clock)),
        Choices(state),
        MediaOrigin(ground.upstream, via=ground.via),
    )
    return Media(
        desk=desk,
        origin=origin,
        book=book,
        choices=choices,
        had=HadMedia(state),
        deferred=DeferredRequests(desk, state),
        offers=MediaOffers(ground.tokens, book, choices, films=tool is not None),
        viewer=Viewer(Lectures(), time.openings.watched),
        moving=MovingFilms(desk, origin, ground.keeper),
        rows=rows,
    )


def build_ladders(
    sticky: Sticky,
    clock: Clock,
    withheld: Callable[[Exchange, Withhold], Answer],
    rungs: RungMaker,
    notes: LadderNotes,
) -> LadderStage:
    """The stage that caps ladders; `withheld` makes what stands for a ladder nothing of which fits."""
    return LadderStage(LadderBook(), ReadAhead(), sticky, clock, withheld, rungs, notes)
