"""What keeps courses usable while a link is down: the watch, the outbox, and how `proxy.app` starts and ends them.

Law: as in `proxy.app_parts`, only here is known how these parts hang together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.model import Limits, Origin, OutboxForm
from proxy.account.metrics import Metrics
from proxy.account.personal import Holder, Holding
from proxy.app_ground import Ground
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.link_state import Link
from proxy.night.texts.proof import CourseProofs
from proxy.obtain import Obtainer
from proxy.opened import OpenedPages
from proxy.outbox.outbox import Outbox
from proxy.outbox.postage import Postage
from proxy.outbox.side import UpstreamSide
from proxy.outbox.states import OPEN, State
from proxy.outbox.store import DiskStore
from proxy.own.dressing import Dresser
from proxy.own.outbox import OutboxRoutes
from proxy.stages.kept import KeptStage
from proxy.stages.outbox import OutboxStage
from proxy.tasks import TaskKeeper
from proxy.upstream.address import Target, upstream_authority
from proxy.upstream.upstream import Upstream
from proxy.watch import LinkWatch
from scheduler.jobs import Job

_SWEEP = timedelta(hours=1)
_CHEAP = "/robots.txt"  # a file or a 404, without a login, a database or a page's making


class OutageParts(Frozen, frozen=True, kw_only=True):
    """Everything about links that fail; lives as long as the process."""

    watch: LinkWatch
    store: DiskStore
    outbox: Outbox
    stage: OutboxStage
    opened: OpenedPages
    keeper: TaskKeeper
    clock: Clock
    limits: Callable[[], Limits]

    async def start(self) -> None:
        """Open what is stored."""
        self.watch.start()
        await self.store.open()
        await self.outbox.start()
        await self.opened.start()

    async def close(self) -> None:
        """Let go; what is on its way is looked for at the next start."""
        await self.keeper.close()
        await self.store.close()
        await self.opened.close()

    def jobs(self) -> tuple[Job, ...]:
        return (Job(name="sweep outbox", every=_SWEEP, run=self._sweep),)

    async def _sweep(self) -> None:
        await self.outbox.sweep()
        await self.opened.sweep(self.clock.now(), timedelta(days=self.limits().own_pages_days))

    def routes(self, dresser: Dresser) -> OutboxRoutes:
        return OutboxRoutes(self.outbox, self.stage, dresser, self.opened.forget)

    def kept(self, obtainer: Obtainer, cache: OriginCache, dresser: Dresser, proofs: CourseProofs) -> KeptStage:
        """The stage that stands for an origin out of reach."""
        return KeptStage(
            obtainer=obtainer,
            cache=cache,
            watch=self.watch,
            opened=self.opened,
            proofs=proofs,
            dresser=dresser,
            keeper=self.keeper,
        )

    def show_gauges(self, metrics: Metrics) -> None:
        watch, links, outbox = metrics.watch, self.watch, self.outbox

        def ways(link: Link) -> Callable[[], float]:
            return lambda: float(sum(1 for way in links.troubled.values() if way.state.link is link))

        watch("links_down", "Ways to origins that are down", ways(Link.DOWN))
        watch("links_slow", "Ways to origins that are slow", ways(Link.SLOW))
        watch("outbox_waiting", "Messages to be sent", lambda: float(sum(outbox.counts()[state] for state in OPEN)))
        watch("outbox_questions", "Messages asked about", lambda: float(outbox.counts()[State.QUESTION]))
        watch("outbox_failed", "Messages that came back", lambda: float(outbox.counts()[State.FAILED]))

    def opened_holder(self) -> Holder:
        """Which pages she opened; what is kept of them is the cache's to tell."""

        async def export(learner: str) -> Mapping[str, Any]:
            pages = await self.opened.of(learner)
            told = [{"page": page.target, "title": page.title, "opened": page.at.isoformat()} for page in pages]
            return {"pages": told} if told else {}

        return Holding("opened_pages", export, self.opened.forget)

    def holder(self) -> Holder:
        """Her messages."""

        async def export(learner: str) -> Mapping[str, Any]:
            told = [
                {
                    "written": item.since.isoformat(timespec="seconds"),
                    "state": item.state.value,
                    "subject": item.subject,
                    "text": item.text,
                    "files": [field.filename for field in item.form.files],
                }
                for item in self.outbox.of(learner)
            ]
            return {"messages": told} if told else {}

        async def erase(learner: str) -> int:
            self.stage.forget(learner)
            return await self.outbox.forget(learner)

        return Holding("outbox", export, erase)


def build_outage(ground: Ground) -> OutageParts:
    """The parts, not yet started; from now on the upstream is watched."""
    state_dir, upstream, clock, current = ground.state_dir, ground.upstream, ground.clock, ground.catalogue
    keeper = TaskKeeper("outage")
    watch = LinkWatch(
        clock=clock,
        terms=lambda: current().settings.outage,
        keeper=keeper,
        folder=state_dir,
        metrics=ground.accountant.metrics,
    )
    watch.probes_by(_prober(upstream, ground.via))
    upstream.watch = watch
    store = DiskStore(state_dir / "outbox.sqlite")

    def rule(origin_id: str, name: str) -> OutboxForm | None:
        origin = current().origins.get(origin_id)
        forms = (*origin.outbox, *origin.preset.outbox) if origin is not None else ()
        return next((form for form in forms if form.name == name), None)

    postage = Postage(ground.accountant, clock, ground.runtime)
    outbox = Outbox(store, UpstreamSide(upstream, postage.pay), clock, rule, lambda: current().settings.limits)
    stage = OutboxStage(outbox, watch, keeper, clock, via=ground.via)
    return OutageParts(
        watch=watch,
        store=store,
        outbox=outbox,
        stage=stage,
        opened=OpenedPages(state_dir / "opened.sqlite", keeper),
        keeper=keeper,
        clock=clock,
        limits=lambda: current().settings.limits,
    )


def _prober(upstream: Upstream, via: str) -> Callable[[Origin, Target, float], Any]:
    async def probe(origin: Origin, target: Target, deadline_s: float) -> None:
        host = origin.hosts[0] if origin.hosts and not origin.hosts[0].startswith("*.") else target.host
        if origin.rename and origin.upstream is not None:
            host = upstream_authority(origin.upstream)
        headers = CIMultiDict({"Host": host, "User-Agent": "Tropa", "Accept": "*/*", "Via": via})
        response = await upstream.open(
            origin=origin,
            method="HEAD",
            scheme=target.scheme,
            host=target.tls_name or target.host,
            port=target.port,
            target=_CHEAP,
            headers=headers,
            probing=True,
        )
        response.abort()

    return probe
