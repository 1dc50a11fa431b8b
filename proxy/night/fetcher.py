"""The night's work: finds what is wished for, fetches it in order, has films made lighter, and says what became of it.

Laws of this file:
- nothing is asked of an origin but inside the free hours, and everything ends with them, to the second;
- what was begun goes on where it ended, in this night or the next, in this process or another;
- an assessment is never fetched; a page that counts as seen when it is opened is never opened;
- a failure costs its own wish alone, is tried again and rarer each time, and has its reason in the morning's report.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.decision import Decision
from policies.facts import RequestFacts, Usage
from policies.kinds import kind_of_path
from policies.model import Catalogue, Follow, Followed, Origin, Territory
from policies.values import MediaKind
from proxy.account.redact import redacted
from proxy.account.state import Mark, PutMark, State
from proxy.cache.asked import Asked, Filled
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.errors import ExchangeError
from proxy.media.desk import Desk
from proxy.media.hours import OVER
from proxy.media.refs import SourceFailed
from proxy.media.views import DeferredState, DeferredView
from proxy.night.course_parts import Part, current_section, forums_of, fresh_discussions, parts_of, post_parts
from proxy.night.hours import NightHours, Pace, place_of
from proxy.night.service import MoodleAccount, ServiceFailed, own_headers, where_of
from proxy.night.sources import NightSources
from proxy.night.versions import Version, film_version, sound_version
from proxy.night.wishes import Wanted, Wishes, wish_id
from proxy.runtime import Runtime
from proxy.stages.media_orders import order_of
from proxy.tasks import TaskKeeper
from scheduler.night import Later, NightSpan, Planned, Why, plan
from scheduler.requests import RequestState

logger = logging.getLogger("tropa.night")

LOOKED = "night-looked"
_FORUM_SPAN = timedelta(days=14)  # older posts were carried by nights before
_FORUM_PAGES = 25
_WS_BYTES = 16384  # about what one question and its answer weigh
_OFTEN = 200  # addresses that are looked after
_LOOK_AGAIN = timedelta(minutes=10)
_LOOKED_LIFE = timedelta(days=2)
_KEPT_S = 7 * 86_400  # what Friday's night brought is read on Monday; each learner still has it confirmed to her
_CUT = frozenset(("", "stopped", "disk"))  # of what may be had whole another time
_LOGIN = frozenset((301, 302, 303, 307, 401, 403))
_GONE = frozenset((404, 410))
_OF_THE_DESK = {
    DeferredState.QUEUED: RequestState.FETCHING,
    DeferredState.WAITING: RequestState.FETCHING,
    DeferredState.FETCHING: RequestState.FETCHING,
    DeferredState.MAKING: RequestState.MAKING,
    DeferredState.READY: RequestState.READY,
    DeferredState.FAILED: RequestState.FAILED,
    DeferredState.CANCELLED: RequestState.CANCELLED,
    DeferredState.EXPIRED: RequestState.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a place's courses couldn't be looked at. again_at: when it is tried next."""

    why: str
    at: datetime
    again_at: datetime


