"""Answers made of what is stored, ready to go out again at once: the next like request costs no stage its work.

A page's styles, scripts and pictures are asked for by forty people in one morning. The first of them goes through the
stages; what came of it is remembered here by all that it was made of, and the next is decided as any request is, and
then answered in the same turn of the loop.

Laws: nothing is remembered but what anybody may have and what the stages would make again of the same stored response
under the same treatment; before each use the decision is made anew, and the rules of RFC 9111 are asked anew with this
request's own head; age, freshness and the decision's own field are told as they are now; a stored response that was
renewed, invalidated, purged or evicted takes its answers along; memory is bounded, the least recently used go first.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from aiohttp import HttpVersion11

from policies.decide import enforced_verdict
from policies.decision import Decision, Verdict
from policies.plan import HTML_TYPES
from policies.treatments import Treatments
from policies.values import Audience, MediaKind
from proxy.cache.http import status as cache_status
from proxy.cache.http.serving import Serve, use_of
from proxy.cache.http.values import Asking
from proxy.cache.kept_reply import KeptReply
from proxy.cache.object_store import ObjectStore
from proxy.cache.stored import StoredResponse
from proxy.deliver.answer import Answer
from proxy.deliver.heads import private_freshness
from proxy.deliver.send import Sent
from proxy.deliver.whole import Again, write_again
from proxy.heads import DECISION_FIELD, field_of
from proxy.obtain import is_untouched
from proxy.order import is_thin, stands_in_line, waits
from proxy.stages.context import Exchange, Fetched
from proxy.upstream.reply import Way, Whose

_MOST_BYTES, _LARGEST_BYTES = 32 << 20, 65536
_BESIDE_BYTES = 2048  # of head and bookkeeping, for one answer
_TOLD_NOW = frozenset({"age", "cache-control", "cache-status", DECISION_FIELD.lower()})
# A request with one of these asks for something of its own.
_OF_ITS_OWN = ("Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "Service-Worker")
_READERS = frozenset({Audience.SUBRESOURCE, Audience.API, Audience.APP, Audience.PAGE})
_PLAYED = frozenset({MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.STREAM})

_Key = tuple[str, *tuple[Hashable, ...]]


@dataclass(slots=True, kw_only=True)
class Repeat:
    """One answer. Nothing of it changes but `told`: the fields that the clock changes, and what they were made for.

    found       what lay under the stored response's key
    treatments  held, so that their id stays their own
    control     the origin's Cache-Control; is_narrowed: the answer's is ours, made of it for each decision
    """

    stored: StoredResponse
    found: tuple[StoredResponse, ...]
    treatments: Treatments
    again: Again
    control: str
    is_narrowed: bool
    treatment: str
    kind: MediaKind
    direct_bytes: int | None
    withheld_bytes: int
    told: tuple[int, Decision, Way, str] | None = None

    @property
    def held_bytes(self) -> int:
        return len(self.again.body) + _BESIDE_BYTES


class Repeats:
    """One per process. concerned: whether a stage has to do with an exchange before anything may go out to it."""

    def __init__(self, store: ObjectStore, concerned: Callable[[Exchange], bool]) -> None:
        self._store = store
        self._concerned = concerned
        self._known: OrderedDict[_Key, Repeat] = OrderedDict()
        self._targets: Counter[str] = Counter()
        self._bytes = 0
        self.served = 0

    def may_have(self, target: str) -> bool:
        """Whether anything is remembered under such a target, of any site and for anybody."""
        return target in self._targets

    def send(self, exchange: Exchange) -> Sent | None:
        """Put what may go out to this exchange as it is on the wire; None: the stages must be asked.

        What it cost and how it was had is in the exchange's tally then.
        """
        key = _key(exchange)
        repeat = self._known.get(key)
        if repeat is None or not self._fits(exchange, key, repeat):
            return None
        asking = Asking(method="GET", headers=exchange.inbound.request.headers)
        use = use_of(repeat.stored.head, asking, exchange.now.timestamp())
        if not isinstance(use, Serve) or use.ttl_s <= 0:
            return None
        last = _told_now(exchange, repeat, use)
        try:
            response, nbytes = write_again(exchange.inbound.request, repeat.again, last)
        except ConnectionError:
            return None  # the stages' way out has a word for a client that left
        self._known.move_to_end(key)
        self._store.used(repeat.stored)
        self.served += 1
        return Sent(response=response, to_learner_bytes=nbytes, complete=True)

    def _fits(self, exchange: Exchange, key: _Key, repeat: Repeat) -> bool:
        request = exchange.inbound.request
        if not _is_like_others(exchange) or request.protocol.writing_paused or self._concerned(exchange):
            return False
        if self._store.find_hot(repeat.stored.row.key) is not repeat.found:
            self._drop(key)
            return False
        return repeat.stored.fits(request.headers)

    def keep(self, exchange: Exchange, answer: Answer) -> None:
        """An answer that was made of what is stored has gone out whole. What can't be repeated isn't kept."""
        body, tally, stored = answer.body, exchange.tally, exchange.tally.made_of
        if stored is None or tally.way.whose is not Whose.SHARED or not _is_like_others(exchange):
            return
        if not isinstance(body, bytes) or not 0 < len(body) <= _LARGEST_BYTES or answer.status != 200:
            return
        if tally.support_code or tally.reasons or tally.kind in _PLAYED or "Date" not in stored.head.headers:
            return
        if "Set-Cookie" in answer.headers:  # whatever it is, it is one learner's
            return
        if exchange.facts.audience is Audience.PAGE and _is_shown(exchange, answer):
            return
        found = self._store.find_hot(stored.row.key)
        control = answer.headers.get("Cache-Control", "")
        own_control = stored.head.headers.get("Cache-Control", "")
        if found != (stored,):  # of several variants the store says each time which is right
            return
        if control != own_control and control != _narrowed(own_control, exchange):
            return
        again = Again.of(answer, [field for field in answer.headers.items() if field[0].lower() not in _TOLD_NOW], body)
        self._put(
            _key(exchange),
            Repeat(
                stored=stored,
                found=found,
                treatments=exchange.decision.treatments,
                again=again,
                control=own_control,
                is_narrowed=control != own_control,
                treatment=tally.treatment,
                kind=tally.kind,
                direct_bytes=tally.direct_bytes,
                withheld_bytes=tally.withheld_bytes,
            ),
        )

    def _put(self, key: _Key, repeat: Repeat) -> None:
        self._drop(key)
        self._known[key] = repeat
        self._targets[key[0]] += 1
        self._bytes += repeat.held_bytes
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._known)))

    def _drop(self, key: _Key) -> None:
        gone = self._known.pop(key, None)
        if gone is not None:
            self._bytes -= gone.held_bytes
            self._targets[key[0]] -= 1
            if not self._targets[key[0]]:
                del self._targets[key[0]]


def stored_in(fetched: Fetched) -> StoredResponse | None:
    """The stored response that the origin's side of an exchange was, all of it; None: it wasn't."""
    return fetched.upstream.stored if isinstance(fetched.upstream, KeptReply) else None


def _key(exchange: Exchange) -> _Key:
    """All that an answer is made of, besides what is stored: address, treatment, and what this client can read.

    Treatments are told by identity: an entry holds its own.
    """
    inbound, decision, facts = exchange.inbound, exchange.decision, exchange.facts
    headers = inbound.request.headers
    return (
        inbound.target,
        inbound.host,
        inbound.port,
        inbound.scheme,
        inbound.mode,
        id(decision.treatments),
        decision.honour_no_transform,
        facts.audience,
        facts.kind,
        facts.hints,
        headers.get("Accept"),
        headers.get("Accept-Encoding"),
    )


def _is_like_others(exchange: Exchange) -> bool:
    """Whether nothing about this request is its own: the whole of something, as anybody asks for it."""
    request, decision = exchange.inbound.request, exchange.decision
    if request.method != "GET" or exchange.facts.audience not in _READERS or exchange.who.set_cookie is not None:
        return False
    if enforced_verdict(decision) is not Verdict.ALLOW or is_untouched(decision):
        return False
    if (waits(exchange) or stands_in_line(exchange)) and is_thin(exchange):
        return False
    if request.version != HttpVersion11 or not request.keep_alive:
        return False
    headers = request.headers
    return not any([name in headers for name in _OF_ITS_OWN])  # noqa: C419 - a list is quicker than a generator


def _is_shown(exchange: Exchange, answer: Answer) -> bool:
    """Whether this is a page, which the learner's own stores have to do with, and not a download."""
    origin = exchange.inbound.origin
    if origin is not None and origin.own_store.enabled:
        return True
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return content_type in ("", *HTML_TYPES)


