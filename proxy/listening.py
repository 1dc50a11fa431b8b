"""The listeners of one process: opened, changed with the catalogue, drained.

Laws: a listener that stays as it is keeps its socket and connections; one that goes lets what runs end; one that can't
be had stops no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from policies.model import Catalogue, Listener
from proxy.account.metrics import Metrics
from proxy.clock import Clock
from proxy.modes.front import AtOnce, Front, Handler
from proxy.tasks import TaskKeeper
from proxy.tunnels import TunnelPolicy
from proxy.upstream.dial import Dial

logger = logging.getLogger("tropa")


class Listening:
    """`fronts`: listener -> its front, as they are now; `handler` answers what they read, `at_once` what it can."""

    def __init__(
        self,
        handler: Handler,
        tunnels: TunnelPolicy,
        catalogue: Callable[[], Catalogue],
        clock: Clock,
        keeper: TaskKeeper,
        *,
        pseudonym: str,
        drain_s: float,
        at_once: AtOnce,
    ) -> None:
        self._handler = handler
        self._at_once = at_once
        self._tunnels = tunnels
        self._catalogue = catalogue
        self._clock = clock
        self._keeper = keeper
        self._pseudonym = pseudonym
        self._drain_s = drain_s
        self.fronts: dict[str, Front] = {}

    @property
    def ports(self) -> dict[str, int]:
        """Listener -> the port in use."""
        return {name: front.port for name, front in self.fronts.items()}

    def own_ports(self) -> frozenset[int]:
        """Where this process itself answers: no target for anybody."""
        ports = set(self.ports.values())
        listen = self._catalogue().settings.metrics_listen
        if listen is not None:
            ports.add(int(listen.rpartition(":")[2]))
        return frozenset(ports)

    async def open(self) -> None:
        """Listen as the catalogue says. Raises OSError naming what can't be had."""
        for listener in self._catalogue().settings.listeners:
            await self._listen(listener)

    async def _listen(self, listener: Listener) -> None:
        front = Front(
            listener,
            handler=self._handler,
            at_once=self._at_once,
            tunnel_gate=self._tunnels,
            catalogue=self._catalogue,
            clock=self._clock,
            keeper=self._keeper,
            pseudonym=self._pseudonym,
            dial=Dial(self._catalogue, self.own_ports),
        )
        await front.start()
        self.fronts[listener.name] = front
        logger.info("%s listens on %s:%d (%s)", listener.name, listener.host, front.port, listener.mode)

    async def follow(self) -> None:
        """As the catalogue says now: new listeners opened, gone ones drained, certificates read anew."""
        wanted = {listener.name: listener for listener in self._catalogue().settings.listeners}
        for name, front in list(self.fronts.items()):
            if wanted.get(name) != front.listener:
                del self.fronts[name]
                await front.stop_accepting()  # the listener that takes its place may want the same port
                self._keeper.start(front.close(self._drain_s), name=f"drain {name}")
        self.reload_certificates()
        for name, listener in wanted.items():
            if name not in self.fronts:
                try:
                    await self._listen(listener)
                except OSError as error:
                    logger.error("%s can't listen on %s:%d: %s", name, listener.host, listener.port, error)

    def reload_certificates(self) -> None:
        """New connections get the certificates as they are on disk now; one that can't be read leaves the old one."""
        for name, front in self.fronts.items():
            try:
                front.reload_certificate()
            except OSError as error:  # ssl.SSLError is one
                logger.error("%s keeps its certificate, the new one can't be used: %s", name, error)

    async def close(self, drain_s: float) -> None:
        """Stop accepting, let what runs end."""
        await asyncio.gather(*(front.close(drain_s) for front in self.fronts.values()))

    def show_gauges(self, metrics: Metrics) -> None:
        fronts = self.fronts
        metrics.watch("exchanges_open", "Exchanges under way", lambda: float(sum(f.exchanges for f in fronts.values())))
        metrics.watch(
            "connections_open", "Client connections", lambda: float(sum(f.connections for f in fronts.values()))
        )
