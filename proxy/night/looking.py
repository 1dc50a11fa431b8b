"""Looking around: what the followed courses hold, and what is opened often here, becomes wishes, once a night.

Laws of this file:
- a course is looked at by the institute's account alone; nothing is opened, so nothing counts as seen;
- each question is paid by the place; one that an allowance has no room for isn't asked;
- what couldn't be looked at is a trouble with its reason, and is looked at again some minutes later.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from policies.frozen import Frozen
from policies.model import Catalogue, Follow, Followed, Origin, Territory
from proxy.account.redact import redacted
from proxy.account.state import Mark, PutMark, State
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.media.hours import SPENT
from proxy.night.addresses import Settings, settings_of
from proxy.night.course_parts import (
    MAX_PARTS,
    Part,
    current_section,
    forums_of,
    fresh_discussions,
    kinds_of,
    parts_of,
    post_parts,
    tells_conditions,
    webinars_of,
)
from proxy.night.functions import CONDITIONS, SHOWN_BY, SITE_INFO, missing
from proxy.night.hours import NightHours, Pace, place_of
from proxy.night.room_recordings import recorded_parts
from proxy.night.service import JSON, MoodleAccount, ServiceFailed
from proxy.night.sources import NightSources
from proxy.night.texts.reading import MAX_THREADS, Course, discussions_of, read_course
from proxy.night.texts.spoken import in_language
from proxy.night.texts.store import TextStore
from proxy.night.toll import Fare, Fetching, Toll
from proxy.night.wishes import Wanted, Wishes, wish_id
from scheduler.night import NightSpan, Why
from scheduler.requests import RequestState

logger = logging.getLogger("tropa.night")

LOOKED = "night-looked"
_MAY_NOT = frozenset(("accessexception", "servicenotavailable"))
_FORUM_SPAN = timedelta(days=14)  # older posts were carried by nights before
_WS_BYTES = 16384  # about what one question and its answer weigh
_OFTEN = 200  # addresses that are looked after
_LOOK_AGAIN = timedelta(minutes=10)
_LOOKED_LIFE = timedelta(days=2)


class Trouble(Frozen, frozen=True, kw_only=True):
    """Why a place's courses couldn't be looked at. again_at: when it is tried next."""

    why: str
    at: datetime
    again_at: datetime


class _Questions:
    """Asks one account's web services, each question once, at the place's pace and expense.

    refused  functions that it may not call
    """

    def __init__(self, territory: Territory, origin: Origin, account: MoodleAccount, toll: Toll, pace: Pace) -> None:
        self._fetching = Fetching(territory=territory, origin=origin, url=account.url, method="POST")
        self.site = account.site
        self._account = account
        self._toll = toll
        self._pace = pace
        self._answers: dict[tuple[str, str], JSON] = {}
        self.refused: set[str] = set()

    async def ask(self, function: str, now: datetime, **values: str | int) -> JSON:
        """One answer. Raises ServiceFailed, with SPENT where an allowance has no room for it."""
        key = (function, repr(sorted(values.items())))
        if key not in self._answers:
            try:
                async with self._paid() as fare:
                    self._answers[key] = await self._account.call(function, now, fare.told, **values)
            except ServiceFailed as failed:
                if failed.why in _MAY_NOT and function != SITE_INFO:
                    self.refused.add(function)
                raise
        return self._answers[key]

    async def page(self, url: str, now: datetime) -> str:
        """A stored text. Raises as `ask` does."""
        async with self._paid() as fare:
            return await self._account.text(url, now, fare.told)

    @asynccontextmanager
    async def _paid(self) -> AsyncIterator[Fare]:
        with self._toll.fare(self._fetching, self._pace) as fare:
            await fare.may(_WS_BYTES)
            if fare.refused:
                raise ServiceFailed(SPENT)
            yield fare


async def _lacking(questions: _Questions, follow: Follow, now: datetime) -> tuple[str, ...]:
    """What the account may not call of what this follow needs; empty where it doesn't say."""
    try:
        return missing(await questions.ask(SITE_INFO, now), follow.what)
    except ServiceFailed as failed:
        if failed.why == SPENT:
            raise
        return ()  # what it may do shows when it is asked


