"""From a decision to the origin's response: the request as the origin gets it, and the response's first bytes.

Laws: the target goes exactly as received; conditions of ours become the origin's own; a Range that could splice two
files is left out; the body is asked for from the client only when the origin wants it (Expect: 100-continue).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache

from aiohttp import web
from msgspec.structs import replace
from multidict import CIMultiDict

from policies.decision import Decision
from policies.facts import RequestFacts, ResponseFacts
from policies.frozen import Frozen
from policies.kinds import kind_of_path, kind_of_type
from policies.sniff import sniff
from policies.streams import manifest_of_bytes
from policies.treatments import Action
from policies.values import Audience, MediaKind, Mode, TrafficClass
from proxy.app_addresses import kept_targets
from proxy.cache.asked import Asked
from proxy.cache.origin_cache import OriginCache
from proxy.deliver.codings import DECODABLE, CodingError, Decoder
from proxy.deliver.heads import end_to_end, said
from proxy.deliver.rename import NameMap, StreamMap, name_map
from proxy.deliver.sticky import Sticky
from proxy.deliver.validators import UNCONDITIONAL, Conditions, conditions
from proxy.exchange import Inbound
from proxy.keeping import own_life_s
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.upstream.headers import request_headers
from proxy.upstream.reply import OriginReply, Way

_PAGE_PREFIX_BYTES, _PAGE_PREFIX_S = 65536, 0.2
_FIRST_BYTES, _FIRST_BYTES_S = 16384, 0.05
_ONE_PIECE_BYTES = 65536
_MOST_MADE = 8  # addresses from which one head comes
_SNIFF_ROOM_BYTES = 1024**2
_TEXTS = frozenset({MediaKind.PAGE, MediaKind.SCRIPT, MediaKind.STYLE, MediaKind.DATA})
_RULE_FIELDS = (  # as rules name them, and as they are written
    ("content-range", "Content-Range"),
    ("cache-control", "Cache-Control"),
    ("content-disposition", "Content-Disposition"),
)
_DOCUMENTS = frozenset({Audience.PAGE, Audience.EMBED})
_MODERN_IMAGES = ("image/avif", "image/webp")


class Wish(Frozen, frozen=True, kw_only=True, gc=False):
    """What a stage wants changed in the request: the validator of a source it already holds, and its own way."""

    if_none_match: str | None = None
    if_modified_since: str | None = None
    way: str | None = None


NO_WISH = Wish()


class Obtainer:
    """Fetches for one exchange."""

    def __init__(self, cache: OriginCache, sticky: Sticky, *, via: str) -> None:
        self._cache = cache
        self._sticky = sticky
        self._via = via

    async def obtain(self, exchange: Exchange, wish: Wish = NO_WISH) -> tuple[Fetched, Conditions]:
        """The origin's response with its head made ready and its first bytes read.

        Raises ExchangeError where there is none.
        """
        client_conditions = conditions(exchange.inbound.request.headers, way=wish.way)
        response = await self._cache.open(self.asked(exchange, client_conditions, wish))
        try:
            return await self.received(exchange, response), client_conditions
        except BaseException:
            response.abort()
            raise

    async def hand_over(
        self, exchange: Exchange, body: AsyncIterator[bytes], length_bytes: int, changes: Mapping[str, str | None]
    ) -> OriginReply:
        """Ask the origin with a body that was gathered elsewhere, as if this exchange had brought it.

        changes: fields of the head that get another value; None: left out. Raises ExchangeError.
        """
        headers = self._request_headers(exchange, UNCONDITIONAL, NO_WISH)
        for name, value in changes.items():
            headers.popall(name, None)
            if value is not None:
                headers[name] = value
        asked = asked_of(exchange, headers)
        asked = replace(asked, body=body, content_length=length_bytes, expect_continue=None)
        return await self._cache.open(asked)

    def asked(self, exchange: Exchange, client: Conditions, wish: Wish) -> Asked:
        """The request as the origin, or a store in its stead, is asked it."""
        return asked_of(exchange, self._request_headers(exchange, client, wish))

    def _request_headers(self, exchange: Exchange, client: Conditions, wish: Wish) -> CIMultiDict[str]:
        inbound = exchange.inbound
        headers = self._end_to_end(exchange)
        # The client's own conditions first: a 304 to them costs her link nothing.
        asks = client if client.any else wish
        _set_or_drop(headers, "If-None-Match", asks.if_none_match)
        _set_or_drop(headers, "If-Modified-Since", asks.if_modified_since)
        names = names_of(inbound)
        if names is not None:
            names.request(headers)
        if "Range" in headers and self._range_would_splice(exchange, headers):
            headers.popall("Range", None)
            headers.popall("If-Range", None)
        return headers

    def _end_to_end(self, exchange: Exchange) -> CIMultiDict[str]:
        """The client's fields that travel on; of a head that was read before they were found before."""
        inbound, catalogue = exchange.inbound, exchange.catalogue
        made, client = inbound.made, inbound.client
        key = (inbound.scheme, client.trusted, client.address.version, int(client.address))
        known = made.get(key) if made is not None else None
        if known is not None and known[0] is catalogue:
            return known[1].copy()
        codings = _asked_codings(exchange.codings)
        headers = request_headers(inbound, catalogue.settings, via=self._via, accept_encoding=codings)
        if made is not None:
            if len(made) >= _MOST_MADE:
                made.clear()
            made[key] = catalogue, headers.copy()
        return headers

    def _range_would_splice(self, exchange: Exchange, headers: CIMultiDict[str]) -> bool:
        if "If-Range" in headers:
            return False  # the origin compares; a tag of ours never matches there, and a full 200 follows
        facts, decision = exchange.facts, exchange.decision
        treatments = decision.treatments
        if facts.kind is MediaKind.IMAGE and treatments.image.action is Action.ADAPT:
            return True
        touched = not decision.observe and not decision.bypassed
        if touched and treatments.stream.action is Action.ADAPT and kind_of_path(facts.path) is MediaKind.STREAM:
            return True  # a media element asks for a range of anything, and a part of a manifest can't be capped
        return self._sticky.was_adapted(exchange.inbound.url, exchange.now)

    async def received(self, exchange: Exchange, response: OriginReply) -> Fetched:
        """A response whose head is there, made ready for the stages. Raises ExchangeError where its body breaks."""
        facts = response_facts(exchange, response)
        prefix = b""
        if exchange.body_wanted and not response.at_end:
            if facts.content_type in ("text/html", "application/xhtml+xml"):
                prefix = await response.read_up_to(_PAGE_PREFIX_BYTES, _PAGE_PREFIX_S)
            else:
                # A body of one buffer goes out in one piece, which halves its cost.
                small = facts.length_bytes is not None and facts.length_bytes <= _ONE_PIECE_BYTES
                wanted = _ONE_PIECE_BYTES if small else _FIRST_BYTES
                prefix = await response.read_up_to(wanted, _FIRST_BYTES_S)
        if response.from_origin:
            exchange.tally.from_origin_bytes += len(prefix)
        forward = exchange.inbound.mode is Mode.FORWARD
        fetched = Fetched(
            upstream=response,
            headers=_dressed(exchange, end_to_end(response.headers, via=self._via if forward else None), response.way),
            facts=with_sniffed(facts, prefix, from_start=_from_start(response)),
            prefix=prefix,
            complete=response.at_end,
        )
        names = names_of(exchange.inbound)
        return fetched if names is None else renamed(exchange, fetched, names)


