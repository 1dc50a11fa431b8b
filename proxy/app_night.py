"""The night half of what `proxy.app_parts` builds: hours, wishes, the fetcher, letters, and what learners see of them.

Law: as in `proxy.app_parts`, only here is known how these parts hang together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from policies.frozen import Frozen
from policies.model import Catalogue
from proxy.account.personal import Holder, Holding
from proxy.app_ground import Ground
from proxy.cache.origin_cache import OriginCache
from proxy.media.desk import Desk
from proxy.night.desk_hours import DeskHours
from proxy.night.fetcher import NightFetcher
from proxy.night.films import NightFilms
from proxy.night.hours import NightHours
from proxy.night.letters import Letters
from proxy.night.looking import Looking
from proxy.night.openings import Openings
from proxy.night.pictures import NightPictures
from proxy.night.sources import NightSources
from proxy.night.texts.store import TextStore
from proxy.night.toll import Toll
from proxy.night.used import NightUse
from proxy.night.wishes import Wishes
from proxy.operate.night_run import active_run
from proxy.own.nightly import NightRequests
from scheduler.jobs import Job

_TICK = timedelta(seconds=2)
_LOOK = timedelta(seconds=15)
_POST = timedelta(seconds=20)


class NightTime(Frozen, frozen=True, kw_only=True):
    """What the media desk needs of it, before there is anything to fetch into."""

    hours: NightHours
    sources: NightSources
    toll: Toll
    desk_hours: DeskHours
    openings: Openings


class NightWork(Frozen, frozen=True, kw_only=True):
    """Everything about the free hours that lives as long as the process."""

    hours: NightHours
    wishes: Wishes
    fetcher: NightFetcher
    letters: Letters
    use: NightUse
    requests: NightRequests

    async def start(self, now: datetime) -> None:
        """What the last process left."""
        await self.hours.start(now)
        await self.wishes.start(now)
        await self.letters.start(now)

    def jobs(self) -> tuple[Job, ...]:
        """What is done now and then; none of it changes a decision."""
        return (
            Job(name="night", every=_TICK, run=self.fetcher.tick, first=_TICK),
            Job(name="night use", every=_LOOK, run=self.use.tick, first=_TICK),
            Job(name="letters", every=_POST, run=self.letters.tick, first=_POST),
        )

    def holders(self) -> tuple[Holder, ...]:
        """What of it is one learner's."""

        async def export(learner: str) -> Mapping[str, Any]:
            return self.wishes.told(learner)

        async def erase(learner: str) -> int:
            self.requests.forget(learner)
            return await self.wishes.forget(learner) + await self.letters.forget(learner)

        return (Holding("wishes_for_the_free_hours", export, erase),)


def build_time(ground: Ground) -> NightTime:
    """Open or shut, and how sources are had without a learner."""
    clock, runtime = ground.clock, ground.runtime

    def catalogue() -> Catalogue:
        return runtime().catalogue

    hours = NightHours(catalogue, ground.state, clock, extra=partial(active_run, ground.state_dir))
    toll = Toll(ground.accountant, clock, runtime)
    openings = Openings(catalogue)
    ground.log.tell(openings.told)
    return NightTime(
        hours=hours,
        sources=NightSources(ground.upstream, catalogue, via=ground.via),
        toll=toll,
        desk_hours=DeskHours(hours, toll, catalogue),
        openings=openings,
    )


def build_night(
    ground: Ground,
    time: NightTime,
    *,
    cache: OriginCache,
    desk: Desk,
    texts: TextStore,
    films: NightFilms,
    pictures: NightPictures,
) -> NightWork:
    """The parts, not yet started."""
    state, clock, runtime, toll = ground.state, ground.clock, ground.runtime, time.toll
    wishes = Wishes(state)
    looking = Looking(
        hours=time.hours,
        wishes=wishes,
        sources=time.sources,
        cache=cache,
        state=state,
        clock=clock,
        toll=toll,
        texts=texts,
        catalogue=lambda: runtime().catalogue,
    )
    fetcher = NightFetcher(
        hours=time.hours,
        wishes=wishes,
        looking=looking,
        toll=toll,
        sources=time.sources,
        cache=cache,
        desk=desk,
        clock=clock,
        keeper=ground.keeper,
        runtime=runtime,
        films=films,
        pictures=pictures,
    )
    letters = Letters(state, wishes, desk, time.hours, clock, lambda: runtime().catalogue)
    requests = NightRequests(fetcher, desk, letters, state)
    return NightWork(
        hours=time.hours,
        wishes=wishes,
        fetcher=fetcher,
        letters=letters,
        use=NightUse(time.openings, wishes, time.hours, state, clock, lambda: runtime().catalogue),
        requests=requests,
    )
