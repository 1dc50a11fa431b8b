"""The media desk's hours at a place that fetches by night: its fetches are paced by them and paid by the place.

Law: a spent allowance is to the desk what the hours' end is: what is under way is cut there and goes on when the free
hours come again; nothing is begun.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime

from policies.model import Catalogue, Territory
from proxy.headbytes import weight_bytes
from proxy.media.hours import OVER, SPENT
from proxy.media.refs import Fetch, Fetched, SourceFailed, SourceRef
from proxy.night.hours import NightHours
from proxy.night.service import asked_bytes, own_headers, where_of
from proxy.night.toll import Fare, Fetching, Toll
from scheduler.night import Why

_FIRST_LINE = "HTTP/1.1 206 Partial Content"


class DeskHours:
    """`proxy.media.hours.Hours` of the places that fetch by night; other regions' fetches go as they are."""

    def __init__(self, hours: NightHours, toll: Toll, catalogue: Callable[[], Catalogue]) -> None:
        self._hours = hours
        self._toll = toll
        self._catalogue = catalogue

    def opens_at(self, region: str, now: datetime) -> datetime | None:
        """When fetching for a region's learners may begin; None: now."""
        opens, territory = self._hours.opens_at(region, now), self._hours.of_region(region)
        if opens is not None or territory is None or self._toll.has_room(territory, now):
            return opens
        return self._hours.opens_again(territory, now)

    def within(self, source: SourceRef, region: str, fetch: Fetch) -> Fetch:
        """A source's fetch at the pace of its region's hours, and at the place's expense."""
        territory = self._hours.of_region(region)
        if territory is None:
            return fetch

        @asynccontextmanager
        async def paid(offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
            async with self._hours.until_close(territory):
                with self._fare(territory, source) as fare:
                    async with fetch(offset, validator, tail) as answer:
                        fare.status = answer.status
                        fare.weighed(weight_bytes(_FIRST_LINE, answer.headers.items()), _asked_bytes(source))
                        yield replace(answer, chunks=_paid(answer.chunks, fare))

        return paid

    def _fare(self, territory: Territory, source: SourceRef) -> AbstractContextManager[Fare]:
        """Raises SourceFailed for a source of no origin that is still known."""
        origin = self._catalogue().origins.get(source.origin)
        if origin is None or not source.url:
            raise SourceFailed("needs-visit")
        fetching = Fetching(territory=territory, origin=origin, url=source.url)
        return self._toll.fare(fetching, self._hours.pace(territory, Why.QUEUED))


def _asked_bytes(source: SourceRef) -> int:
    where = where_of(source.url)
    return asked_bytes(where, own_headers(where, ""))


async def _paid(chunks: AsyncIterator[bytes], fare: Fare) -> AsyncIterator[bytes]:
    """What comes, as far as it may. Raises SourceFailed: OVER, or SPENT."""
    async for chunk in chunks:
        if not await fare.came(len(chunk)):
            raise SourceFailed(SPENT if fare.refused else OVER)
        yield chunk
