"""Builds what receives uploads in pieces and hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from policies.frozen import Frozen
from proxy.account.metrics import Metrics
from proxy.account.personal import Holder, Holding
from proxy.app_ground import Ground
from proxy.elsewhere import Elsewhere
from proxy.obtain import Obtainer
from proxy.own.uploads import UploadRoutes
from proxy.uploads.desk import UploadDesk
from proxy.uploads.sending import UploadSender
from proxy.uploads.shelf import Shelf
from proxy.uploads.states import State
from scheduler.jobs import Job

_SWEEP = timedelta(minutes=5)


class Uploads(Frozen, frozen=True, kw_only=True):
    """Everything about uploads that lives as long as the process."""

    desk: UploadDesk
    routes: UploadRoutes

    def jobs(self) -> tuple[Job, ...]:
        return (Job(name="sweep uploads", every=_SWEEP, run=self.desk.sweep),)

    def holder(self) -> Holder:
        """What lies here of one learner: no names and no addresses, so sizes and states are all that can be told."""

        async def export(learner: str) -> Mapping[str, Any]:
            hers = self.desk.of(learner)
            told = [{"bytes": entry.length_bytes, "here": entry.offset_bytes, "state": entry.state} for entry in hers]
            return {"open": told} if told else {}

        return Holding("uploads", export, self.desk.forget)

    def show_gauges(self, metrics: Metrics) -> None:
        desk, watch = self.desk, metrics.watch
        watch("uploads_open", "Uploads in pieces, whatever became of them", lambda: float(desk.open_uploads))
        watch("uploads_bytes", "Disk that they hold or were promised", lambda: float(desk.held_bytes))
        watch("uploads_sending", "Forms on their way to origins", lambda: float(desk.counts()[State.SENDING]))
        watch("uploads_in_doubt", "Forms whose answer was lost", lambda: float(desk.counts()[State.IN_DOUBT]))


def build_uploads(ground: Ground, obtainer: Obtainer, elsewhere: Elsewhere) -> Uploads:
    """The parts, not yet started."""
    clock, catalogue = ground.clock, ground.catalogue
    desk = UploadDesk(Shelf(ground.state_dir / "uploads"), clock, lambda: catalogue().settings.limits)
    sender = UploadSender(desk, obtainer, ground.accountant, clock, ground.keeper)
    routes = UploadRoutes(
        desk=desk,
        sender=sender,
        tokens=ground.tokens,
        elsewhere=elsewhere,
        identifier=lambda: ground.runtime().identifier,
    )
    return Uploads(desk=desk, routes=routes)