def _set_or_drop(headers: CIMultiDict[str], name: str, value: str | None) -> None:
    if name in headers:
        headers.popall(name)
    if value:
        headers[name] = value


@lru_cache(maxsize=64)
def _asked_codings(accepted: tuple[str, ...]) -> str:
    """What the origin is asked for: of the codings that this client takes those that we can read."""
    return ", ".join(name for name in ("gzip", "br", "zstd") if name in accepted) or "identity"


def asked_of(exchange: Exchange, headers: CIMultiDict[str]) -> Asked:
    """The client's request as the origin gets it, and for whom. headers: final, end to end."""
    inbound, decision = exchange.inbound, exchange.decision
    request, held = inbound.request, exchange.held
    has_body = held is not None or (request.body_exists and request.can_read_body)
    length = None if not has_body else request.content_length if held is None else len(held)
    kept = kept_targets(inbound.target, by_app=exchange.facts.audience is Audience.APP)
    if decision.stored_only:
        headers["Cache-Control"] = "only-if-cached"  # RFC 9111 section 5.2.1.7
    return Asked(
        origin=inbound.origin,
        method=request.method,
        scheme=inbound.scheme,
        host=inbound.host,
        port=inbound.port,
        target=inbound.target,
        headers=headers,
        body=(client_body(exchange) if held is None else held.pieces()) if has_body else None,
        content_length=length,
        expect_continue=_continuer(request) if has_body and held is None else None,
        learner=exchange.who.learner,
        untouched=is_untouched(decision),
        document=exchange.facts.audience in _DOCUMENTS,
        kept_as=kept[0] if kept else None,
        also_kept_as=kept[1:],
        only_stored=decision.stored_only,
        own_life_s=own_life_s(exchange),
        link_bps=decision.link.down_bps,
        price=decision.price.amount,
    )


