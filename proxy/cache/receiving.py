"""An origin's answer as it comes: into the store where it may be stored, and to whoever asked, in one reading.

Laws: what may not be stored passes untouched; a part is joined to a part only where one strong validator names both
(RFC 9111 section 3.4); what a learner's answer says to her alone (Set-Cookie) reaches her and is kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.cache.arrival import ArrivalReader
from proxy.cache.asked import Asked
from proxy.cache.http import status as cache_status
from proxy.cache.http.conditions import is_strong
from proxy.cache.http.directives import Fields, response_directives
from proxy.cache.http.freshness import Moments, initial_age_s
from proxy.cache.http.renewing import renewed
from proxy.cache.http.storing import StoreConfirmed, StoreNot, StoreShared, may_store
from proxy.cache.intake import Intake, More, Taking
from proxy.cache.kept_reply import KeptReply
from proxy.cache.object_index import Row
from proxy.cache.object_store import ObjectStore
from proxy.cache.question import Question
from proxy.cache.stored import StoredResponse, is_text, lifetime_s, new_row, stored_of, written
from proxy.cache.variant_keys import is_content_hash
from proxy.upstream.reply import OriginReply, Way, Whose
from proxy.upstream.response import UpstreamResponse

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
_MOST_OF_ALL = 4  # one body takes at most this part of the store: a quarter
_MOST_OWN_BYTES = 8 << 20  # of one thing that is a learner's own
AskOrigin = Callable[[Asked], Awaitable[UpstreamResponse]]


class Resumed(Frozen, frozen=True, kw_only=True):
    """A stored part that goes on: the origin's answer brings its bytes from `offset` on."""

    taking: Taking
    response: UpstreamResponse
    offset: int
    more: More


