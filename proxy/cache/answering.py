"""A stored response, or one that is arriving, as the reply to one request: whole, in part, or "you have it already".

Laws: conditions and ranges are judged on what is stored (RFC 9111 section 4.3.2, RFC 9110 sections 13 and 14); what
isn't all there is never begun without the rest being on its way.
"""

from __future__ import annotations

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.cache.arrival import Arrival, ArrivalReader
from proxy.cache.http.conditions import not_modified, range_holds
from proxy.cache.kept_reply import KeptReply, NoBody
from proxy.cache.object_store import ObjectStore
from proxy.cache.question import Question
from proxy.cache.stored import StoredResponse
from proxy.deliver.ranges import Span, Unsatisfiable, span_of
from proxy.upstream.reply import Way

_NEAR_BYTES = 1 << 20
_NOT_IN_304 = frozenset(
    ("content-length", "content-type", "content-encoding", "content-language", "content-range", "accept-ranges")
)


class Held(Frozen, frozen=True, kw_only=True):
    """A stored response; `arrival` while its body is still coming."""

    stored: StoredResponse
    arrival: Arrival | None = None

    @property
    def length(self) -> int | None:
        return self.arrival.length if self.arrival is not None else self.stored.row.length


class Part(Frozen, frozen=True, kw_only=True):
    """Which bytes a request is for. span None: all of them."""

    span: Span | None = None
    unsatisfiable: bool = False


def part_of(asked: Question, held: Held) -> Part:
    """Which bytes of what is held this request is for."""
    length, headers = held.length, asked.asked.headers
    ranged = "Range" in headers and asked.asked.method == "GET" and held.stored.head.status == 200
    if not ranged or length is None or not range_holds(headers, held.stored.head.headers):
        return Part()
    try:
        return Part(span=span_of(headers["Range"], length))
    except Unsatisfiable:
        return Part(unsatisfiable=True)


def can_give(held: Held, part: Part) -> bool:
    """Whether those bytes are here, or come anyway before long."""
    length = held.length
    if part.unsatisfiable:
        return True
    if held.arrival is None:
        first, end = (part.span.first, part.span.last + 1) if part.span is not None else (0, length or 0)
        return held.stored.there.covers(first, end)
    first = part.span.first if part.span is not None else 0
    return held.arrival.joins() and first <= held.arrival.there.end_from(0) + _NEAR_BYTES


async def reply_of(
    asked: Question, held: Held, store: ObjectStore, *, way: Way, headers: CIMultiDict[str]
) -> KeptReply | None:
    """The reply; None: the body can't be read any more. headers: the stored ones for this request, ours to change."""
    stored = held.stored
    for name in stored.head.directives.no_cache_fields if way.cache_status.find("hit") >= 0 else ():
        headers.popall(name, None)  # section 5.2.2.4: not without a validation
    if stored.head.status == 200 and not_modified(asked.asked.headers, headers):
        kept = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_IN_304)
        return KeptReply(304, "Not Modified", kept, NoBody(), way=way, end=0, stored=stored)
    part, length = part_of(asked, held), held.length
    if part.unsatisfiable:
        headers["Content-Range"], headers["Content-Length"] = f"bytes */{length}", "0"
        return KeptReply(416, "Range Not Satisfiable", headers, NoBody(), way=way, end=0)
    if length is not None:
        headers["Content-Length"] = str(part.span.length if part.span is not None else length)
    if asked.asked.method == "HEAD":
        return KeptReply(stored.head.status, stored.row.reason, headers, NoBody(), way=way, end=0)
    start, end = (part.span.first, part.span.last + 1) if part.span is not None else (0, length)
    if held.arrival is not None:
        body: ArrivalReader | None = ArrivalReader(held.arrival, offset=start, leads=False)
    else:
        body = await store.reader(stored, first=start)  # type: ignore[assignment]
    if body is None:
        return None
    if part.span is None:
        whole = stored if held.arrival is None else None
        return KeptReply(stored.head.status, stored.row.reason, headers, body, way=way, end=end, stored=whole)
    headers["Content-Range"] = f"bytes {part.span.first}-{part.span.last}/{length}"
    return KeptReply(206, "Partial Content", headers, body, way=way, start=start, end=end)
