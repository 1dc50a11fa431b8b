"""Runs one process: the parts that `app_parts` builds, its listeners, its catalogue, from start to end.

Laws: a catalogue comes into force by one assignment, so a reload drops nobody; a faulty edit and a certificate that
can't be read leave the old one running; at the end what runs is let end, and the accounts are kept.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from policies.faults import PolicyFaults
from policies.model import Catalogue
from proxy.account.metrics import metrics_app
from proxy.account.operator_log import set_up
from proxy.account.secret import installation_secret
from proxy.app_ground import build_ground
from proxy.app_parts import build_parts
from proxy.catalogues import Catalogues, publish_file, read_published, was_published
from proxy.clock import Clock, SystemClock
from proxy.listening import Listening
from proxy.operate.history import current_dir
from proxy.runtime import Runtime, runtime_of
from proxy.tasks import TaskKeeper
from scheduler.runner import Runner

logger = logging.getLogger("tropa")

_DRAIN_S = 60.0
_POLL_S = 1.0
_TURN_S = 0.0005


class Tropa:
    """One process: `start`, then it serves until `close`."""

    def __init__(self, state_dir: Path, catalogue: Catalogue, clock: Clock) -> None:
        self._clock = clock
        self._keeper = TaskKeeper("tropa")
        self._catalogues = Catalogues(state_dir, catalogue, clock.now())
        self._secret = installation_secret(state_dir)
        self._runtime = runtime_of(catalogue, self._secret)
        pseudonym = f"{catalogue.settings.name}-{secrets.token_hex(3)}"
        self.parts = build_parts(
            build_ground(
                state_dir,
                clock=clock,
                keeper=self._keeper,
                secret=self._secret,
                catalogue=self._current,
                runtime=self._running,
                own_ports=lambda: self._listening.own_ports(),
                via=f"1.1 {pseudonym}",
            )
        )
        self._listening = Listening(
            self.parts.pipeline.handle,
            self.parts.tunnels,
            self._current,
            clock,
            self._keeper,
            pseudonym=pseudonym,
            drain_s=_DRAIN_S,
            at_once=self.parts.pipeline,
        )
        self._runner = Runner(self.parts.jobs(), failed=self._job_failed)
        self._metrics_runner: web.AppRunner | None = None
        self._knows_shells = False
        self._listening.show_gauges(self.parts.ground.accountant.metrics)
        self.parts.show_gauges()

    def _current(self) -> Catalogue:
        return self._catalogues.current

    def _running(self) -> Runtime:
        return self._runtime

    @staticmethod
    def _job_failed(name: str, error: BaseException) -> None:
        logger.error("%s failed: %r", name, error)

    async def start(self) -> None:
        """Open what is stored and listen. Raises OSError naming what can't be had."""
        await self.parts.start()
        await self._listening.open()
        listen = self._current().settings.metrics_listen
        if listen is not None:
            self._metrics_runner = await metrics_app(self.parts.ground.accountant.metrics, listen)
        await self._runner.start()
        self._keeper.start(self._watch_catalogue(), name="catalogue")

    def know_shells(self) -> None:
        """Have what every page of the origins asks for before a learner does, now and after each change of policy."""
        self._knows_shells = True
        self.parts.shell.begin()

    async def _watch_catalogue(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            await self.parts.halves.cache.store.notice_changes()
            try:
                if self._catalogues.poll(self._clock.now()):
                    await self.reload()
            except Exception:  # whatever is wrong with this version, the next one must be seen
                logger.exception("the new version isn't wholly in force")

    async def reload(self) -> None:
        """Put the catalogue in force: one assignment for policies, then the listeners that it names."""
        self._runtime = runtime_of(self._current(), self._secret)
        await self._listening.follow()
        if self._knows_shells:
            self.parts.shell.begin()

    def reload_certificates(self) -> None:
        """New connections get the certificates as they are on disk now; one that can't be read leaves the old one."""
        self._listening.reload_certificates()

    async def close(self, drain_s: float = _DRAIN_S) -> None:
        """Stop accepting, let what runs end, keep the accounts."""
        await self._listening.close(drain_s)
        await self._runner.stop()
        await self.parts.close()
        if self._metrics_runner is not None:
            await self._metrics_runner.cleanup()

    @property
    def busy(self) -> bool:
        """Whether variants or best codings are being made."""
        return self.parts.halves.adapting.busy

    @property
    def ports(self) -> dict[str, int]:
        """Listener -> the port in use."""
        return self._listening.ports


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
    share_time()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: _publish_again(tropa, regions_file, state_dir, clock))
    ready(tropa)
    await stop.wait()
    await tropa.close()
    return 0


def share_time() -> None:
    """Let the event loop and the threads that write files and logs take turns ten times as often as Python does.

    Whoever comes back from a system call while another runs waits for its turn up to this long, at each call.
    """
    sys.setswitchinterval(_TURN_S)


def settle_memory() -> None:
    """Look for garbage more rarely: an exchange makes some hundred small values and no cycles, and what was loaded at
    the start stays. Measured: about a twentieth of the CPU time of a small exchange."""
    gc.enable()
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
