"""Builds the parts and runs them: the only place that knows how everything hangs together."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import secrets
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from policies.faults import PolicyFaults
from policies.model import Catalogue, Listener
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.errands import CORRECTION, ERASE, EVERY, EXPORT, Errand, Errands
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics, metrics_app
from proxy.account.operator_log import set_up
from proxy.account.personal import PersonalData
from proxy.account.rollup import roll_up, zones_of
from proxy.account.secret import installation_secret
from proxy.account.sqlite import SqliteState
from proxy.account.tokens import Tokens
from proxy.app_cache import Cache
from proxy.app_media import build_ladders, build_media
from proxy.app_night import build_night, build_time
from proxy.app_outage import build_outage
from proxy.app_personal import (
    account_holders,
    kept_holder,
    log_holder,
    media_holders,
    memory_holders,
    originals_holder,
    variants_holder,
)
from proxy.app_uploads import build_uploads
from proxy.cache.sizes import SizeBook
from proxy.cache.sources import SourceBook
from proxy.cache.variants import VariantStore
from proxy.catalogues import Catalogues, publish_file, read_published, was_published
from proxy.clock import Clock, SystemClock
from proxy.deliver.pace import Pacer
from proxy.deliver.sticky import Sticky
from proxy.deliver.turns import Turns
from proxy.elsewhere import Elsewhere
from proxy.late_sheets import LateSheets
from proxy.modes.front import Front
from proxy.obtain import Obtainer
from proxy.operate.history import current_dir
from proxy.own.device import OwnStores
from proxy.own.dressing import Dresser
from proxy.own.films import PageFilms, films_part
from proxy.own.night_routes import NightRoutes
from proxy.own.originals import Originals
from proxy.own.own_workers import OwnWorkers
from proxy.own.page_scripts import PageScripts
from proxy.own.personal import PersonalRoutes
from proxy.own.refusals import Refusals
from proxy.own.routes import OwnRoutes
from proxy.own.savings import LearnerSavings
from proxy.pipeline import Parts, Pipeline
from proxy.report.files import write_due
from proxy.runtime import runtime_of
from proxy.shell import Shell
from proxy.sizes import SizeAsker
from proxy.sockets import Sockets
from proxy.stages.best_codings import BestCodings
from proxy.stages.image import ImageStage
from proxy.stages.rung import RungMaker
from proxy.stages.text import TextStage
from proxy.tasks import TaskKeeper
from proxy.transforms.run import TransformPool
from proxy.transforms.workers import ImageWorkers
from proxy.tunnels import TunnelPolicy
from proxy.upstream.dial import Dial
from proxy.upstream.upstream import Upstream
from scheduler.jobs import Job
from scheduler.runner import Runner

logger = logging.getLogger("tropa")

_DRAIN_S = 60.0
_POLL_S = 1.0


class Tropa:
    """One process: `start`, then it serves until `close`."""

    def __init__(self, state_dir: Path, catalogue: Catalogue, clock: Clock) -> None:
        self._clock = clock
        self._keeper = TaskKeeper("tropa")
        self._catalogues = Catalogues(state_dir, catalogue, clock.now())
        self._secret = installation_secret(state_dir)
        self._runtime = runtime_of(catalogue, self._secret)
        self._state_dir = state_dir
        self._pseudonym = f"{catalogue.settings.name}-{secrets.token_hex(3)}"
        self._fronts: dict[str, Front] = {}
        self._metrics_runner: web.AppRunner | None = None
        self._knows_shells = False
        self._build(catalogue)

    # -- parts ---------------------------------------------------------------------------------------------

    def _build(self, catalogue: Catalogue) -> None:
        clock, keeper, limits = self._clock, self._keeper, catalogue.settings.limits
        via = f"1.1 {self._pseudonym}"
        self._state = SqliteState(self._state_dir / "tropa.db")
        self._log = AccessLog(self._state_dir / "log", max_days=limits.log_days, max_bytes=limits.log_bytes)
        self._accountant = Accountant(
            state=self._state,
            clock=clock,
            log=self._log,
            metrics=Metrics(),
            codes=Codes(self._secret),
            catalogue=self._current,
        )
        self._store = VariantStore(self._state_dir / "variants", max_bytes=limits.variant_store_bytes, clock=clock)
        slots = limits.image_workers or os.cpu_count() or 2
        self._pool = TransformPool(slots=slots, clock=clock, queue_limit=limits.image_queue)
        self._workers = ImageWorkers(slots)
        self._upstream = Upstream(self._current, own_ports=self._own_ports)
        self._outage = build_outage(
            self._state_dir,
            upstream=self._upstream,
            clock=clock,
            current=self._current,
            metrics=self._accountant.metrics,
            via=via,
        )
        self._cache = Cache(
            self._state_dir, upstream=self._upstream, clock=clock, keeper=keeper, catalogue=self._current
        )
        self._cache.show_gauges(self._accountant.metrics)
        self._originals = Originals(self._state)
        tokens = Tokens(self._secret)
        savings, sizes, sticky, sources = LearnerSavings(), SizeBook(), Sticky(), SourceBook()
        time = build_time(
            self._state_dir,
            upstream=self._upstream,
            runtime=lambda: self._runtime,
            state=self._state,
            accountant=self._accountant,
            clock=clock,
            via=via,
        )
        self._media = build_media(
            self._state_dir / "media",
            limits=limits,
            state=self._state,
            clock=clock,
            upstream=self._upstream,
            tokens=tokens,
            keeper=keeper,
            via=via,
            time=time,
        )
        self._night = build_night(
            time,
            cache=self._cache.origin,
            desk=self._media.desk,
            state=self._state,
            clock=clock,
            keeper=keeper,
            runtime=lambda: self._runtime,
        )
        dresser = Dresser(tokens, savings, self._media.offers, self._accountant.usage, self._night.requests)
        self._own_workers = OwnWorkers(self._state)
        stores = OwnStores(dresser, self._own_workers)
        refusals = Refusals(dresser, self._accountant.codes, jitter=random.SystemRandom())
        rungs = RungMaker(self._store, self._state_dir / "making")
        elsewhere = Elsewhere(lambda: self._runtime, self._accountant)
        self._sockets = Sockets(
            upstream=self._upstream, accountant=self._accountant, dresser=dresser, clock=clock, via=via
        )
        self._tunnels = TunnelPolicy(runtime=lambda: self._runtime, accountant=self._accountant, clock=clock)
        late = LateSheets(clock)
        self._texts = TextStage(self._store, sources, BestCodings(self._store, sources, keeper, clock), late.sent)
        ladders = build_ladders(sticky, clock, refusals.withheld, rungs)
        obtainer = Obtainer(self._cache.origin, sticky, via=via)
        self._uploads = build_uploads(
            self._state_dir / "uploads",
            catalogue=self._current,
            identifier=lambda: self._runtime.identifier,
            obtainer=obtainer,
            accountant=self._accountant,
            elsewhere=elsewhere,
            tokens=tokens,
            clock=clock,
            keeper=keeper,
        )
        # What pages get a script for: a part each.
        parts = (films_part, self._uploads.routes.told, stores.told)
        scripts = PageScripts(self._accountant.broken_pages, parts)
        self.personal = PersonalData(
            (
                *account_holders(self._accountant, self._state, clock),
                originals_holder(self._originals),
                *media_holders(self._media),
                self._outage.holder(),
                self._cache.holder(),
                self._outage.opened_holder(),
                *self._night.holders(),
                variants_holder(self._store),
                *memory_holders(savings, late, sources, ladders),
                self._uploads.holder(),
                log_holder(self._state_dir / "log", self._log),
                kept_holder(self._state, clock),
            ),
            settled=self._accountant.flush,
        )
        self._errands = Errands(
            self._state,
            clock,
            (
                Errand(kind=CORRECTION, do=self._accountant.corrected, once=True),
                Errand(kind=EXPORT, do=self.personal.export_asked),
                Errand(kind=ERASE, do=self.personal.erase_asked),
            ),
        )
        media_routes = self._media.routes(dresser, refusals, sizes, elsewhere, keeper, scripts)
        self._shell = Shell(self._upstream, self._texts, late, keeper, clock, self._current, via=via)
        self._pipeline = Pipeline(
            Parts(
                clock=clock,
                runtime=lambda: self._runtime,
                accountant=self._accountant,
                originals=self._originals,
                obtainer=obtainer,
                kept=self._outage.kept(obtainer, self._cache.origin, dresser),
                dresser=dresser,
                refusals=refusals,
                own=OwnRoutes(
                    tokens=tokens,
                    dresser=dresser,
                    originals=self._originals,
                    accountant=self._accountant,
                    sizes=sizes,
                    identifier=lambda: self._runtime.identifier,
                    late=late,
                    media=media_routes,
                    nights=NightRoutes(media_routes, self._night.requests, dresser),
                    outbox=self._outage.routes(dresser),
                    personal=PersonalRoutes(self.personal, dresser),
                    forget_pages=self._cache.origin.forget,
                    uploads=self._uploads.routes,
                    stores=stores,
                ),
                media=self._media.stage(sticky),
                ladders=ladders,
                images=ImageStage(
                    self._store, sources, self._pool, self._workers, sticky, moves=self._media.moving.met
                ),
                texts=self._texts,
                sizes=sizes,
                size_asker=SizeAsker(self._upstream, sizes, keeper, via=via, films=self._media.asker(keeper)),
                sockets=self._sockets,
                pacer=Pacer(),
                savings=savings,
                turns=Turns(clock),
                late=late,
                shell=self._shell,
                outbox=self._outage.stage,
                scripts=scripts,
                stores=stores,
                films=PageFilms(tokens, self._media.moving),
            )
        )
        self._runner = Runner(self._jobs(), failed=self._job_failed)
        self._show_gauges()
        self._media.show_gauges(self._accountant.metrics)
        self._outage.show_gauges(self._accountant.metrics)
        self._uploads.show_gauges(self._accountant.metrics)

    def _show_gauges(self) -> None:
        watch, pool, store = self._accountant.metrics.watch, self._pool.stats, self._store.stats
        watch("exchanges_open", "Exchanges under way", lambda: float(sum(f.exchanges for f in self._fronts.values())))
        watch(
            "connections_open", "Client connections", lambda: float(sum(f.connections for f in self._fronts.values()))
        )
        watch("tunnels_open", "Tunnels under way", lambda: float(self._tunnels.open))
        watch("sockets_open", "WebSockets under way", lambda: float(self._sockets.open))
        watch("transforms_running", "Images being adapted", lambda: float(pool().running))
        watch("transforms_queued", "Images waiting for a worker", lambda: float(pool().queued))
        watch(
            "transforms_failed", "Adaptations that failed or timed out", lambda: float(pool().failed + pool().timed_out)
        )
        watch("image_workers_lost", "Image workers that died or hung", lambda: float(self._workers.crashes))
        watch("variants_bytes", "Variant store on disk", lambda: float(store().disk_bytes))
        watch("variants_files", "Variants on disk", lambda: float(store().files))
        watch("variants_failed_writes", "Variants that could not be stored", lambda: float(store().failed_writes))

    def _current(self) -> Catalogue:
        return self._catalogues.current

    def _own_ports(self) -> frozenset[int]:
        ports = {front.port for front in self._fronts.values()}
        listen = self._current().settings.metrics_listen
        if listen is not None:
            ports.add(int(listen.rpartition(":")[2]))
        return frozenset(ports)

    def _jobs(self) -> tuple[Job, ...]:
        """What is done now and then; none of it changes a decision."""
        return (
            Job(name="sweep variants", every=timedelta(minutes=5), run=self._sweep_variants),
            Job(name="errands", every=EVERY, first=timedelta(0), run=self._errands.run),
            Job(name="sweep log", every=timedelta(hours=1), first=timedelta(minutes=1), run=self._sweep_log),
            Job(name="roll up", every=timedelta(minutes=10), run=self._roll_up),
            Job(name="reports", every=timedelta(minutes=10), first=timedelta(minutes=1), run=self._write_reports),
            Job(name="sweep grants", every=timedelta(minutes=30), run=self._sweep_grants),
            *self._media.jobs(self._clock),
            *self._outage.jobs(),
            *self._cache.jobs(),
            *self._uploads.jobs(),
            *self._night.jobs(),
        )

    async def _sweep_variants(self) -> None:
        await self._store.sweep(self._clock.now())

    async def _sweep_log(self) -> None:
        self._log.sweep(self._clock.now().date())

    async def _roll_up(self) -> None:
        await roll_up(self._state, zones_of(self._current()), self._clock.now())

    async def _write_reports(self) -> None:
        await write_due(self._state_dir / "reports", self._state, self._current(), self._clock.now())

    async def _sweep_grants(self) -> None:
        self._originals.sweep(self._clock.now())

    @staticmethod
    def _job_failed(name: str, error: BaseException) -> None:
        logger.error("%s failed: %r", name, error)

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open what is stored and listen. Raises OSError naming what can't be had."""
        now = self._clock.now()
        await self._state.start()
        self._log.start()
        await self._accountant.start(self._keeper)
        await self._originals.start(now)
        await self._own_workers.start(now)
        await self._store.open()
        await self._cache.open()
        await self._night.start(now)
        await self._media.start(now)
        await self._outage.start()
        await self._uploads.desk.start()
        await self._workers.open()
        await self._errands.run()  # whoever was to be forgotten is, before anybody is served
        for listener in self._current().settings.listeners:
            await self._listen(listener)
        listen = self._current().settings.metrics_listen
        if listen is not None:
            self._metrics_runner = await metrics_app(self._accountant.metrics, listen)
        await self._runner.start()
        self._keeper.start(self._watch_catalogue(), name="catalogue")

    async def _listen(self, listener: Listener) -> None:
        front = Front(
            listener,
            handler=self._pipeline.handle,
            tunnel_gate=self._tunnels,
            catalogue=self._current,
            clock=self._clock,
            keeper=self._keeper,
            pseudonym=self._pseudonym,
            dial=Dial(self._current, self._own_ports),
        )
        await front.start()
        self._fronts[listener.name] = front
        logger.info("%s listens on %s:%d (%s)", listener.name, listener.host, front.port, listener.mode)

    def know_shells(self) -> None:
        """Have what every page of the origins asks for before a learner does, now and after each change of policy."""
        self._knows_shells = True
        self._shell.begin()

    async def _watch_catalogue(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            await self._cache.store.notice_changes()
            try:
                if self._catalogues.poll(self._clock.now()):
                    await self.reload()
            except Exception:  # whatever is wrong with this version, the next one must be seen
                logger.exception("the new version isn't wholly in force")

    async def reload(self) -> None:
        """Put the catalogue in force: one assignment for policies, new listeners opened, gone ones drained."""
        catalogue = self._current()
        self._runtime = runtime_of(catalogue, self._secret)
        wanted = {listener.name: listener for listener in catalogue.settings.listeners}
        for name, front in list(self._fronts.items()):
            if wanted.get(name) != front.listener:
                del self._fronts[name]
                await front.stop_accepting()  # the listener that takes its place may want the same port
                self._keeper.start(front.close(_DRAIN_S), name=f"drain {name}")
        self.reload_certificates()
        for name, listener in wanted.items():
            if name not in self._fronts:
                try:
                    await self._listen(listener)
                except OSError as error:
                    logger.error("%s can't listen on %s:%d: %s", name, listener.host, listener.port, error)
        if self._knows_shells:
            self._shell.begin()

    def reload_certificates(self) -> None:
        """New connections get the certificates as they are on disk now; one that can't be read leaves the old one."""
        for name, front in self._fronts.items():
            try:
                front.reload_certificate()
            except OSError as error:  # ssl.SSLError is one
                logger.error("%s keeps its certificate, the new one can't be used: %s", name, error)

    async def close(self, drain_s: float = _DRAIN_S) -> None:
        """Stop accepting, let what runs end, keep the accounts."""
        await asyncio.gather(*(front.close(drain_s) for front in self._fronts.values()))
        await self._runner.stop()
        await self._outage.close()
        await self._media.desk.close()
        await self._pool.close()
        await self._workers.close()
        await self._accountant.flush()
        await self._keeper.close()
        await self._upstream.close()
        await self._store.close()
        await self._cache.close()
        await self._state.close()
        self._log.close()
        if self._metrics_runner is not None:
            await self._metrics_runner.cleanup()

    @property
    def busy(self) -> bool:
        """Whether variants or best codings are being made."""
        stats = self._pool.stats()
        return bool(stats.running or stats.queued or self._texts.making)

    @property
    def ports(self) -> dict[str, int]:
        """Listener -> the port in use."""
        return {name: front.port for name, front in self._fronts.items()}


def load(regions_file: Path, state_dir: Path, clock: Clock) -> Catalogue:
    """Publish the file if it is valid and new, then read what runs.

    A file that was published before is not published again: after a rollback a restart must not undo it. A faulty file
    doesn't stop a process that has an earlier version to run. Raises PolicyFaults, OSError.
    """
    try:
        if not was_published(regions_file, state_dir):
            publish_file(regions_file, state_dir, now=clock.now(), note="at start")
    except PolicyFaults as faults:
        if current_dir(state_dir) is None:
            raise
        logger.error("%s is faulty, the version published before is run:\n%s", regions_file, faults)
    return read_published(state_dir, clock.now())


async def serve(
    regions_file: Path,
    state_dir: Path,
    *,
    clock: Clock | None = None,
    ready: Callable[[Tropa], None] = lambda tropa: None,
) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP publishes the file again and reads certificates anew.

    Raises PolicyFaults, OSError.
    """
    clock = clock or SystemClock()
    tropa = Tropa(state_dir, load(regions_file, state_dir, clock), clock)
    await tropa.start()
    tropa.know_shells()
    settle_memory()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: _publish_again(tropa, regions_file, state_dir, clock))
    ready(tropa)
    await stop.wait()
    await tropa.close()
    return 0


def settle_memory() -> None:
    """Look for garbage more rarely: an exchange makes some hundred small values and no cycles, and what was loaded at
    the start stays. Measured: about a twentieth of the CPU time of a small exchange."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _publish_again(tropa: Tropa, regions_file: Path, state_dir: Path, clock: Clock) -> None:
    tropa.reload_certificates()
    try:
        publish_file(regions_file, state_dir, now=clock.now(), note="by signal")
    except Exception as error:  # whatever is wrong with the file, the process goes on
        logger.error("nothing was published: %s", error)


def run(*, regions_file: Path, state_dir: Path) -> int:
    """`tropa serve`: uvloop where it is installed. Raises PolicyFaults, OSError."""
    set_up(as_json=not sys.stderr.isatty())
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(serve(regions_file, state_dir))