async def _unless_refused(questions: _Questions, function: str, now: datetime, **values: int) -> JSON:
    """None where the site won't tell this thing. Raises ServiceFailed where it tells nothing, or nothing is left."""
    try:
        return await questions.ask(function, now, **values)
    except ServiceFailed as failed:
        if failed.why in (SPENT, "invalidtoken") or failed.why.startswith("service-"):
            raise
        logger.info("%s %s: %s", function, values, failed.why)
        return None


def _is_same(known: Wanted, part: Part) -> bool:
    """Whether it is here, and is what it was: a file may change and keep its size. In doubt the origin is asked."""
    return known.state is RequestState.READY and known.size_bytes == part.size_bytes and known.modified == part.modified


class Looking:
    """What there is to be wished for at the places, and why it couldn't be seen (`troubles`, by place)."""

    def __init__(
        self,
        *,
        hours: NightHours,
        wishes: Wishes,
        sources: NightSources,
        cache: OriginCache,
        state: State,
        clock: Clock,
        toll: Toll,
        texts: TextStore,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._hours = hours
        self._texts = texts
        self._wishes = wishes
        self._sources = sources
        self._cache = cache
        self._state = state
        self._clock = clock
        self._toll = toll
        self._current = catalogue
        self._looked: dict[str, str] = {}
        self.troubles: dict[str, Trouble] = {}

    @property
    def _catalogue(self) -> Catalogue:
        return self._current()

    def must_look(self, territory: Territory, night: NightSpan, now: datetime) -> bool:
        """Whether this night's look is still to come, or a failed one is due again."""
        place = place_of(territory)
        trouble = self.troubles.get(place)
        if trouble is not None and now < trouble.again_at:
            return False
        return bool(territory.night.follow or territory.night.often_bytes) and (
            self._looked.get(place) != night.key or trouble is not None
        )

    async def look_around(self, territory: Territory, night: NightSpan) -> None:
        """What the followed courses hold now becomes wishes, once a night."""
        place, now = place_of(territory), self._clock.now()
        pace = self._hours.pace(territory, Why.FOLLOWED)
        lacks: set[str] = set()
        self.troubles.pop(place, None)
        for follow in territory.night.follow:
            if follow.origin in self._catalogue.bypassed_origins:
                continue
            try:
                questions = self._questions(territory, follow, pace)
                lacks |= set(await _lacking(questions, follow, now))
                for part in await self._parts(questions, territory, follow):
                    await self._want(territory, part)
                lacks |= questions.refused
            except ServiceFailed as failed:
                logger.warning("%s: course %d of %s: %s", place, follow.course, follow.origin, failed.why)
                wait = max(timedelta(seconds=failed.retry_s or 0), _LOOK_AGAIN)
                self.troubles[place] = Trouble(why=failed.why, at=now, again_at=self._clock.now() + wait)
        await self._want_often(territory)
        self._looked[place] = night.key
        trouble = self.troubles.get(place)
        facts = {"why": trouble.why if trouble is not None else "", "lacks": sorted(lacks)}
        mark = Mark(kind=LOOKED, owner=place, key="last", until=now + _LOOKED_LIFE, facts=facts)
        await self._state.commit([PutMark(mark)])

    def _questions(self, territory: Territory, follow: Follow, pace: Pace) -> _Questions:
        origin = self._catalogue.origins[follow.origin]
        account = self._sources.account(origin)
        if account is None:
            raise ServiceFailed("no-service")
        return _Questions(territory, origin, account, self._toll, pace)

    async def _parts(self, questions: _Questions, territory: Territory, follow: Follow) -> tuple[Part, ...]:
        """What is to be fetched of a course; its texts are here then."""
        now = self._clock.now()
        told = await questions.ask("core_course_get_courses_by_field", now, field="id", value=follow.course)
        courses = told.get("courses") if isinstance(told, dict) else None
        course = courses[0] if isinstance(courses, list) and courses else {}
        contents = await questions.ask("core_course_get_contents", now, courseid=follow.course)
        current = current_section(course, now)
        settings = await self._settings_of(questions, follow, contents, now)
        parts = parts_of(contents, follow, current, now, settings)
        if Followed.FORUMS in follow.what:
            parts += await self._forum_parts(questions, contents, now)
        if Followed.RECORDINGS in follow.what:
            parts += await self._recorded_parts(questions, contents, now)
        if not tells_conditions(contents):
            questions.refused.add(CONDITIONS)
        parts += await self._texts_of(questions, territory, follow, course, contents, settings)
        return tuple({part.url: part for part in reversed(parts)}.values())[::-1][:MAX_PARTS]

    @staticmethod
    async def _settings_of(questions: _Questions, follow: Follow, contents: JSON, now: datetime) -> Settings:
        """How the course's files and folders are set to be shown, where it has any."""
        asked = {"courseids[0]": follow.course}
        kinds = kinds_of(contents)
        told = [
            await _unless_refused(questions, function, now, **asked) if kind in kinds else None
            for kind, function in SHOWN_BY.items()
        ]
        return settings_of(*told)

    async def _texts_of(
        self,
        questions: _Questions,
        territory: Territory,
        follow: Follow,
        course: JSON,
        contents: JSON,
        settings: Settings,
    ) -> tuple[Part, ...]:
        """Keep what the course says in words; what its texts show comes back to be fetched."""
        now, origin = self._clock.now(), self._catalogue.origins[follow.origin]
        told = Course(
            title=str(course.get("fullname") or "") if isinstance(course, dict) else "",
            contents=contents,
            settings=settings,
            current=current_section(course, now),
            site=questions.site,
            zone=territory.zone,
        )
        read = await read_course(
            questions, follow, told, now, max_bytes=self._catalogue.settings.limits.night_texts_bytes
        )
        if read.left_out_bytes:
            logger.warning(
                "course %d of %s: %d bytes of its texts found no room", follow.course, origin.id, read.left_out_bytes
            )
        await self._texts.replace(origin.id, follow.course, read.sheet, now)
        return tuple(part for part in read.parts if part.what in follow.what)

    @staticmethod
    async def _recorded_parts(questions: _Questions, contents: object, now: datetime) -> tuple[Part, ...]:
        """What webinar rooms have recorded; a site without that service has no such rooms."""
        found: list[Part] = []
        for room, title in webinars_of(contents):
            try:
                answer = await questions.ask("mod_bigbluebuttonbn_get_recordings", now, bigbluebuttonbnid=room)
            except ServiceFailed as failed:
                if failed.why == SPENT:
                    raise
                continue
            found += recorded_parts(answer, title)
        return tuple(found)

    @staticmethod
    async def _forum_parts(questions: _Questions, contents: object, now: datetime) -> tuple[Part, ...]:
        """A forum or a discussion that the account may not read costs itself alone."""
        found: list[Part] = []
        for forum in forums_of(contents):
            answer = await _unless_refused(questions, "mod_forum_get_forum_discussions", now, **discussions_of(forum))
            for discussion in fresh_discussions(answer, now - _FORUM_SPAN)[:MAX_THREADS]:
                asked = {"discussionid": discussion}
                posts = await _unless_refused(questions, "mod_forum_get_discussion_posts", now, **asked)
                found += post_parts(posts)
        return tuple(found)

    async def _want(self, territory: Territory, part: Part) -> None:
        place, now = place_of(territory), self._clock.now()
        wish = wish_id(place, part.url, "")
        known = self._wishes.get(wish)
        if known is not None and _is_same(known, part):
            return
        wanted = Wanted(
            id=wish,
            place=place,
            url=part.url,
            title=in_language(part.title, territory.language),
            what=part.what,
            why=Why.FOLLOWED,
            since=now,
            changed=now,
            size_bytes=part.size_bytes,
            modified=part.modified,
            urgent_at=part.urgent_at,
            content_type=part.content_type,
        )
        await self._wishes.add(wanted, max_open=self._catalogue.settings.limits.night_wishes)

    async def _want_often(self, territory: Territory) -> None:
        """What several learners have opened lately is asked for anew, so that it is fresh in the morning."""
        place, now = place_of(territory), self._clock.now()
        if not territory.night.often_bytes:
            return
        for stored in await self._cache.inspect(_OFTEN):
            url = stored.row.url
            known = self._wishes.get(wish_id(place, url, ""))
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
            await self._wishes.add(wanted, max_open=self._catalogue.settings.limits.night_wishes)
