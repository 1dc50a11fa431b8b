"""What may be shown while the origin is out of reach.

Laws: a learner's own pages to her alone; anybody's as far as the origin didn't forbid it to go out stale (RFC 9111
section 4.2.4); what the origin confirmed to her lately, to her, or to those of whom the caller has proof; never a part
that looks whole.
"""

from __future__ import annotations

from multidict import CIMultiDict

from proxy.cache.answering import Held, can_give, part_of, reply_of
from proxy.cache.http import status as cache_status
from proxy.cache.http.freshness import age_s
from proxy.cache.object_store import ObjectStore
from proxy.cache.question import Question, chosen
from proxy.cache.stored import StoredResponse, confirmed_key, own_key
from proxy.upstream.reply import OriginReply, Way


async def kept(store: ObjectStore, q: Question, name: str, *, is_everybodys: bool = False) -> OriginReply | None:
    """The youngest of what may be shown to her, with its age; None: nothing.

    is_everybodys: she was proven to be one of those whom the origin would confirm it to.
    """
    proven = await store.find(confirmed_key(q.asked, q.url)) if is_everybodys else ()
    found = [*await _hers(store, q), *await _anybodys(store, q), *proven]
    for one in sorted(found, key=lambda one: one.head.came_s, reverse=True):
        held = Held(stored=one)
        if not can_give(held, part_of(q, held)):
            continue
        age = int(age_s(one.head.initial_age_s, one.head.came_s, q.now_s) or 0)
        headers = CIMultiDict(one.head.headers)
        headers["Age"] = str(age)
        line = cache_status.hit(name, min(-1.0, one.head.lifetime_s - age))
        reply = await reply_of(q, held, store, way=Way(whose=one.whose, age_s=age, cache_status=line), headers=headers)
        if reply is not None:
            return reply
    return None


async def _hers(store: ObjectStore, q: Question) -> list[StoredResponse]:
    learner = q.asked.learner
    if not learner:
        return []
    own = await store.find(own_key(q.asked, q.url))
    confirmable = await store.find(confirmed_key(q.asked, q.url))
    return [*own, *await store.was_read_by(learner, confirmable)]


async def _anybodys(store: ObjectStore, q: Question) -> list[StoredResponse]:
    one = chosen(await store.find(q.key), q.asked)
    if one is None or one.head.directives.forbids_stale:
        return []
    if q.asking.is_somebodys and one.head.document and one.head.unsaid:
        return []
    return [one]
