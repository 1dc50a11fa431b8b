"""How much of what nights brought was opened since, films and lectures among it: whether the megabytes were well spent.

Laws of this file: nothing is told of who opened it; a thing counts once, however many opened it, and is known by its
site, its path and what of its query names it; learners' own requests don't count, for they are theirs. What a night
brought and what was opened of it is kept as sums of that night for as long as what it took, and written anew only while
all that it brought is still known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from policies.frozen import Frozen
from policies.model import Catalogue
from policies.place import OriginIndex, host_of
from policies.values import MediaKind
from proxy.account.state import Mark, MarkQuery, PutMark, State
from proxy.clock import Clock
from proxy.night.hours import NightHours, place_of
from proxy.night.openings import Here, Openings, Thing, path_of, thing_of
from proxy.night.wishes import KEPT_LIFE, Wanted, Wishes, kind_of
from scheduler.night import night_at
from scheduler.requests import RequestState

USED = "night-used"
_LIFE = timedelta(days=35)
_PLAYED = (MediaKind.VIDEO, MediaKind.AUDIO)


class Use(Frozen, frozen=True, kw_only=True):
    """Things that are here, and those of them that somebody opened after they came. films: recordings and sound too."""

    files: int = 0
    bytes: int = 0
    opened_files: int = 0
    opened_bytes: int = 0
    films: int = 0
    opened_films: int = 0


def use_of(wishes: Iterable[Wanted]) -> Use:
    """Of those that are here and a place's own."""
    here = [one for one in wishes if _counts(one)]
    opened = [one for one in here if one.opened is not None]
    return Use(
        files=len(here),
        bytes=sum(one.size_bytes or 0 for one in here),
        opened_files=len(opened),
        opened_bytes=sum(one.size_bytes or 0 for one in opened),
        films=sum(kind_of(one) in _PLAYED for one in here),
        opened_films=sum(kind_of(one) in _PLAYED for one in opened),
    )


def _counts(wanted: Wanted) -> bool:
    return wanted.state is RequestState.READY and bool(wanted.url) and not wanted.owner


async def saved_use(state: State, now: datetime) -> Mapping[tuple[str, str], Use]:
    """(place, night) -> what that night brought and what was opened of it."""
    marks = await state.list(MarkQuery(kind=USED, now=now))
    return {(mark.owner, mark.key): Use(**{name: int(value) for name, value in mark.facts.items()}) for mark in marks}


class NightUse:
    """`tick` it now and then."""

    def __init__(
        self,
        openings: Openings,
        wishes: Wishes,
        hours: NightHours,
        state: State,
        clock: Clock,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._openings = openings
        self._catalogue = catalogue
        self._wishes = wishes
        self._hours = hours
        self._state = state
        self._clock = clock
        self._nights: dict[tuple[str, datetime], str] = {}  # (wish, when it came) -> the night that brought it
        self._written: dict[tuple[str, str], Use] = {}
        self._named: dict[str, Thing] = {}  # an address of what is here -> what it names, under the catalogue below
        self._named_by: Catalogue | None = None
        self._seen: frozenset[tuple[str, datetime, datetime | None]] = frozenset()

    async def tick(self) -> None:
        """Note what was opened, look for what came, sum it up night by night."""
        opened = self._openings.taken()
        here = self._here()
        names = self._names(here)
        if opened:
            for wanted in here:
                at = opened.get(names[wanted.url])
                if at is not None and at >= wanted.changed:
                    await self._wishes.opened(wanted.id, at)
            here = self._here()
            names = self._names(here)
        seen = frozenset((one.id, one.changed, one.opened) for one in here)
        if seen == self._seen:
            return
        self._seen = seen
        awaited = [one for one in here if one.opened is None]
        self._openings.here = Here(
            came={names[one.url]: one.changed for one in awaited},
            paths=frozenset(path_of(one.url) for one in awaited),
        )
        await self._write(here, self._clock.now())

    def _here(self) -> tuple[Wanted, ...]:
        return tuple(one for one in self._wishes.of("") if _counts(one))

    def _names(self, here: Iterable[Wanted]) -> Mapping[str, Thing]:
        """Address -> what it names; a new catalogue may call sites by other names."""
        catalogue = self._catalogue()
        if self._named_by is not catalogue:
            self._named, self._named_by, self._seen = {}, catalogue, frozenset()
        urls = {one.url for one in here}
        if urls != self._named.keys():
            origins = OriginIndex(catalogue)
            known = self._named
            self._named = {url: known.get(url) or thing_of(url, origins.by_host(host_of(url))) for url in urls}
        return self._named

    async def _write(self, here: tuple[Wanted, ...], now: datetime) -> None:
        brought: dict[tuple[str, str], list[Wanted]] = {}
        for wanted in here:
            brought.setdefault((wanted.place, self._night_of(wanted)), []).append(wanted)
        told = {key: use_of(found) for key, found in brought.items() if key[1] and _is_whole(key[1], now)}
        changed = {key: use for key, use in told.items() if self._written.get(key) != use}
        if changed:
            marks = [
                Mark(kind=USED, owner=place, key=night, until=now + _LIFE, facts=asdict(use))
                for (place, night), use in changed.items()
            ]
            await self._state.commit([PutMark(mark) for mark in marks])
        self._written = told
        known = {(one.id, one.changed) for one in here}
        self._nights = {key: night for key, night in self._nights.items() if key in known}

    def _night_of(self, wanted: Wanted) -> str:
        """The night in which it came; "": outside any, by a test or a visit."""
        key = (wanted.id, wanted.changed)
        if key not in self._nights:
            place = next((one for one in self._hours.places() if place_of(one) == wanted.place), None)
            tariff = place.tariff if place is not None else None
            night = night_at(tariff.free, tariff.zone, wanted.changed) if tariff is not None else None
            self._nights[key] = night.key if night is not None else ""
        return self._nights[key]


def _is_whole(night: str, now: datetime) -> bool:
    """Whether nothing that this night brought has been forgotten yet."""
    return now - datetime.fromisoformat(night) < KEPT_LIFE
