"""Having a response in the store without a reader: the night's fetch, and warming.

Laws: what is fresh there costs nothing, what is stored is asked for with its validator, what is begun goes on where it
ended; it stops where it is told to, at the next piece.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from proxy.cache.asked import Filled, Pace
from proxy.cache.http.renewing import validators
from proxy.cache.http.serving import Serve
from proxy.cache.http.storing import StoreNot
from proxy.cache.intake import More, Taking
from proxy.cache.question import Question, chosen, use_for
from proxy.cache.receiving import Receiver, Resumed, renewed_row
from proxy.cache.stored import StoredResponse, confirmed_key
from proxy.headbytes import weight_bytes
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.retry import retry_after_s

if TYPE_CHECKING:
    from proxy.cache.object_store import ObjectStore


class Filler:
    """Fetches nobody waits for."""

    def __init__(self, store: ObjectStore, receiver: Receiver) -> None:
        self._store = store
        self._receiver = receiver

    async def fill(self, q: Question, pace: Pace) -> Filled:
        """Raises ExchangeError where the origin can't be asked."""
        stored = await self._stored(q)
        if stored is None:
            return await self._taken(q, await self._asked(q, CIMultiDict()), pace)
        if stored.extents is not None:
            return await self._gone_on(q, stored, pace)
        if isinstance(use_for(stored, q), Serve) and stored.row.whose == "shared":
            return _there(stored, stored.row.status)
        return await self._confirmed(q, stored, pace)

    async def _stored(self, q: Question) -> StoredResponse | None:
        """Of what lies under this address the one to go on with."""
        shared = chosen(await self._store.find(q.key), q.asked)
        if shared is not None:
            return shared
        found = await self._store.find(confirmed_key(q.asked, q.url))
        return max(found, key=lambda one: one.head.came_s, default=None)

    async def _asked(self, q: Question, ours: CIMultiDict[str]) -> tuple[UpstreamResponse, float]:
        asked_s = self._receiver.now()
        return await self._receiver.ask(q.without_conditions(ours)), asked_s

    async def _confirmed(self, q: Question, stored: StoredResponse, pace: Pace) -> Filled:
        response, asked_s = await self._asked(q, validators(stored.head.headers))
        if response.status != 304:
            return await self._taken(q, (response, asked_s), pace)
        response.release()
        await self._store.renew(renewed_row(stored.row, response.headers, asked_s, self._receiver.now()))
        return replace(_there(stored, 304), head_bytes=_weight(response))

    async def _gone_on(self, q: Question, stored: StoredResponse, pace: Pace) -> Filled:
        asked_s = self._receiver.now()
        resumed = await self._receiver.resume(q, stored)
        if isinstance(resumed, Resumed):
            return await self._take(resumed.taking, resumed.response, resumed.offset, resumed.more, pace)
        answer = (resumed, asked_s) if resumed is not None else await self._asked(q, CIMultiDict())
        return await self._taken(q, answer, pace)

    async def _taken(self, q: Question, answer: tuple[UpstreamResponse, float], pace: Pace) -> Filled:
        response, asked_s = answer
        taking = await self._receiver.prepared(q, response, asked_s)
        if isinstance(taking, StoreNot):
            response.release()
            retry_s = retry_after_s(response.headers, datetime.fromtimestamp(asked_s, UTC))
            return Filled(
                status=response.status,
                stored=False,
                complete=False,
                fetched_bytes=0,
                why=taking.why,
                retry_s=retry_s,
                head_bytes=_weight(response),
            )
        return await self._take(taking, response, 0, None, pace)

    async def _take(
        self, taking: Taking, response: UpstreamResponse, offset: int, more: More | None, pace: Pace
    ) -> Filled:
        arrival = taking.arrival
        arrival.unattended = True
        await self._receiver.intake.take(taking, response, offset=offset, more=more, pace=pace)
        whole = arrival.length is not None and arrival.there.covers(0, arrival.length)
        return Filled(
            status=response.status,
            stored=taking.stored is not None and taking.stored.extents is None,
            complete=whole,
            fetched_bytes=arrival.there.total_bytes - arrival.had.total_bytes,
            length_bytes=arrival.length,
            why="" if taking.stored is not None else "disk" if not arrival.storing else "stopped",
            head_bytes=_weight(response),
        )


def _there(stored: StoredResponse, status: int) -> Filled:
    return Filled(status=status, stored=True, complete=True, fetched_bytes=0, length_bytes=stored.row.length)


def _weight(response: UpstreamResponse) -> int:
    return weight_bytes(f"HTTP/1.1 {response.status} {response.reason}", response.headers.items())
