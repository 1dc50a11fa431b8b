"""What adapts pictures and texts while their learner waits, built for `proxy.app_parts`: its parts and gauges."""

from __future__ import annotations

import os

from policies.frozen import Frozen
from proxy.account.metrics import Metrics
from proxy.app_ground import Ground, Notes
from proxy.cache.variants import VariantStore
from proxy.stages.best_codings import BestCodings
from proxy.stages.text import TextStage
from proxy.transforms.run import TransformPool
from proxy.transforms.workers import ImageWorkers


class Adapting(Frozen, frozen=True, kw_only=True):
    """Pictures and texts made smaller while their learner waits."""

    store: VariantStore
    pool: TransformPool
    workers: ImageWorkers
    texts: TextStage

    async def close(self) -> None:
        await self.pool.close()
        await self.workers.close()

    @property
    def busy(self) -> bool:
        """Whether variants or best codings are being made."""
        stats = self.pool.stats()
        return bool(stats.running or stats.queued or self.texts.making)

    def show_gauges(self, metrics: Metrics) -> None:
        watch, pool, store = metrics.watch, self.pool.stats, self.store.stats
        watch("transforms_running", "Images being adapted", lambda: float(pool().running))
        watch("transforms_queued", "Images waiting for a worker", lambda: float(pool().queued))
        watch(
            "transforms_failed", "Adaptations that failed or timed out", lambda: float(pool().failed + pool().timed_out)
        )
        watch("image_workers_lost", "Image workers that died or hung", lambda: float(self.workers.crashes))
        watch("variants_bytes", "Variant store on disk", lambda: float(store().disk_bytes))
        watch("variants_files", "Variants on disk", lambda: float(store().files))
        watch("variants_failed_writes", "Variants that could not be stored", lambda: float(store().failed_writes))


def build_adapting(ground: Ground, notes: Notes) -> Adapting:
    """The parts, not yet started."""
    limits, clock = ground.catalogue().settings.limits, ground.clock
    store = VariantStore(ground.state_dir / "variants", max_bytes=limits.variant_store_bytes, clock=clock)
    slots = limits.image_workers or os.cpu_count() or 2
    codings = BestCodings(store, notes.sources, ground.keeper, clock)
    return Adapting(
        store=store,
        pool=TransformPool(slots=slots, clock=clock, queue_limit=limits.image_queue),
        workers=ImageWorkers(slots),
        texts=TextStage(store, notes.sources, codings, notes.late.sent),
    )