def is_untouched(decision: Decision) -> bool:
    """Whether every answer must be the origin's own: where answers count, and where Tropa was told to keep out."""
    sacred = decision.exempt or decision.traffic_class is TrafficClass.ASSESSMENT
    return sacred or decision.bypassed or decision.observe


def _dressed(exchange: Exchange, headers: CIMultiDict[str], way: Way) -> CIMultiDict[str]:
    """With Cache-Status (RFC 9211) where it tells of something and the operator wants such fields."""
    exchange.tally.way = way
    if way.cache_status and exchange.catalogue.settings.decision_header:
        headers.add("Cache-Status", way.cache_status)
    return headers


def names_of(inbound: Inbound) -> NameMap | None:
    """The map of names where this origin's public name differs from its upstream's."""
    origin = inbound.origin
    if origin is None or not origin.rename or origin.upstream is None:
        return None
    return name_map(origin.upstream, inbound.scheme, inbound.authority)


def renamed(exchange: Exchange, fetched: Fetched, names: NameMap) -> Fetched:
    """The response under the public name: its head, and its body if that is a whole text we can decode."""
    names.response(fetched.headers)
    facts = fetched.facts
    text = kind_of_type(facts.content_type) in _TEXTS and facts.content_coding in DECODABLE and not facts.partial
    if not text or not exchange.body_wanted:
        return fetched
    for name in ("Content-Encoding", "Content-Length", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest"):
        fetched.headers.popall(name, None)
    decoder = OriginDecoder(facts.content_coding, max_bytes=exchange.limits.max_html_rewrite_bytes)
    plain = replace(facts, content_coding="", length_bytes=None)
    text_prefix = decoder.feed(fetched.prefix)
    if fetched.complete:
        decoder.finish()
        return replace(fetched, facts=plain, prefix=names.text(text_prefix))
    stream = names.stream()
    mapped = _mapped(exchange, fetched, decoder, stream)
    return replace(fetched, facts=plain, prefix=stream.feed(text_prefix), mapped=mapped)


async def _mapped(
    exchange: Exchange, fetched: Fetched, decoder: OriginDecoder, stream: StreamMap
) -> AsyncIterator[bytes]:
    async for chunk in fetched.rest(exchange.tally):
        if text := stream.feed(decoder.feed(chunk)):
            yield text
    decoder.finish()
    yield stream.finish()


def _from_start(response: OriginReply) -> bool:
    return response.status != 206 or response.headers.get("Content-Range", "").startswith("bytes 0-")


async def client_body(exchange: Exchange) -> AsyncIterator[bytes]:
    """The client's body as it comes, counted."""
    async for chunk in exchange.inbound.request.content.iter_chunked(16384):
        exchange.tally.up_bytes += len(chunk)
        yield chunk


def _continuer(request: web.BaseRequest) -> Callable[[], None] | None:
    """What says "100 Continue" to a client that waits for it (RFC 9110 section 10.1.1), None for any other."""
    if request.headers.get("Expect", "").lower() != "100-continue" or request.version < (1, 1):
        return None

    def go_on() -> None:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    return go_on


def response_facts(exchange: Exchange, response: OriginReply) -> ResponseFacts:
    """The response's head as the policy sees it."""
    headers = response.headers
    essence, charset = _media_type(headers.get("Content-Type", ""))
    coding = _coding(headers.getall("Content-Encoding")) if "Content-Encoding" in headers else ""
    control = said(headers)
    told: dict[str, str] = {}
    for lower, name in _RULE_FIELDS:
        if name in headers:
            told[lower] = headers[name]
    return ResponseFacts(
        status=response.status,
        content_type=essence,
        charset=charset,
        length_bytes=response.content_length,
        content_coding=coding,
        attachment="content-disposition" in told and _is_kept(exchange.facts, told["content-disposition"]),
        no_transform=control.no_transform,
        private=control.private,
        immutable=control.lasting,
        partial=response.status == 206,
        request_kind=exchange.facts.kind,
        path=exchange.facts.path,
        headers=told,
        accepts=_modern(exchange.inbound.request.headers.get("Accept", "")),
    )


def _is_kept(facts: RequestFacts, disposition: str) -> bool:
    """A download by the origin's word. What a page shows or plays is none: Moodle says so of all that forums hold."""
    if not disposition.lower().startswith("attachment"):
        return False
    is_shown = facts.audience is Audience.SUBRESOURCE and facts.kind is MediaKind.IMAGE
    return not is_shown and facts.audience is not Audience.MEDIA


@lru_cache(maxsize=512)
def _media_type(content_type: str) -> tuple[str, str | None]:
    """Essence and charset, both lower case."""
    essence, _, params = content_type.partition(";")
    return essence.strip().lower(), _charset(params)


@lru_cache(maxsize=512)
def _modern(accept: str) -> frozenset[str]:
    return frozenset(kind for kind in _MODERN_IMAGES if kind in accept)


def with_sniffed(facts: ResponseFacts, prefix: bytes, *, from_start: bool) -> ResponseFacts:
    """The facts with what the body's first bytes prove. from_start False (a range from the middle) proves nothing."""
    if not prefix or not from_start:
        return facts
    plain = _uncoded(prefix, facts.content_coding) if facts.content_coding else prefix
    sniffed = sniff(plain)
    if sniffed is None or sniffed is kind_of_type(facts.content_type):
        return facts
    return replace(facts, sniffed=sniffed, manifest=manifest_of_bytes(plain) if sniffed is MediaKind.STREAM else "")


def _uncoded(prefix: bytes, coding: str) -> bytes:
    if coding not in DECODABLE:
        return b""
    try:
        return Decoder(coding, max_bytes=_SNIFF_ROOM_BYTES).feed(prefix[:_FIRST_BYTES])
    except CodingError:
        return b""


def _coding(values: list[str]) -> str:
    text = ",".join(values).strip().lower()
    return "" if text == "identity" else text


def _charset(params: str) -> str | None:
    for param in params.split(";"):
        name, _, value = param.strip().partition("=")
        if name.lower() == "charset" and value:
            return value.strip("\"' ").lower()
    return None
