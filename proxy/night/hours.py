"""The free hours of the places that this installation fetches for: open or shut, how quickly, how much is left.

Laws of this file: open or shut is computed from the clock at every chunk; what a night has taken is written down as it
goes, so a process that takes over knows it but for the last megabyte; all fetches of a place share one flow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from policies.frozen import Frozen
from policies.model import Catalogue, Territory
from policies.night import idle_because
from proxy.account.state import Mark, MarkQuery, PutMark, State
from proxy.clock import Clock
from proxy.media.hours import OVER
from proxy.media.refs import SourceFailed
from proxy.operate.night_run import NightRun
from scheduler.night import Flow, NightLimits, NightSpan, Stop, Why, grant, next_night, night_at, rate_of

SPENT = "night-spent"
_SPENT_LIFE = timedelta(days=35)
_WRITE_EVERY_BYTES = 1_000_000
_MEASURED_AT_LEAST_BYTES = 262_144
_WEIGHT = 0.3  # of the latest measurement

Pace = Callable[[int], Awaitable[bool]]


class Spent(Frozen, frozen=True, kw_only=True):
    """What a night has taken, of it for what is opened often."""

    bytes: int = 0
    often_bytes: int = 0


async def saved_spent(state: State, now: datetime) -> dict[tuple[str, str], Spent]:
    """(place, night) -> what it has taken, as it is written down."""
    marks = await state.list(MarkQuery(kind=SPENT, now=now))
    return {
        (mark.owner, mark.key): Spent(
            bytes=int(mark.facts.get("bytes", 0)), often_bytes=int(mark.facts.get("often", 0))
        )
        for mark in marks
    }


def place_of(territory: Territory) -> str:
    """As rows and reports name it."""
    return "/".join(part for part in (territory.region, territory.site) if part)


class NightHours:
    """Told to the media desk too (`proxy.night.desk_hours`). pause: sleeps for so many seconds."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        state: State,
        clock: Clock,
        *,
        extra: Callable[[datetime], NightRun | None] = lambda now: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalogue = catalogue
        self._state = state
        self._clock = clock
        self._extra = extra
        self._pause = pause
        self._run: NightRun | None = None
        self._flows: dict[str, Flow] = {}
        self._spent: dict[tuple[str, str], Spent] = {}
        self._unwritten: dict[tuple[str, str], int] = {}
        self._measured_bps: dict[str, float] = {}

    async def start(self, now: datetime) -> None:
        """What the nights so far have taken."""
        self._spent = await saved_spent(self._state, now)

    # -- open or shut ------------------------------------------------------------------------------------------

    def places(self) -> tuple[Territory, ...]:
        """Where fetching by night is of use."""
        catalogue = self._catalogue()
        return tuple(one for one in catalogue.territories.values() if idle_because(one, catalogue.settings) is None)

    def night(self, territory: Territory, now: datetime) -> NightSpan | None:
        """The night that a place is in, or the test that IT staff have begun; None: its hours are closed."""
        run = self._run_at(territory, now)
        if run is not None:
            return NightSpan(opens=run.opens, closes=run.closes)
        return night_at(territory.tariff.free, territory.tariff.zone, now)

    def look_for_runs(self, now: datetime) -> None:
        """Learn of a test that was begun, or ended."""
        self._run = self._extra(now)

    def _run_at(self, territory: Territory, now: datetime) -> NightRun | None:
        run = self._run
        mine = run is not None and run.place == place_of(territory) and run.opens <= now < run.closes
        return run if mine else None

    def limit_bytes(self, territory: Territory, now: datetime) -> int | None:
        """Of the night, or of the test, that is under way."""
        run = self._run_at(territory, now)
        return territory.night.limit_bytes if run is None else run.limit_bytes

    def spent(self, territory: Territory, night: NightSpan) -> Spent:
        return self._spent.get((place_of(territory), night.key), Spent())

    def rate_bps(self, territory: Territory, now: datetime) -> float | None:
        """Bits a second that may be filled."""
        return rate_of(
            territory.tariff.free,
            now,
            link_bps=territory.link.down_bps,
            share=territory.night.rate_share,
            measured_bps=self._measured_bps.get(place_of(territory)),
        )

    def limits(self, territory: Territory, now: datetime) -> NightLimits:
        return NightLimits(
            rate_bps=self.rate_bps(territory, now),
            limit_bytes=self.limit_bytes(territory, now),
            often_bytes=territory.night.often_bytes,
            max_file_bytes=self._catalogue().settings.limits.max_night_file_bytes,
        )

    def is_spent(self, territory: Territory, night: NightSpan, now: datetime) -> bool:
        limit = self.limit_bytes(territory, now)
        return limit is not None and self.spent(territory, night).bytes >= limit

    def opens_at(self, region: str, now: datetime) -> datetime | None:
        """When fetching for a region's learners may begin; None: now, or no hours are kept for it."""
        territory = self.of_region(region)
        if territory is None:
            return None
        night = self.night(territory, now)
        if night is not None and not self.is_spent(territory, night, now):
            return None
        return self.opens_again(territory, now)

    def opens_again(self, territory: Territory, now: datetime) -> datetime | None:
        """When the next night begins; None: none is in sight."""
        night = self.night(territory, now)
        return next_night(territory.tariff.free, now) or (night.closes if night is not None else None)

    # -- taking ------------------------------------------------------------------------------------------------

    def pace(self, territory: Territory, why: Why) -> Pace:
        """For one fetch: waits for the place's turn on the link; False: the night, or its megabytes, are over."""

        async def ask(nbytes: int) -> bool:
            now = self._clock.now()
            night = self.night(territory, now)
            if night is None:
                return False
            spent = self.spent(territory, night)
            if why is Why.OFTEN and spent.often_bytes >= territory.night.often_bytes:
                return False
            flow = self._flow(territory, night, now)
            flow, answer = grant(flow, nbytes, now, self.rate_bps(territory, now))
            if isinstance(answer, Stop):
                return False
            self._flows[place_of(territory)] = flow
            await self._note(territory, night, nbytes, why)
            if answer > 0:
                await self._pause(answer)
            return self._clock.now() < night.closes

        return ask

    @asynccontextmanager
    async def until_close(self, territory: Territory) -> AsyncIterator[None]:
        """What is inside ends with the night, to the second. Raises SourceFailed(OVER) there."""
        now = self._clock.now()
        night = self.night(territory, now)
        if night is None:
            raise SourceFailed(OVER)
        try:
            async with asyncio.timeout((night.closes - now).total_seconds()):
                yield
        except TimeoutError as error:
            if self._clock.now() < night.closes:
                raise
            raise SourceFailed(OVER) from error

    def measured(self, territory: Territory, nbytes: int, took_s: float) -> None:
        """So many bytes came in so many seconds while nothing held them back."""
        if nbytes < _MEASURED_AT_LEAST_BYTES or took_s <= 0:
            return
        place, bps = place_of(territory), nbytes * 8 / took_s
        known = self._measured_bps.get(place, bps)
        self._measured_bps[place] = known + _WEIGHT * (bps - known)

    def of_region(self, region: str) -> Territory | None:
        """The place that fetches for a region: a school's box has one uplink, whoever of the region sits behind it."""
        return next((one for one in self.places() if one.region == region), None)

    def _flow(self, territory: Territory, night: NightSpan, now: datetime) -> Flow:
        known = self._flows.get(place_of(territory))
        limit = self.limit_bytes(territory, now)
        if known is not None and known.night == night:
            return replace(known, limit_bytes=limit)
        return Flow(night=night, limit_bytes=limit, spent_bytes=self.spent(territory, night).bytes)

    async def _note(self, territory: Territory, night: NightSpan, nbytes: int, why: Why) -> None:
        key = (place_of(territory), night.key)
        known = self._spent.get(key, Spent())
        often = nbytes if why is Why.OFTEN else 0
        self._spent[key] = Spent(bytes=known.bytes + nbytes, often_bytes=known.often_bytes + often)
        self._unwritten[key] = self._unwritten.get(key, 0) + nbytes
        if self._unwritten[key] >= _WRITE_EVERY_BYTES or not known.bytes:
            await self.write_down(night.closes)

    async def write_down(self, now: datetime) -> None:
        """Keep what was taken. now: of the marks' life."""
        keys, self._unwritten = list(self._unwritten), {}
        marks = [
            Mark(
                kind=SPENT,
                owner=place,
                key=night,
                until=now + _SPENT_LIFE,
                facts={"bytes": self._spent[place, night].bytes, "often": self._spent[place, night].often_bytes},
            )
            for place, night in keys
        ]
        if marks:
            await self._state.commit([PutMark(mark) for mark in marks])
