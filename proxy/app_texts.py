"""The texts of followed courses in what `proxy.app` builds: their store, who may read them, their pages.

Law: as in `proxy.app`, only here is known how these parts hang together.
"""

from __future__ import annotations

from datetime import timedelta

from policies.frozen import Frozen
from proxy.app_ground import Ground
from proxy.clock import Clock
from proxy.night.texts.proof import CourseProofs
from proxy.night.texts.store import TextStore
from proxy.opened import OpenedPages
from proxy.own.dressing import Dresser
from proxy.own.texts import TextRoutes
from scheduler.jobs import Job

_SWEEP = timedelta(hours=6)


class Texts(Frozen, frozen=True, kw_only=True):
    """Everything about them that lives as long as the process."""

    store: TextStore
    proofs: CourseProofs
    clock: Clock

    def routes(self, dresser: Dresser) -> TextRoutes:
        return TextRoutes(self.store, self.proofs, dresser)

    def jobs(self) -> tuple[Job, ...]:
        async def sweep() -> None:
            await self.store.sweep(self.clock.now())

        return (Job(name="sweep texts", every=_SWEEP, run=sweep),)


def build_texts(ground: Ground, opened: OpenedPages) -> Texts:
    """The parts, not yet opened."""
    store = TextStore(ground.state_dir / "texts.sqlite")
    return Texts(store=store, proofs=CourseProofs(opened, store), clock=ground.clock)
