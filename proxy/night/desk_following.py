"""The films of a night that the media desk fetches and makes: how far they are, and what cards may offer of them.

Law: the desk's word is the truth; a wish that it no longer knows waits to be handed over again.
"""

from __future__ import annotations

from datetime import datetime

from policies.decision import Decision
from policies.values import MediaKind
from proxy.media.desk import Desk
from proxy.media.hours import CUT_SHORT
from proxy.media.views import DeferredState, DeferredView
from proxy.night.films import NightFilms
from proxy.night.hours import NightHours, place_of
from proxy.night.service import where_of
from proxy.night.sources import NightSources
from proxy.night.toll import Fetching, Toll
from proxy.night.wishes import Wanted, Wishes, kind_of
from scheduler.requests import RequestState

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


class DeskFollowing:
    """One for the process."""

    def __init__(
        self, desk: Desk, wishes: Wishes, hours: NightHours, toll: Toll, sources: NightSources, films: NightFilms
    ) -> None:
        self._desk = desk
        self._wishes = wishes
        self._hours = hours
        self._toll = toll
        self._sources = sources
        self._films = films
        self._told: set[str] = set()

    async def follow(self, now: datetime) -> None:
        """How far the films are that the desk fetches and makes."""
        for territory in self._hours.places():
            place = place_of(territory)
            views = {view.id: view for view in self._desk.deferred(desk_name(place))}
            for wanted in self._wishes.at(place):
                if wanted.receipt and wanted.is_open:
                    await self._one(wanted, views.get(wanted.receipt), now)

    async def _one(self, wanted: Wanted, view: DeferredView | None, now: datetime) -> None:
        if view is None:
            await self._wishes.move(wanted.id, RequestState.WAITING, now, receipt="")
            return
        state = _OF_THE_DESK[view.state]
        if view.why in CUT_SHORT and view.state is DeferredState.WAITING:
            state = RequestState.WAITING
        if (state, view.why) != (wanted.state, wanted.reason):
            await self._wishes.move(wanted.id, state, now, reason=view.why)

    async def tell(self, now: datetime) -> None:
        """Cards may offer what was made, by this process or the last."""
        for territory in self._hours.places():
            for wanted in self._wishes.at(place_of(territory)):
                is_film = wanted.state is RequestState.READY and kind_of(wanted) is MediaKind.VIDEO
                if not is_film or wanted.id in self._told:
                    continue
                self._told.add(wanted.id)
                origin = self._sources.origin_of(where_of(wanted.url).host)
                if origin is not None:
                    fetching = Fetching(territory=territory, origin=origin, url=wanted.url, kind=MediaKind.VIDEO)
                    await self._films.made(wanted.url, by_day(self._toll, self._hours, fetching, now), now)


def by_day(toll: Toll, hours: NightHours, fetching: Fetching, now: datetime) -> list[Decision]:
    """What the policy says of it when it will be looked at: after the night, else now."""
    night = hours.night(fetching.territory, now)
    instants = (night.closes, now) if night is not None else (now,)
    return [toll.decided(fetching, instant) for instant in instants]


def desk_name(place: str) -> str:
    """Under what the media desk files a place's own wishes; no learner's id looks like it."""
    return f"night {place}"