class NightFetcher:
    """`tick` it every few seconds."""

    def __init__(
        self,
        *,
        hours: NightHours,
        wishes: Wishes,
        sources: NightSources,
        cache: OriginCache,
        desk: Desk,
        state: State,
        clock: Clock,
        keeper: TaskKeeper,
        runtime: Callable[[], Runtime],
    ) -> None:
        self.hours = hours
        self.wishes = wishes
        self._sources = sources
        self._cache = cache
        self._desk = desk
        self._state = state
        self._clock = clock
        self._keeper = keeper
        self._runtime = runtime
        self._working: set[str] = set()
        self._busy: set[str] = set()
        self._looked: dict[str, str] = {}
        self.troubles: dict[str, Trouble] = {}

    @property
    def _catalogue(self) -> Catalogue:
        return self._runtime().catalogue

    # -- the alarm ---------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Begin, at each place whose hours are open, what isn't under way."""
        now = self._clock.now()
        self.hours.look_for_runs(now)
        await self.wishes.expire(now)
        await self._follow_desk(now)
        for territory in self.hours.places():
            place, night = place_of(territory), self.hours.night(territory, now)
            if night is None or place in self._working:
                continue
            if not self._must_look(territory, night, now) and self._next(territory) is None:
                continue
            self._working.add(place)
            self._keeper.start(self._work(territory, night), name=f"night-{place}")

    async def _work(self, territory: Territory, night: NightSpan) -> None:
        place = place_of(territory)
        try:
            async with self.hours.until_close(territory):
                if self._must_look(territory, night, self._clock.now()):
                    await self._look_around(territory, night)
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

    def _must_look(self, territory: Territory, night: NightSpan, now: datetime) -> bool:
        place = place_of(territory)
        trouble = self.troubles.get(place)
        if trouble is not None and now < trouble.again_at:
            return False
        return bool(territory.night.follow or territory.night.often_bytes) and (
            self._looked.get(place) != night.key or trouble is not None
        )

    async def _look_around(self, territory: Territory, night: NightSpan) -> None:
        """What the followed courses hold now becomes wishes, once a night."""
        place, now = place_of(territory), self._clock.now()
        pace = self.hours.pace(territory, Why.FOLLOWED)
        self.troubles.pop(place, None)
        for follow in territory.night.follow:
            if follow.origin in self._catalogue.bypassed_origins:
                continue
            try:
                for part in await self._parts(follow, pace):
                    await self._want(territory, part)
            except ServiceFailed as failed:
                logger.warning("%s: course %d of %s: %s", place, follow.course, follow.origin, failed.why)
                wait = max(timedelta(seconds=failed.retry_s or 0), _LOOK_AGAIN)
                self.troubles[place] = Trouble(why=failed.why, at=now, again_at=self._clock.now() + wait)
        await self._want_often(territory)
        self._looked[place] = night.key
        trouble = self.troubles.get(place)
        facts = {"why": trouble.why if trouble is not None else ""}
        mark = Mark(kind=LOOKED, owner=place, key="last", until=now + _LOOKED_LIFE, facts=facts)
        await self._state.commit([PutMark(mark)])

    async def _parts(self, follow: Follow, pace: Pace) -> tuple[Part, ...]:
        origin = self._catalogue.origins[follow.origin]
        account = self._sources.account(origin)
        if account is None:
            raise ServiceFailed("no-service")
        now = self._clock.now()
        await pace(2 * _WS_BYTES)
        told = await account.call("core_course_get_courses_by_field", now, field="id", value=follow.course)
        courses = told.get("courses") if isinstance(told, dict) else None
        course = courses[0] if isinstance(courses, list) and courses else {}
        contents = await account.call("core_course_get_contents", now, courseid=follow.course)
        parts = parts_of(contents, follow, current_section(course, now), now)
        if Followed.FORUMS in follow.what:
            parts += await self._forum_parts(account, contents, now, pace)
        return parts

    async def _forum_parts(
        self, account: MoodleAccount, contents: object, now: datetime, pace: Pace
    ) -> tuple[Part, ...]:
        found: list[Part] = []
        for forum in forums_of(contents):
            await pace(_WS_BYTES)
            answer = await account.call(
                "mod_forum_get_forum_discussions", now, forumid=forum, page=0, perpage=_FORUM_PAGES
            )
            for discussion in fresh_discussions(answer, now - _FORUM_SPAN)[:_FORUM_PAGES]:
                await pace(_WS_BYTES)
                posts = await account.call("mod_forum_get_discussion_posts", now, discussionid=discussion)
                found += post_parts(posts)
        return tuple(found)

    async def _want(self, territory: Territory, part: Part) -> None:
        place, now = place_of(territory), self._clock.now()
        wish = wish_id(place, part.url, "")
        known = self.wishes.get(wish)
        if known is not None and known.state is RequestState.READY and known.size_bytes == part.size_bytes:
            return  # it is here, and is what it was
        wanted = Wanted(
            id=wish,
            place=place,
            url=part.url,
            title=part.title,
            what=part.what,
            why=Why.FOLLOWED,
            since=now,
            changed=now,
            size_bytes=part.size_bytes,
            urgent_at=part.urgent_at,
            content_type=part.content_type,
        )
        await self.wishes.add(wanted, max_open=self._catalogue.settings.limits.night_wishes)

    async def _want_often(self, territory: Territory) -> None:
        """What several learners have opened lately is asked for anew, so that it is fresh in the morning."""
        place, now = place_of(territory), self._clock.now()
        if not territory.night.often_bytes:
            return
        for stored in await self._cache.inspect(_OFTEN):
            url = stored.row.url
            known = self.wishes.get(wish_id(place, url, ""))
            if not url or redacted(url) != url or (known is not None and known.why is not Why.OFTEN):
                continue
            wanted = Wanted(
                id=wish_id(place, url, ""),
                place=place,
                url=url,
                title=url.partition("?")[0].rpartition("/")[2],
                what="often",
                why=Why.OFTEN,
                since=now,
                changed=now,
                size_bytes=stored.row.length,
            )
            await self.wishes.add(wanted, max_open=self._catalogue.settings.limits.night_wishes)

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
        decision = self._decided(territory, origin, wanted, now)
        if decision.exempt:
            await self.wishes.move(wanted.id, RequestState.FAILED, now, reason="assessment")
            return
        version = self._version(territory, origin, wanted, now)
        if version is not None and await self._medium(territory, wanted, version):
            return
        await self._file(territory, origin, wanted)

    def _decided(self, territory: Territory, origin: Origin, wanted: Wanted, at: datetime) -> Decision:
        where = where_of(wanted.url)
        path, _, query = where.target.partition("?")
        facts = RequestFacts(
            region=territory.region,
            site=territory.site,
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            path=path,
            query=query,
            origin=origin.id,
            kind=kind_of(wanted),
        )
        return self._runtime().decider.decide(facts, Usage(), at)

    def _version(self, territory: Territory, origin: Origin, wanted: Wanted, now: datetime) -> Version | None:
        """The version that a film or a sound is had as; None: it is neither, or it goes as it is."""
        kind = kind_of(wanted)
        if kind not in (MediaKind.VIDEO, MediaKind.AUDIO):
            return None
        night = self.hours.night(territory, now)
        instants = (night.closes, now) if night is not None else (now,)  # it is watched by day
        decisions = [self._decided(territory, origin, wanted, instant) for instant in instants]
        return film_version(decisions) if kind is MediaKind.VIDEO else sound_version(decisions)

    async def _medium(self, territory: Territory, wanted: Wanted, version: Version) -> bool:
        """Hand it to the desk, which fetches within these hours; False: nothing lighter can be made of it."""
        pace = self.hours.pace(territory, wanted.why)
        if not await pace(65536):
            raise SourceFailed(OVER)
        look = await self._sources.look(wanted.url, self._clock.now())
        if look.ref is None:
            await self._not_given(wanted, look.status, retry_s=look.retry_s)
            return True
        recipe = version(look.content_type)
        too_long = look.media_s is not None and look.media_s > self._catalogue.settings.limits.max_media_s
        if recipe is None or too_long:
            return False
        fetch = self._sources.fetch(wanted.url)
        order = order_of(
            *recipe, look.ref, region=territory.region, title=wanted.title, media_s=look.media_s, fetch=fetch
        )
        receipt = await self._desk.defer(order, _desk_name(wanted.place), None)
        now = self._clock.now()
        if receipt is None:
            await self.wishes.failed(wanted.id, now, "full")
        else:
            size = look.ref.length_bytes or wanted.size_bytes
            await self.wishes.move(wanted.id, RequestState.FETCHING, now, receipt=receipt, size_bytes=size)
        return True

    async def _file(self, territory: Territory, origin: Origin, wanted: Wanted) -> None:
        where = where_of(wanted.url)
        target = self._sources.target(origin, where)
        tariff = territory.tariff
        asked = Asked(
            origin=origin,
            method="GET",
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            target=target,
            headers=own_headers(where, self._sources.via),
            kept_as=where.target if target != where.target else None,
            confirmed_life_s=_KEPT_S,
            link_bps=territory.link.down_bps,
            price=tariff.price_per_mb,
        )
        began_s = self._clock.steady_s()
        filled = await self._cache.fill(asked, self.hours.pace(territory, wanted.why))
        if self.hours.rate_bps(territory, self._clock.now()) is None:
            self.hours.measured(territory, filled.fetched_bytes, self._clock.steady_s() - began_s)
        await self._filled(territory, wanted, filled, by_account=target != where.target)

    async def _filled(self, territory: Territory, wanted: Wanted, filled: Filled, *, by_account: bool) -> None:
        now = self._clock.now()
        if filled.stored and filled.complete:
            size = filled.length_bytes if filled.length_bytes is not None else wanted.size_bytes
            await self.wishes.move(wanted.id, RequestState.READY, now, size_bytes=size, held_bytes=size or 0)
        elif filled.status not in (200, 206, 304):
            await self._not_given(wanted, filled.status, by_account=by_account, retry_s=filled.retry_s)
        elif not filled.complete and self._is_over(territory, now):
            held = wanted.held_bytes + filled.fetched_bytes
            size = filled.length_bytes or wanted.size_bytes
            await self.wishes.move(
                wanted.id, RequestState.WAITING, now, reason="window", held_bytes=held, size_bytes=size
            )
        elif not filled.complete and filled.why in _CUT:
            held = wanted.held_bytes + filled.fetched_bytes
            failed = await self.wishes.failed(wanted.id, now, filled.why or "cut")
            if failed is not None and failed.is_open:
                await self.wishes.move(
                    wanted.id,
                    RequestState.WAITING,
                    now,
                    reason=failed.reason,
                    held_bytes=held,
                    size_bytes=filled.length_bytes or wanted.size_bytes,
                )
        else:  # the origin lets nobody keep it but her own browser
            await self.wishes.move(
                wanted.id, RequestState.FAILED, now, reason="needs-visit" if wanted.owner else "private"
            )

    def _is_over(self, territory: Territory, now: datetime) -> bool:
        night = self.hours.night(territory, now)
        return night is None or self.hours.is_spent(territory, night, now)

    async def _not_given(
        self, wanted: Wanted, status: int, *, by_account: bool = False, retry_s: float | None = None
    ) -> None:
        now = self._clock.now()
        if status in _LOGIN:
            reason = "not-allowed" if by_account else "needs-visit"
            await self.wishes.move(wanted.id, RequestState.FAILED, now, reason=reason)
        elif status in _GONE:
            await self.wishes.move(wanted.id, RequestState.FAILED, now, reason=f"origin-{status}")
        else:
            await self.wishes.failed(wanted.id, now, f"origin-{status}", retry_s=retry_s)

    # -- what the desk makes -----------------------------------------------------------------------------------

    async def _follow_desk(self, now: datetime) -> None:
        """How far the films are that the desk fetches and makes."""
        for territory in self.hours.places():
            place = place_of(territory)
            views = {view.id: view for view in self._desk.deferred(_desk_name(place))}
            for wanted in self.wishes.at(place):
                if wanted.receipt and wanted.is_open:
                    await self._follow(wanted, views.get(wanted.receipt), now)

    async def _follow(self, wanted: Wanted, view: DeferredView | None, now: datetime) -> None:
        if view is None:
            await self.wishes.move(wanted.id, RequestState.WAITING, now, receipt="")
            return
        state = _OF_THE_DESK[view.state]
        if view.why == "window" and view.state is DeferredState.WAITING:
            state = RequestState.WAITING
        if (state, view.why) != (wanted.state, wanted.reason):
            await self.wishes.move(wanted.id, state, now, reason=view.why)


def kind_of(wanted: Wanted) -> MediaKind | None:
    if "/playback/presentation/" in wanted.url:
        return MediaKind.VIDEO
    if wanted.content_type:
        family = wanted.content_type.partition("/")[0]
        return {"video": MediaKind.VIDEO, "audio": MediaKind.AUDIO, "image": MediaKind.IMAGE}.get(family)
    return kind_of_path(wanted.url.partition("?")[0])


def _desk_name(place: str) -> str:
    """Under what the media desk files a place's own wishes; no learner's id looks like it."""
    return f"night {place}"
