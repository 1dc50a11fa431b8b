"""The night's work: fetches what is wished for in order, has films made lighter, and says what became of it.

Laws of this file:
- nothing is asked of an origin but inside the free hours, and everything ends with them, to the second, or where an
  allowance that counts then is spent;
- what was begun goes on where it ended, in this night or the next, in this process or another;
- an assessment is never fetched; a page that counts as seen when it is opened is never opened;
- a failure costs its own wish alone, is tried again and rarer each time, and has its reason in the morning's report.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from policies.model import Catalogue, Territory
from policies.values import MediaKind
from proxy.account.redact import redacted
from proxy.app_addresses import steady_target
from proxy.cache.asked import Asked
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.errors import ExchangeError
from proxy.media.desk import Desk
from proxy.media.hours import OVER, SPENT
from proxy.media.refs import SourceFailed
from proxy.night.addresses import is_to_save
from proxy.night.desk_following import DeskFollowing, by_day, desk_name
from proxy.night.films import NightFilms
from proxy.night.hours import NightHours, place_of
from proxy.night.looking import Looking
from proxy.night.outcomes import Outcomes
from proxy.night.pictures import NightPictures
from proxy.night.service import ServiceFailed, asked_bytes, own_headers, where_of
from proxy.night.sources import GLANCE_BYTES, Look, NightSources
from proxy.night.toll import Fetching, Toll
from proxy.night.versions import Version, film_version, sound_version
from proxy.night.wishes import Wanted, Wishes, kind_of, wish_id
from proxy.runtime import Runtime
from proxy.stages.media_orders import order_of
from proxy.tasks import TaskKeeper
from scheduler.night import Later, NightSpan, Planned, Why, plan
from scheduler.requests import RequestState

logger = logging.getLogger("tropa.night")

_KEPT_S = 7 * 86_400  # what Friday's night brought is read on Monday; each learner still has it confirmed to her


class NightFetcher:
    """`tick` it every few seconds."""

    def __init__(
        self,
        *,
        hours: NightHours,
        wishes: Wishes,
        looking: Looking,
        toll: Toll,
        sources: NightSources,
        cache: OriginCache,
        desk: Desk,
        clock: Clock,
        keeper: TaskKeeper,
        runtime: Callable[[], Runtime],
        films: NightFilms,
        pictures: NightPictures | None = None,
    ) -> None:
        """films: told of what the origin gives and of what was made. pictures: makes smaller ones of what came."""
        self.hours = hours
        self.wishes = wishes
        self.looking = looking
        self._toll = toll
        self._sources = sources
        self._cache = cache
        self._desk = desk
        self._clock = clock
        self._keeper = keeper
        self._runtime = runtime
        self._films = films
        self._pictures = pictures
        self._made = DeskFollowing(desk, wishes, hours, toll, sources, films)
        self._became = Outcomes(wishes, clock)
        self._working: set[str] = set()
        self._busy: set[str] = set()

    @property
    def _catalogue(self) -> Catalogue:
        return self._runtime().catalogue

    # -- the alarm ---------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Begin, at each place whose hours are open, what isn't under way."""
        now = self._clock.now()
        self.hours.look_for_runs(now)
        await self.wishes.expire(now)
        await self._made.follow(now)
        await self._made.tell(now)
        for territory in self.hours.places():
            place, night = place_of(territory), self.hours.night(territory, now)
            if night is None or place in self._working:
                continue
            if not self.looking.must_look(territory, night, now) and self._next(territory) is None:
                continue
            self._working.add(place)
            self._keeper.start(self._work(territory, night), name=f"night-{place}")

    async def _work(self, territory: Territory, night: NightSpan) -> None:
        place = place_of(territory)
        try:
            async with self.hours.until_close(territory):
                if self.looking.must_look(territory, night, self._clock.now()):
                    await self.looking.look_around(territory, night)
                await self._give_up_too_large(territory, night)
                count = territory.night.concurrency
                workers = [self._keeper.start(self._worker(territory), name=f"{place}-{n}") for n in range(count)]
                try:
                    await asyncio.gather(*workers)
                finally:
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
        except SourceFailed:
            pass  # the night is over
        finally:
            self._working.discard(place)
            await self._put_by(place)

    async def _give_up_too_large(self, territory: Territory, night: NightSpan) -> None:
        """What is larger than this box takes in at night is told so in the morning."""
        now = self._clock.now()
        for item in self.plan(territory, night, now):
            if item.later is Later.TOO_LARGE:
                await self.wishes.move(item.wish.key, RequestState.FAILED, now, reason=item.later)

    async def _put_by(self, place: str) -> None:
        """What was cut in the middle waits for the next night."""
        now = self._clock.now()
        for wanted in self.wishes.at(place):
            if wanted.state is RequestState.FETCHING and not wanted.receipt:
                await self.wishes.move(wanted.id, RequestState.WAITING, now, reason="window")
        await self.hours.write_down(now)

    async def _worker(self, territory: Territory) -> None:
        while (item := self._next(territory)) is not None:
            wish = item.wish.key
            self._busy.add(wish)
            try:
                await self._one(territory, wish)
            finally:
                self._busy.discard(wish)

    def plan(self, territory: Territory, night: NightSpan, now: datetime) -> tuple[Planned, ...]:
        """What a night would bring, by what is known now."""
        spent = self.hours.spent(territory, night)
        open_ones = [one.as_wish() for one in self.wishes.at(place_of(territory)) if one.is_open and not one.receipt]
        return plan(
            open_ones,
            night,
            self.hours.limits(territory, now),
            now,
            spent_bytes=spent.bytes,
            spent_often_bytes=spent.often_bytes,
        )

    def _next(self, territory: Territory) -> Planned | None:
        now = self._clock.now()
        night = self.hours.night(territory, now)
        if night is None or self.hours.is_spent(territory, night, now):
            return None
        if not self._toll.has_room(territory, now):
            return None
        found = (item for item in self.plan(territory, night, now) if item.is_due)
        return next((item for item in found if item.wish.key not in self._busy), None)

    # -- what is wished for ------------------------------------------------------------------------------------

    async def ask(self, territory: Territory, url: str, title: str, owner: str, now: datetime) -> Wanted | None:
        """A learner's own wish; None: too many are open, or its address holds a secret of hers."""
        if redacted(url) != url:
            return None
        wanted = Wanted(
            id=wish_id(place_of(territory), url, owner),
            place=place_of(territory),
            url=url,
            title=title,
            what="asked",
            why=Why.QUEUED,
            since=now,
            changed=now,
            owner=owner,
            state=RequestState.QUEUED if self.hours.night(territory, now) is not None else RequestState.WAITING,
        )
        return await self.wishes.add(wanted, max_open=self._catalogue.settings.limits.night_wishes)

    # -- one wish ----------------------------------------------------------------------------------------------

    async def _one(self, territory: Territory, wish: str) -> None:
        """Have it, or know why not. Nothing that happens here ends the night's other work."""
        wanted = await self.wishes.move(wish, RequestState.FETCHING, self._clock.now())
        if wanted is None:
            return
        try:
            await self._had(territory, wanted)
        except SourceFailed as failed:
            await self.wishes.move(wish, RequestState.WAITING, self._clock.now(), reason=failed.why)
            raise
        except ServiceFailed as failed:
            await self.wishes.failed(wish, self._clock.now(), failed.why, retry_s=failed.retry_s)
        except ExchangeError as error:
            await self.wishes.failed(wish, self._clock.now(), error.code)
        except Exception:
            logger.exception("%s: a wish failed", wish)
            await self.wishes.failed(wish, self._clock.now(), "failed")

    async def _had(self, territory: Territory, wanted: Wanted) -> None:
        where = where_of(wanted.url)
        origin = self._sources.origin_of(where.host)
        now = self._clock.now()
        if origin is None:
            await self.wishes.move(wanted.id, RequestState.FAILED, now, reason="no-origin")
            return
        if origin.id in self._catalogue.bypassed_origins:
            await self.wishes.failed(wanted.id, now, "bypassed")
            return
        fetching = Fetching(territory=territory, origin=origin, url=wanted.url, kind=kind_of(wanted))
        if self._toll.decided(fetching, now).exempt:
            await self.wishes.move(wanted.id, RequestState.FAILED, now, reason="assessment")
            return
        version = self._version(fetching, now)
        if version is not None and await self._medium(fetching, wanted, version):
            return
        await self._file(fetching, wanted)

    def _version(self, fetching: Fetching, now: datetime) -> Version | None:
        """The version that a film or a sound is had as; None: it is neither, or it goes as it is."""
        if fetching.kind not in (MediaKind.VIDEO, MediaKind.AUDIO):
            return None
        decisions = by_day(self._toll, self.hours, fetching, now)
        return film_version(decisions) if fetching.kind is MediaKind.VIDEO else sound_version(decisions)

    async def _medium(self, fetching: Fetching, wanted: Wanted, version: Version) -> bool:
        """Hand it to the desk, which fetches within these hours; False: nothing lighter can be made of it."""
        look = await self._look(fetching, wanted)
        if look.ref is None:
            await self._became.not_given(wanted, look.status, retry_s=look.retry_s)
            return True
        await self._films.seen(look.ref, look.content_type, self._clock.now())
        recipe = version(look.content_type)
        too_long = look.media_s is not None and look.media_s > self._catalogue.settings.limits.max_media_s
        if recipe is None or too_long:
            return False
        fetch = self._sources.fetch(wanted.url)
        order = order_of(
            *recipe, look.ref, region=fetching.territory.region, title=wanted.title, media_s=look.media_s, fetch=fetch
        )
        receipt = await self._desk.defer(order, desk_name(wanted.place), None)
        now = self._clock.now()
        if receipt is None:
            await self.wishes.failed(wanted.id, now, "full")
        else:
            size = look.ref.length_bytes or wanted.size_bytes
            await self.wishes.move(wanted.id, RequestState.FETCHING, now, receipt=receipt, size_bytes=size)
        return True

    async def _look(self, fetching: Fetching, wanted: Wanted) -> Look:
        with self._toll.fare(fetching, self.hours.pace(fetching.territory, wanted.why)) as fare:
            if not await fare.may(GLANCE_BYTES):
                raise SourceFailed(SPENT if fare.refused else OVER)
            look = await self._sources.look(wanted.url, self._clock.now())
            fare.told(look.status, look.fetched_bytes, look.asked_bytes)
            return look

    async def _file(self, fetching: Fetching, wanted: Wanted) -> None:
        territory, origin, where = fetching.territory, fetching.origin, where_of(wanted.url)
        target = self._sources.target(origin, where)
        kept = steady_target(where.target)
        asked = Asked(
            origin=origin,
            method="GET",
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            target=target,
            headers=own_headers(where, self._sources.via),
            kept_as=kept if kept != target else None,
            to_save=is_to_save(where.target),
            confirmed_life_s=_KEPT_S,
            link_bps=territory.link.down_bps,
            price=territory.tariff.price_per_mb,
        )
        began_s = self._clock.steady_s()
        with self._toll.fare(fetching, self.hours.pace(territory, wanted.why)) as fare:
            filled = await self._cache.fill(asked, fare.came)
            came_bytes = max(filled.fetched_bytes, fare.from_origin_bytes)
            up_bytes = asked_bytes(where, asked.headers) if filled.status else 0
            fare.told(filled.status, came_bytes + filled.head_bytes, up_bytes)
        if self.hours.rate_bps(territory, self._clock.now()) is None:
            self.hours.measured(territory, filled.fetched_bytes, self._clock.steady_s() - began_s)
        over = SPENT if fare.refused else OVER if self._is_over(territory, self._clock.now()) else ""
        await self._became.filled(wanted, filled, by_account=target != where.target, over=over)
        if filled.stored and filled.complete and fetching.kind is MediaKind.IMAGE:
            self._make_smaller(fetching, asked)

    def _make_smaller(self, fetching: Fetching, asked: Asked) -> None:
        """Beside the fetching: it needs no link."""
        if self._pictures is not None:
            limits = self._catalogue.settings.limits
            decisions = by_day(self._toll, self.hours, fetching, self._clock.now())
            making = self._pictures.make(
                asked,
                fetching.url,
                decisions,
                max_bytes=limits.max_image_bytes,
                max_pixels=limits.max_image_pixels,
            )
            self._keeper.start(making, name="picture")

    def _is_over(self, territory: Territory, now: datetime) -> bool:
        night = self.hours.night(territory, now)
        return night is None or self.hours.is_spent(territory, night, now)
