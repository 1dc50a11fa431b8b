"""What a store holds for anybody, given out: as it is, or where the origin fails.

Laws: the reply tells its age and by which way it came; what can't be read is no reply, never an error; a stand-in goes
out only where RFC 9111 section 4.2.4 and RFC 5861 section 4 let it.
"""

from __future__ import annotations

from multidict import CIMultiDict

from proxy.cache.answering import Held, can_give, part_of, reply_of
from proxy.cache.http import status
from proxy.cache.http.serving import Serve, ServeAndRevalidate, may_stand_in
from proxy.cache.object_store import ObjectStore
from proxy.cache.question import Question
from proxy.cache.stored import StoredResponse
from proxy.errors import ExchangeError
from proxy.upstream.reply import OriginReply, Way, Whose
from proxy.watch import NO_LINK


async def given(
    store: ObjectStore, q: Question, held: Held, use: Serve | ServeAndRevalidate, *, name: str, instead: bool = False
) -> OriginReply | None:
    """The reply that needs no question to the origin; None: it can't be read.

    name     this Tropa's, in Cache-Status
    instead  the origin is out of reach, and its page would have been another
    """
    headers = CIMultiDict(held.stored.head.headers)
    headers["Age"] = str(int(use.age_s))
    line = status.hit(name, use.ttl_s, collapsed=held.arrival is not None)
    way = Way(whose=Whose.SHARED, age_s=int(use.age_s), cache_status=line, instead=instead)
    reply = await reply_of(q, held, store, way=way, headers=headers)
    if reply is not None and held.arrival is None:
        store.used(held.stored)
    return reply


async def stand_in(
    store: ObjectStore, q: Question, stored: StoredResponse, now_s: float, *, name: str, disconnected: bool
) -> OriginReply | None:
    """What may go out for an origin that answers with an error (disconnected: not at all); None: nothing."""
    use = may_stand_in(stored.head, q.asking, now_s, disconnected=disconnected)
    held = Held(stored=stored)
    if use is None or not can_give(held, part_of(q, held)):
        return None
    return await given(store, q, held, use, name=name, instead=disconnected)


async def instead_of(
    error: ExchangeError, store: ObjectStore, q: Question, stored: StoredResponse | None, now_s: float, *, name: str
) -> OriginReply:
    """What may go out where the origin can't be reached, else the error is raised."""
    if stored is not None:
        reply = await stand_in(store, q, stored, now_s, name=name, disconnected=error.code in NO_LINK)
        if reply is not None:
            return reply
    raise error