def _told_now(exchange: Exchange, repeat: Repeat, use: Serve) -> str:
    """The fields that change with the clock and the decision; the tally gets what the stages would have put there."""
    tally, decision, age_s = exchange.tally, exchange.decision, int(use.age_s)
    tally.treatment, tally.kind = repeat.treatment, repeat.kind
    tally.direct_bytes, tally.withheld_bytes = repeat.direct_bytes, repeat.withheld_bytes
    told = repeat.told
    if told is None or told[0] != age_s or told[1] is not decision:
        told = repeat.told = _written_now(exchange, repeat, age_s, use.ttl_s)
    tally.way = told[2]
    return told[3]


def _written_now(exchange: Exchange, repeat: Repeat, age_s: int, ttl_s: float) -> tuple[int, Decision, Way, str]:
    settings = exchange.catalogue.settings
    line = cache_status.hit(settings.name, ttl_s)
    text = f"Age: {age_s}\r\n"
    control = _narrowed(repeat.control, exchange) if repeat.is_narrowed else repeat.control
    if control:
        text += f"Cache-Control: {control}\r\n"
    if settings.decision_header:
        text += f"Cache-Status: {line}\r\n{DECISION_FIELD}: {field_of(exchange)}\r\n"
    return age_s, exchange.decision, Way(whose=Whose.SHARED, age_s=age_s, cache_status=line), text


def _narrowed(control: str, exchange: Exchange) -> str:
    """The Cache-Control of what was adapted."""
    return private_freshness(control, now=exchange.now, valid_until=exchange.decision.valid_until)
