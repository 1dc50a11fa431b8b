"""What was had from origins before, between the obtainer and the upstream: asked first, it asks the origin itself.

Laws: an assessment goes past it, both ways; nothing of one learner's reaches another; no failure here costs a
response: what can't be stored or read is asked of the origin; whoever is served is served what RFC 9111 lets a shared
cache serve her, or what the origin has confirmed to her in her own name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from multidict import CIMultiDict

from policies.model import Catalogue
from proxy.cache import confirmed, kept_pages
from proxy.cache.answering import Held, can_give, part_of, reply_of
from proxy.cache.asked import NOT_STORED, Asked, Filled, Pace
from proxy.cache.filling import Filler
from proxy.cache.flights import Flights
from proxy.cache.giving import given, instead_of, stand_in
from proxy.cache.http import status
from proxy.cache.http.conditions import is_strong, only_origin_can_say
from proxy.cache.http.renewing import head_agrees, invalidated, speaks_of, validators
from proxy.cache.http.serving import Miss, Serve, ServeAndRevalidate, Use, Validate
from proxy.cache.intake import Intake
from proxy.cache.object_store import CacheStats, ObjectStore
from proxy.cache.question import Question, chosen, question, use_for
from proxy.cache.receiving import Receiver, renewed_row
from proxy.cache.stored import StoredResponse, shared_key
from proxy.cache.to_save import told_as_saved
from proxy.cache.unstorable import Unstorable, not_stored
from proxy.clock import Clock
from proxy.errors import ExchangeError, Fault
from proxy.tasks import TaskKeeper
from proxy.upstream.reply import OriginReply, Way, Whose
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream

_SERVER_ERRORS = frozenset({500, 502, 503, 504})


class OriginCache:
    """One per process. hits, misses: of requests that a store could have answered."""

    def __init__(
        self,
        upstream: Upstream,
        store: ObjectStore,
        clock: Clock,
        keeper: TaskKeeper,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._clock = clock
        self._keeper = keeper
        self._catalogue = catalogue
        self._intake = Intake(store, keeper)
        self._receiver = Receiver(store, self._intake, self._ask_origin, self._now)
        self._filler = Filler(store, self._receiver)
        self._unstorable = Unstorable()
        self._flights = Flights()
        self.hits = self.misses = self.confirmed = self.joined = 0

    # -- what exchanges ask ------------------------------------------------------------------------------------

    async def open(self, asked: Asked) -> OriginReply:
        """The answer to a request: the origin's, or one that may stand for it. Raises ExchangeError."""
        if asked.untouched or not _is_storable(asked):
            if asked.only_stored:
                raise _not_stored()
            return await self._past(asked)
        now_s = self._clock.steady_s()
        if self._unstorable.has(asked, now_s):
            return await self._unstored(asked, now_s)
        q = question(asked, self._now())
        for _ in range(2):
            held, use = await self._found(q)
            reply = await self._served(q, held, use)
            if reply is not None:
                self.hits += 1
                return reply
            flight = self._flights.find(q.flight)
            if flight is None:
                break
            self.joined += 1
            await asyncio.shield(flight)
            now_s = self._clock.steady_s()
            if self._unstorable.has(asked, now_s):
                return await self._unstored(asked, now_s)
        if isinstance(use, Serve | ServeAndRevalidate):  # it could not be read, and is gone
            held, use = await self._found(q)
        if asked.only_stored:
            raise _not_stored()
        return await self._led(q, held, use)

    async def kept(self, asked: Asked, now: datetime, *, is_everybodys: bool = False) -> OriginReply | None:
        """What may be shown while the origin is out of reach: anybody's, or this learner's own; None: nothing.

        is_everybodys: what the origin must confirm to each may go to her, for it was proven otherwise that she may have
        it. The reply's `way` tells its age and whose it is.
        """
        if asked.untouched or asked.method not in ("GET", "HEAD"):
            return None
        q = question(asked, now.timestamp())
        return await kept_pages.kept(self._store, q, self._name, is_everybodys=is_everybodys)

    # -- what nobody waits for ---------------------------------------------------------------------------------

    async def fill(self, asked: Asked, pace: Pace) -> Filled:
        """Have a response in the store without a reader; what is fresh there already costs nothing.

        pace  told of every piece's bytes as they come: may sleep for the rate's sake; False: stop now. What has come is
              kept where the origin's validator lets it go on, and the next call goes on there
        Raises ExchangeError where the origin can't be asked.
        """
        return await self._filler.fill(question(asked, self._now()), pace)

    # -- for whom it is kept -----------------------------------------------------------------------------------

    async def forget(self, learner: str) -> int:
        """Wipe everything that is kept for this learner alone; how many responses that were."""
        return await self._store.forget(learner)

    async def purge(self, *, origin: str | None = None, pattern: str | None = None) -> int:
        """Drop what is stored of an origin, or under addresses that match a shell pattern; how many."""
        return await self._store.purge(origin=origin, pattern=pattern)

    async def inspect(self, limit: int = 100) -> list[StoredResponse]:
        """The latest used for IT staff, without what only one learner has had."""
        return await self._store.listing(limit)

    def stats(self) -> CacheStats:
        return self._store.stats()

    # -- looking -----------------------------------------------------------------------------------------------

    async def _found(self, q: Question) -> tuple[Held | None, Use]:
        """What anybody may have under this address, and what it may do for this request."""
        stored = self._store.find_hot(q.key)
        if stored is None:
            stored = await self._store.find(q.key)
        coming = self._intake.arriving(q.key)
        by_row = {id(held.stored): held for held in coming}
        one = chosen([*(held.stored for held in coming), *stored], q.asked)
        if one is None:
            return None, Miss(why="vary-miss" if stored or coming else "uri-miss")
        return by_row.get(id(one), Held(stored=one)), use_for(one, q)

    async def _served(self, q: Question, held: Held | None, use: Use) -> OriginReply | None:
        """The reply that needs no question to the origin; None: it must be asked."""
        match use:
            case Serve() | ServeAndRevalidate():
                assert held is not None
                if not can_give(held, part_of(q, held)):
                    return None
                reply = await given(self._store, q, held, use, name=self._name)
                quiet = q.asking.directives.only_if_cached
                if reply is not None and isinstance(use, ServeAndRevalidate) and not quiet:
                    self._revalidate(q, held.stored)
                return reply
            case Validate() | Miss():
                if not q.asking.directives.only_if_cached:
                    return None
                raise _not_stored()

    # -- asking ------------------------------------------------------------------------------------------------

    async def _led(self, q: Question, held: Held | None, use: Use) -> OriginReply:
        """Ask the origin; others who want the same may wait until it has answered."""
        self.misses += 1
        flight = q.flight
        if flight is None or flight in self._flights:
            return await self._asked(q, held, use)
        with self._flights.lead(flight):
            return await self._asked(q, held, use)

    async def _asked(self, q: Question, held: Held | None, use: Use) -> OriginReply:
        stored = held.stored if held is not None and held.arrival is None else None
        if stored is None or isinstance(use, Miss) or q.asked.method == "HEAD":
            return await self._missed(q, stored, use)
        if stored.extents is not None and is_strong(stored.row.etag) and not q.asked.headers.get("Range"):
            return await self._receiver.completed(q, stored, self._name) or await self._missed(q, None, use)
        conditions = validators(stored.head.headers)
        if not conditions or not can_give(Held(stored=stored), part_of(q, Held(stored=stored))):
            return await self._missed(q, None, Miss(why="partial" if stored.extents is not None else "stale"))
        return await self._validated(q, stored, conditions, use)

    async def _missed(self, q: Question, stored: StoredResponse | None, use: Use) -> OriginReply:
        """Nothing that anybody may have: what the origin confirms to her, or its answer."""
        why = use.why if isinstance(use, Miss | Validate) else "partial"
        reply = await confirmed.served(self._store, self._intake, self._receiver, q, self._name)
        if reply is not None:
            self.confirmed += reply.way.whose is Whose.CONFIRMED
            return reply
        asked_s = self._now()
        try:
            response = await self._ask_origin(q.asked)
        except ExchangeError as error:
            return await self._instead(q, stored, error)
        self._unstorable.note(q.asked, response.headers, self._clock.steady_s())
        if q.asked.method == "HEAD" and stored is not None and response.status == 200:
            await self._compared(stored, response)
        return await self._receiver.received(q, response, asked_s, why=why, name=self._name)

    async def _validated(
        self, q: Question, stored: StoredResponse, conditions: CIMultiDict[str], use: Use
    ) -> OriginReply:
        """Ask whether what is stored is still right, in the learner's name and with conditions of ours."""
        asked_s, why = self._now(), use.why if isinstance(use, Validate) else "stale"
        try:
            response = await self._ask_origin(q.without_conditions(conditions))
        except ExchangeError as error:
            return await self._instead(q, stored, error)
        if response.status in _SERVER_ERRORS:
            reply = await stand_in(self._store, q, stored, self._now(), name=self._name, disconnected=False)
            if reply is not None:
                response.release()
                return reply
        if response.status != 304 or not speaks_of(response.headers, stored.head.headers):
            if response.status == 304:  # of something else: ask for the whole
                response.release()
                response = await self._ask_origin(q.asked)
            return await self._receiver.received(q, response, asked_s, why=why, name=self._name)
        response.release()
        row = renewed_row(stored.row, response.headers, asked_s, self._now())
        fresh = await self._store.renew(row)
        headers = CIMultiDict(fresh.head.headers)
        for cookie in response.headers.getall("Set-Cookie", ()):
            headers.add("Set-Cookie", cookie)  # hers, and kept nowhere
        way = Way(whose=Whose.SHARED, cache_status=status.forwarded(self._name, why, status=304))
        self._store.used(fresh)
        reply = await reply_of(q, Held(stored=fresh), self._store, way=way, headers=headers)
        return reply if reply is not None else await self._missed(q, None, Miss(why="uri-miss"))

    async def _compared(self, stored: StoredResponse, response: OriginReply) -> None:
        """A HEAD's answer describes what is stored, or shows it outdated (RFC 9111 section 4.3.5)."""
        if not head_agrees(stored.head.headers, stored.row.length, response.headers):
            await self._store.invalidate([stored.row.key])

    def _revalidate(self, q: Question, stored: StoredResponse) -> None:
        """In the background, once at a time for an address (RFC 5861 section 3)."""
        conditions = validators(stored.head.headers)
        if q.key in self._flights:
            return
        led = self._flights.lead(q.key)

        async def ask() -> None:
            with led, suppress(ExchangeError):  # it stays stale, and the next one asks again
                whole = replace(q, asked=q.without_conditions(CIMultiDict()))
                reply = await self._validated(whole, stored, conditions, Validate(why="stale"))
                async for _ in reply.iter_chunks(65536):
                    pass
                reply.release()

        self._keeper.start(ask(), name="revalidate")

    # -- when the origin fails ---------------------------------------------------------------------------------

    async def _instead(self, q: Question, stored: StoredResponse | None, error: ExchangeError) -> OriginReply:
        """What may go out where the origin can't be reached, else the error."""
        return await instead_of(error, self._store, q, stored, self._now(), name=self._name)

    async def _unstored(self, asked: Asked, started_s: float) -> OriginReply:
        """Of an address that may not be stored: the origin's answer; stored where it may be after all."""
        response = await self._ask_origin(asked)
        now_s = self._clock.steady_s()
        if self._unstorable.note(asked, response.headers, now_s):
            response.way = not_stored(self._name, response.status)
            return response
        asked_s = self._now() - (now_s - started_s)
        return await self._receiver.received(
            question(asked, asked_s), response, asked_s, why="uri-miss", name=self._name
        )

    # -- past it -----------------------------------------------------------------------------------------------

    async def _past(self, asked: Asked) -> OriginReply:
        """The origin's own answer; what changes something there makes what is stored of it be asked anew."""
        response = await self._ask_origin(asked)
        if asked.method not in ("GET", "HEAD"):
            url = question(asked, 0.0).url
            gone = invalidated(asked.method, response.status, url, response.headers)
            if gone:
                keys = [shared_key(asked, address) for address in gone]
                self._intake.invalidate(keys)
                await self._store.invalidate(keys)
        return response

    def _ask_origin(self, asked: Asked) -> Awaitable[UpstreamResponse]:
        answer = self._upstream.open(
            origin=asked.origin,
            method=asked.method,
            scheme=asked.scheme,
            host=asked.host,
            port=asked.port,
            target=asked.target,
            headers=asked.headers,
            body=asked.body,
            content_length=asked.content_length,
            expect_continue=asked.expect_continue,
        )
        return told_as_saved(answer) if asked.to_save else answer

    @property
    def _name(self) -> str:
        return self._catalogue().settings.name

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _not_stored() -> ExchangeError:
    return ExchangeError(NOT_STORED, 504, Fault.CLIENT, "only-if-cached")


def _is_storable(asked: Asked) -> bool:
    """Whether a store may have to do with this request at all."""
    if asked.method not in ("GET", "HEAD") or asked.body is not None or "Upgrade" in asked.headers:
        return False
    if asked.origin is not None and not asked.origin.cache:
        return False
    return not only_origin_can_say(asked.headers)
