"""The halves of a process: what each of them stores, does now and then, and shows.

Law: they open and close in the order written here, each after what it stands on.
"""

from __future__ import annotations

from datetime import datetime

from policies.frozen import Frozen
from proxy.account.metrics import Metrics
from proxy.app_adapting import Adapting, build_adapting
from proxy.app_cache import Cache
from proxy.app_ground import Ground, Notes
from proxy.app_media import Media, build_media
from proxy.app_night import NightWork, build_night, build_time
from proxy.app_outage import OutageParts, build_outage
from proxy.app_texts import Texts, build_texts
from proxy.app_uploads import Uploads, build_uploads
from proxy.clock import Clock
from proxy.elsewhere import Elsewhere
from proxy.night.films import NightFilms
from proxy.night.pictures import NightPictures
from proxy.obtain import Obtainer
from proxy.outbox.person import Persons
from scheduler.jobs import Job


class Halves(Frozen, frozen=True, kw_only=True):
    """Live as long as the process."""

    adapting: Adapting
    cache: Cache
    media: Media
    night: NightWork
    outage: OutageParts
    uploads: Uploads
    texts: Texts

    async def start(self, now: datetime) -> None:
        """Open what is stored. Raises OSError naming what can't be had."""
        await self.adapting.store.open()
        await self.cache.open()
        await self.texts.store.open()
        await self.night.start(now)
        await self.media.start(now)
        await self.outage.start()
        await self.uploads.desk.start()

    async def finish(self) -> None:
        """Let what runs end; tasks may still read the stores."""
        await self.outage.close()
        await self.media.close()
        await self.adapting.close()

    async def close(self) -> None:
        """Close the stores: nothing runs any more."""
        await self.adapting.store.close()
        await self.cache.close()
        await self.texts.store.close()

    def jobs(self, clock: Clock) -> tuple[Job, ...]:
        """What is done now and then; none of it changes a decision."""
        return (
            *self.media.jobs(clock),
            *self.outage.jobs(),
            *self.cache.jobs(),
            *self.uploads.jobs(),
            *self.night.jobs(),
            *self.texts.jobs(),
        )

    def show_gauges(self, metrics: Metrics) -> None:
        self.adapting.show_gauges(metrics)
        self.cache.show_gauges(metrics)
        self.media.show_gauges(metrics)
        self.outage.show_gauges(metrics)
        self.uploads.show_gauges(metrics)


def build_halves(ground: Ground, notes: Notes, elsewhere: Elsewhere) -> tuple[Halves, Obtainer]:
    """The halves, not yet started, and the way by which exchanges get answers."""
    outage = build_outage(ground)
    cache = Cache(
        ground.state_dir,
        upstream=ground.upstream,
        clock=ground.clock,
        keeper=ground.keeper,
        catalogue=ground.catalogue,
    )
    obtainer = Obtainer(cache.origin, notes.sticky, via=ground.via)
    outage.stage.knows(Persons(obtainer, cache.origin, outage.opened, ground.keyed))
    time = build_time(ground)
    media, texts = build_media(ground, time), build_texts(ground, outage.opened)
    adapting = build_adapting(ground, notes)
    pictures = NightPictures(cache.origin, adapting.store, notes.sources, adapting.pool, adapting.workers, ground.clock)
    halves = Halves(
        adapting=adapting,
        cache=cache,
        media=media,
        night=build_night(
            ground,
            time,
            cache=cache.origin,
            desk=media.desk,
            texts=texts.store,
            films=NightFilms(media.had, media.book, media.desk, media.viewer.bytes_of),
            pictures=pictures,
        ),
        outage=outage,
        texts=texts,
        uploads=build_uploads(ground, obtainer, elsewhere),
    )
    return halves, obtainer