class Receiver:
    """Makes replies of origins' answers."""

    def __init__(self, store: ObjectStore, intake: Intake, ask: AskOrigin, now: Callable[[], float]) -> None:
        self._store = store
        self.intake = intake
        self.ask = ask
        self.now = now

    async def received(
        self, q: Question, response: UpstreamResponse, asked_s: float, *, why: str, name: str
    ) -> OriginReply:
        """The answer for whoever asked; stored as it is read, where it may be."""
        behind = StoreNot(why="disk-behind") if self.intake.is_behind else None
        taking = behind or await self.prepared(q, response, asked_s)
        if isinstance(taking, StoreNot):
            detail = taking.why if q.asked.method == "GET" else ""
            response.way = Way(cache_status=cache_status.forwarded(name, why, status=response.status, detail=detail))
            return response
        line = cache_status.forwarded(name, why, status=response.status, stored=taking.row.whose != Whose.OWN.value)
        span = _span(response)
        start, end = (span[0], span[1]) if span is not None else (0, taking.arrival.length)
        body = ArrivalReader(taking.arrival, offset=start, leads=True)
        self.intake.start(taking, response, offset=start)
        return KeptReply(
            response.status,
            response.reason,
            CIMultiDict(response.headers),
            body,
            way=Way(cache_status=line),
            start=start,
            end=end,
        )

    async def prepared(self, q: Question, response: UpstreamResponse, asked_s: float) -> Taking | StoreNot:
        """Where the answer's body goes, and under what; why not, where it may not be stored."""
        headers, moments = response.headers, Moments(asked_s=asked_s, came_s=self.now())
        storing = may_store(q.asking, response.status, headers, moments.came_s)
        span = _span(response)
        length = span[2] if span is not None else 0 if response.at_end else response.content_length
        if not (is_text(headers.get("ETag", "")) and is_text(", ".join(headers.getall("Vary", ())))):
            return StoreNot(why="odd-bytes")
        if response.close_delimited:
            storing = StoreNot(why="close-delimited")
        elif response.status == 206 and (span is None or not is_strong(headers.get("ETag", ""))):
            storing = StoreNot(why="partial")
        elif length is not None and length > self._store.max_bytes // _MOST_OF_ALL:
            storing = StoreNot(why="too-large")
        whose, life_s = self._whose(q, response, storing, length)
        if whose is None:
            return storing if isinstance(storing, StoreNot) else StoreNot(why="untold")
        row = new_row(q.asked, q.url, whose, response.status, response.reason, headers, moments, life_s)
        if self.intake.is_arriving(row.key, row.twin):
            return StoreNot(why="arriving")
        if span is not None:
            return await self._part(q, row, length or 0)
        return self.intake.begin(q.asked, row, length=length)

    @staticmethod
    def _whose(
        q: Question, response: UpstreamResponse, storing: StoreShared | StoreConfirmed | StoreNot, length: int | None
    ) -> tuple[Whose | None, float | None]:
        match storing:
            case StoreShared() | StoreConfirmed() if q.asked.kept_as is not None:
                # What it says holds for the address that was asked: under another only the content itself proves it.
                proven = is_content_hash(response.headers.get("ETag", ""))
                return (Whose.CONFIRMED, q.asked.confirmed_life_s) if proven else (None, None)
            case StoreShared():
                return Whose.SHARED, None
            case StoreConfirmed():
                return Whose.CONFIRMED, q.asked.confirmed_life_s
            case StoreNot():
                may = q.asked.own_life_s > 0 and response.status == 200 and q.asked.method == "GET"
                small = length is None or length <= _MOST_OWN_BYTES
                forbidden = response_directives(response.headers).no_store or q.asking.directives.no_store
                hers = may and small and not forbidden and not response.close_delimited and bool(q.asked.learner)
                return (Whose.OWN, q.asked.own_life_s) if hers else (None, None)

    async def _part(self, q: Question, row: Row, length: int) -> Taking | StoreNot:
        """A part: joined to what is stored of the same content, else the first of it; never in the whole's place."""
        for stored in await self._store.find(row.key):
            same = stored.row.twin == row.twin and stored.row.etag == row.etag and stored.row.length == length
            if same and stored.extents is None:
                return StoreNot(why="stored")
            if same:
                taking = await self.intake.go_on(q.asked, replace(row, id=stored.row.id), stored)
                if taking is not None:
                    taking.arrival.from_first = False
                    return taking
        taking = self.intake.begin(q.asked, row, length=length)
        taking.arrival.from_first = False
        return taking

    # -- parts -------------------------------------------------------------------------------------------------

    async def completed(self, q: Question, stored: StoredResponse, name: str) -> OriginReply | None:
        """A stored part and what is missing of it as one reply; the origin's answer where the content is another now.

        None: it can't be gone on with.
        """
        asked_s = self.now()
        resumed = await self.resume(q, stored)
        if resumed is None:
            return None
        if isinstance(resumed, UpstreamResponse):
            return await self.received(q, resumed, asked_s, why="stale", name=name)
        taking, headers = resumed.taking, CIMultiDict(stored_of(resumed.taking.row).head.headers)
        headers["Content-Length"] = str(taking.arrival.length)
        body = ArrivalReader(taking.arrival, offset=0, leads=True)
        self.intake.start(taking, resumed.response, offset=resumed.offset, more=resumed.more)
        way = Way(
            whose=Whose(stored.row.whose), cache_status=cache_status.forwarded(name, "partial", status=206, stored=True)
        )
        return KeptReply(200, "OK", headers, body, way=way, end=taking.arrival.length)

    async def resume(self, q: Question, stored: StoredResponse) -> Resumed | UpstreamResponse | None:
        """Ask for what is missing of a stored part, on the condition that it is still the same content."""
        if self.intake.is_arriving(stored.row.key, stored.row.twin):
            return None
        first = stored.there.end_from(0)
        asked_s = self.now()
        response = await self.ask(gap_request(q, stored.row.etag, first))
        if not _continues(response, stored, first):
            if response.status in (200, 403, 404, 401, 302, 303):
                return response
            response.release()
            await self._store.drop([(stored.row.id, stored.row.file)], keys=[stored.row.key])
            return None
        row = renewed_row(stored.row, response.headers, asked_s, self.now())
        taking = await self.intake.go_on(q.asked, row, stored)
        if taking is None:
            response.release()
            return None

        async def more(offset: int) -> UpstreamResponse | None:
            further = await self.ask(gap_request(q, stored.row.etag, offset))
            if _continues(further, stored, offset):
                return further
            further.release()
            return None

        return Resumed(taking=taking, response=response, offset=first, more=more)


def gap_request(q: Question, etag: str, first: int) -> Asked:
    """The same request for the bytes from an offset on, if they are still the same content's (RFC 9110 13.1.5)."""
    return q.without_conditions(CIMultiDict({"Range": f"bytes={first}-", "If-Range": etag}))


def renewed_row(row: Row, answer: Fields, asked_s: float, came_s: float) -> Row:
    """The row after the origin confirmed it (RFC 9111 section 4.3.4)."""
    head = renewed(stored_of(row).head.headers, answer)
    moments = Moments(asked_s=asked_s, came_s=came_s)
    life_s = row.expires - row.came if row.expires is not None else None
    return replace(
        row,
        head=written(head),
        initial_age=initial_age_s(answer, moments),
        came=came_s,
        lifetime=lifetime_s(row.status, head, came_s) if row.whose == Whose.SHARED.value else 0.0,
        expires=came_s + life_s if life_s is not None else None,
        invalid=0,
    )


def _continues(response: UpstreamResponse, stored: StoredResponse, first: int) -> bool:
    span = _span(response)
    same = response.headers.get("ETag") == stored.row.etag
    return span is not None and same and span[0] == first and span[2] == stored.row.length


def _span(response: UpstreamResponse) -> tuple[int, int, int] | None:
    """(first, end, whole) of a 206; None: it is none that can be placed."""
    if response.status != 206:
        return None
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if found is None:
        return None
    first, last, whole = int(found[1]), int(found[2]), int(found[3])
    return (first, last + 1, whole) if first <= last < whole else None
