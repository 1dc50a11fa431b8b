"""What the origin must confirm to each learner in her own name before she is served from the store.

Laws: her request goes out with her own credentials and the validators of what is stored; only the origin's 304, or its
206 for the rest of a part, lets the stored bytes go to her; whatever else it says is what she gets.
"""

from __future__ import annotations

from multidict import CIMultiDict

from proxy.cache.answering import Held, can_give, part_of, reply_of
from proxy.cache.http import status as cache_status
from proxy.cache.http.conditions import opaque
from proxy.cache.http.renewing import renewed
from proxy.cache.intake import Intake
from proxy.cache.object_store import ObjectStore
from proxy.cache.question import Question, confirmable
from proxy.cache.receiving import Receiver, renewed_row
from proxy.cache.stored import StoredResponse, confirmed_key, other_urls
from proxy.upstream.reply import OriginReply, Way, Whose
from proxy.upstream.response import UpstreamResponse

_HER_OWN = ("If-None-Match", "If-Modified-Since", "If-Range")
_RENEW_AFTER_S = 3600.0  # a row is written at most so often for one more confirmation


async def served(store: ObjectStore, intake: Intake, receiver: Receiver, q: Question, name: str) -> OriginReply | None:
    """The origin's answer where something is stored that it may confirm; None: there is nothing, ask as usual.

    Raises ExchangeError.
    """
    if q.asked.method != "GET" or any(header in q.asked.headers for header in _HER_OWN):
        return None  # with conditions of her own a 304 costs her link nothing
    held = await candidates(store, intake, q)
    if not held:
        return None
    first = held[0]
    if first.arrival is None and first.stored.extents is not None:
        if "Range" in q.asked.headers:
            return None
        return await receiver.completed(q, first.stored, name)
    whole = [one for one in held if can_give(one, part_of(q, one))]
    return await _confirmed(store, receiver, q, whole, name) if whole else None


async def candidates(store: ObjectStore, intake: Intake, q: Question) -> list[Held]:
    """What may be hers, the youngest first."""
    by_row: dict[int, Held] = {}
    found: list[StoredResponse] = []
    for url in (q.url, *other_urls(q.asked)):
        key = confirmed_key(q.asked, url)
        stored = store.find_hot(key)
        found += stored if stored is not None else await store.find(key)
        for held in intake.arriving(key):
            by_row[id(held.stored)] = held
            found.append(held.stored)
    now = q.now_s
    alive = [one for one in found if one.row.expires is None or one.row.expires > now]
    return [by_row.get(id(one), Held(stored=one)) for one in confirmable(alive, q.asked)]


async def _confirmed(
    store: ObjectStore, receiver: Receiver, q: Question, held: list[Held], name: str
) -> OriginReply | None:
    ours: CIMultiDict[str] = CIMultiDict({"If-None-Match": ", ".join(one.stored.row.etag for one in held)})
    if "Range" in q.asked.headers:
        ours["Range"] = q.asked.headers["Range"]
    asked_s = receiver.now()
    response = await receiver.ask(q.without_conditions(ours))
    one = _meant(response, held)
    if one is None and response.status == 304:  # of something else: she gets the whole answer
        response.release()
        return None
    if one is None:
        return await receiver.received(q, response, asked_s, why="stale", name=name)
    response.release()
    if one.arrival is not None and (one.arrival.settled or not one.arrival.joins()):
        one = await _ended(store, receiver, q, one)  # it came to its end while the origin was asked
        if one is None:
            return None
    headers = renewed(one.stored.head.headers, response.headers)
    for cookie in response.headers.getall("Set-Cookie", ()):
        headers.add("Set-Cookie", cookie)  # hers, and kept nowhere
    way = Way(whose=Whose.CONFIRMED, cache_status=cache_status.forwarded(name, "stale", status=304))
    reply = await reply_of(q, one, store, way=way, headers=headers)
    if reply is not None and one.arrival is None:
        await _noted(store, receiver, q, one.stored, response, asked_s)
    return reply


async def _ended(store: ObjectStore, receiver: Receiver, q: Question, was: Held) -> Held | None:
    """What was arriving, as it is stored now; None: it isn't."""
    same = [now for now in await candidates(store, receiver.intake, q) if now.stored.row.etag == was.stored.row.etag]
    return next((now for now in same if can_give(now, part_of(q, now))), None)


def _meant(response: UpstreamResponse, held: list[Held]) -> Held | None:
    """Which of them a 304 confirms."""
    if response.status != 304:
        return None
    etag = response.headers.get("ETag")
    if etag is None:
        return held[0] if len(held) == 1 else None
    return next((one for one in held if opaque(one.stored.row.etag) == opaque(etag)), None)


async def _noted(
    store: ObjectStore,
    receiver: Receiver,
    q: Question,
    stored: StoredResponse,
    response: UpstreamResponse,
    asked_s: float,
) -> None:
    store.used(stored, q.asked.learner)
    if receiver.now() - stored.row.came > _RENEW_AFTER_S:
        await store.renew(renewed_row(stored.row, response.headers, asked_s, receiver.now()))
    if q.asked.own_life_s > 0 and q.asked.learner:
        await store.note_reader(stored, q.asked.learner, q.asked.own_life_s)
