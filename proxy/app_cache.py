"""The store of origins' answers, built for `proxy.app_halves`: parts, jobs, gauges, what it holds of a learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from policies.model import Catalogue
from proxy.account.metrics import Metrics
from proxy.account.personal import Holder, Holding
from proxy.cache.object_store import ObjectStore
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.tasks import TaskKeeper
from proxy.upstream.upstream import Upstream
from scheduler.jobs import Job


class Cache:
    """`origin` is what exchanges ask; the rest is its life."""

    def __init__(
        self,
        state_dir: Path,
        *,
        upstream: Upstream,
        clock: Clock,
        keeper: TaskKeeper,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        max_bytes = catalogue().settings.limits.cache_bytes
        self.store = ObjectStore(state_dir / "cache", max_bytes=max_bytes, clock=clock)
        self.origin = OriginCache(upstream, self.store, clock, keeper, catalogue)
        self._keeper = keeper

    async def open(self, *, clear: bool = True) -> None:
        """clear: no other process serves from this folder. Raises OSError where it can't be written."""
        await self.store.open(clear=clear)
        self._keeper.start(self.store.learn_keys(), name="stored keys")

    async def close(self) -> None:
        await self.store.close()

    def jobs(self) -> tuple[Job, ...]:
        return (Job(name="sweep responses", every=timedelta(minutes=5), run=self._sweep),)

    async def _sweep(self) -> None:
        await self.store.sweep()

    def holder(self) -> Holder:
        """A learner's own pages, and what was confirmed to her."""

        async def export(learner: str) -> Mapping[str, Any]:
            pages, nbytes = await self.store.held_of(learner)
            return {"own_pages": pages, "bytes": nbytes} if pages else {}

        return Holding("own_pages", export, self.origin.forget)

    def show_gauges(self, metrics: Metrics) -> None:
        watch, origin, stats = metrics.watch, self.origin, self.store.stats
        watch("cache_hits", "Requests served from the store without asking the origin", lambda: float(origin.hits))
        watch("cache_confirmed", "Requests served after the origin confirmed it", lambda: float(origin.confirmed))
        watch("cache_misses", "Requests that the store could have answered and didn't", lambda: float(origin.misses))
        watch("cache_joined", "Requests that waited for another's fetch", lambda: float(origin.joined))
        watch("cache_objects", "Stored answers", lambda: float(stats().objects))
        watch("cache_bytes", "Stored answers on disk", lambda: float(stats().disk_bytes))
        watch("cache_evicted", "Answers that made room for others", lambda: float(stats().evicted))
        watch("cache_failed_writes", "Answers that could not be stored", lambda: float(stats().failed_writes))
        watch("cache_damaged", "Stored answers that could not be read", lambda: float(stats().damaged))
