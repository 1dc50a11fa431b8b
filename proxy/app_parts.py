"""Builds the parts of one process. With its halves (`app_media`, `app_night`, …) this is the only place that knows how
everything hangs together; `proxy.app` runs them.
"""

from __future__ import annotations

from datetime import timedelta

from policies.frozen import Frozen
from proxy.account.errands import CORRECTION, ERASE, EVERY, EXPORT, Errand, Errands
from proxy.account.personal import PersonalData
from proxy.account.rollup import roll_up, zones_of
from proxy.app_facing import Facing, build_facing, own_routes
from proxy.app_ground import Ground
from proxy.app_halves import Halves
from proxy.deliver.pace import Pacer
from proxy.deliver.turns import Turns
from proxy.own.films import PageFilms
from proxy.own.originals import Originals
from proxy.own.own_workers import OwnWorkers
from proxy.pipeline import Parts, Pipeline
from proxy.repeats import Repeats
from proxy.report.files import write_due
from proxy.shell import Shell
from proxy.sizes import SizeAsker
from proxy.sockets import Sockets
from proxy.stages.image import ImageStage
from proxy.stages.ladder import LadderStage
from proxy.tunnels import TunnelPolicy
from scheduler.jobs import Job


class AppParts(Frozen, frozen=True, kw_only=True):
    """What `proxy.app` starts, wakes and ends."""

    ground: Ground
    halves: Halves
    originals: Originals
    own_workers: OwnWorkers
    personal: PersonalData
    errands: Errands
    shell: Shell
    sockets: Sockets
    tunnels: TunnelPolicy
    ladders: LadderStage
    pipeline: Pipeline

    async def start(self) -> None:
        """Open what is stored. Raises OSError naming what can't be had."""
        ground = self.ground
        now = ground.clock.now()
        await ground.state.start()
        ground.log.start()
        await ground.accountant.start(ground.keeper)
        await self.originals.start(now)
        await self.own_workers.start(now)
        await self.halves.start(now)
        await self.ladders.start(now)
        ground.keeper.start(self.halves.adapting.workers.open(), name="first image worker")  # no page waits for it
        await self.errands.run()  # whoever was to be forgotten is, before anybody is served

    async def close(self) -> None:
        """Let what runs end, keep the accounts; nobody is served any more."""
        ground = self.ground
        await self.halves.finish()
        await ground.accountant.flush()
        await ground.keeper.close()
        await self.ladders.close()
        await ground.upstream.close()
        await self.halves.close()
        await ground.state.close()
        ground.log.close()

    def jobs(self) -> tuple[Job, ...]:
        """What is done now and then; none of it changes a decision."""
        ground = self.ground
        clock, state, reports = ground.clock, ground.state, ground.state_dir / "reports"

        async def sweep_variants() -> None:
            await self.halves.adapting.store.sweep(clock.now())

        async def sweep_log() -> None:
            ground.log.sweep(clock.now().date())

        async def sum_up() -> None:
            await roll_up(state, zones_of(ground.catalogue()), clock.now())

        async def write_reports() -> None:
            await write_due(reports, state, ground.catalogue(), clock.now())

        async def sweep_grants() -> None:
            self.originals.sweep(clock.now())

        return (
            Job(name="sweep variants", every=timedelta(minutes=5), run=sweep_variants),
            Job(name="errands", every=EVERY, first=timedelta(0), run=self.errands.run),
            Job(name="sweep log", every=timedelta(hours=1), first=timedelta(minutes=1), run=sweep_log),
            Job(name="roll up", every=timedelta(minutes=10), run=sum_up),
            Job(name="reports", every=timedelta(minutes=10), first=timedelta(minutes=1), run=write_reports),
            Job(name="sweep grants", every=timedelta(minutes=30), run=sweep_grants),
            *self.halves.jobs(clock),
        )

    def show_gauges(self) -> None:
        metrics = self.ground.accountant.metrics
        metrics.watch("tunnels_open", "Tunnels under way", lambda: float(self.tunnels.open))
        metrics.watch("sockets_open", "WebSockets under way", lambda: float(self.sockets.open))
        self.halves.show_gauges(metrics)


def build_parts(ground: Ground) -> AppParts:
    """Everything, nothing of it opened yet."""
    clock, accountant = ground.clock, ground.accountant
    facing = build_facing(ground)
    halves = facing.halves
    sockets = Sockets(
        upstream=ground.upstream, accountant=accountant, dresser=facing.dresser, clock=clock, via=ground.via
    )
    shell = Shell(
        ground.upstream,
        halves.adapting.texts,
        facing.notes.late,
        ground.keeper,
        clock,
        ground.catalogue,
        via=ground.via,
    )
    return AppParts(
        ground=ground,
        halves=halves,
        originals=facing.originals,
        own_workers=facing.own_workers,
        personal=facing.personal,
        errands=_errands(ground, facing.personal),
        shell=shell,
        sockets=sockets,
        tunnels=TunnelPolicy(runtime=ground.runtime, accountant=accountant, clock=clock),
        ladders=facing.ladders,
        pipeline=_build_pipeline(ground, facing, sockets, shell),
    )


def _build_pipeline(ground: Ground, facing: Facing, sockets: Sockets, shell: Shell) -> Pipeline:
    keeper, halves, notes = ground.keeper, facing.halves, facing.notes
    adapting, media = halves.adapting, halves.media
    ladders, outbox = facing.ladders, halves.outage.stage
    return Pipeline(
        Parts(
            clock=ground.clock,
            runtime=ground.runtime,
            accountant=ground.accountant,
            originals=facing.originals,
            obtainer=facing.obtainer,
            kept=halves.outage.kept(facing.obtainer, halves.cache.origin, facing.dresser, halves.texts.proofs),
            dresser=facing.dresser,
            refusals=facing.refusals,
            own=own_routes(ground, facing),
            media=media.stage(notes.sticky),
            ladders=ladders,
            images=ImageStage(
                adapting.store,
                notes.sources,
                adapting.pool,
                adapting.workers,
                notes.sticky,
                moves=media.moving.met,
            ),
            texts=adapting.texts,
            sizes=notes.sizes,
            size_asker=SizeAsker(ground.upstream, notes.sizes, keeper, via=ground.via, films=media.asker(keeper)),
            sockets=sockets,
            pacer=Pacer(),
            savings=notes.savings,
            turns=Turns(ground.clock),
            late=notes.late,
            shell=shell,
            outbox=outbox,
            repeats=Repeats(halves.cache.store, lambda one: outbox.concerns(one) or ladders.follows(one)),
            scripts=facing.scripts,
            stores=facing.stores,
            films=PageFilms(ground.tokens, media.moving),
        )
    )


def _errands(ground: Ground, personal: PersonalData) -> Errands:
    """What commands may leave for the running process: a line each."""
    return Errands(
        ground.state,
        ground.clock,
        (
            Errand(kind=CORRECTION, do=ground.accountant.corrected, once=True),
            Errand(kind=EXPORT, do=personal.export_asked),
            Errand(kind=ERASE, do=personal.erase_asked),
        ),
    )
