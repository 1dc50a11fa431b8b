"""PassThrough: the origin's bytes as they are; only an uncoded text may be coded for the way.

Laws: a body that is already coded, partial, short, or none of our known texts is not touched; neither is one that the
plan forbids to recode (no-transform honoured); lengths, ranges and validators of untouched bodies stay the origin's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from policies.kinds import kind_of_type
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.codings import live_encoder
from proxy.deliver.heads import add_vary
from proxy.stages.context import Exchange, Fetched

_WORTH_CODING_BYTES = 860  # one packet's worth: below it a coding saves no packet
_FLUSH_EVERY_BYTES = 16384
_TEXTS = frozenset({MediaKind.PAGE, MediaKind.SCRIPT, MediaKind.STYLE, MediaKind.DATA})
_LIVE_STREAMS = frozenset({"text/event-stream", "application/grpc"})


def passing_answer(exchange: Exchange, fetched: Fetched, *, may_recompress: bool) -> Answer:
    """The response as it is."""
    tally = exchange.tally
    tally.kind = effective_kind(fetched)
    answer = Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=fetched.headers, body=None)
    if not exchange.body_wanted or fetched.facts.status in (204, 304):
        return answer
    if may_recompress and exchange.codings and _worth_coding(fetched):
        _coded(exchange, fetched, answer, exchange.codings[0])
    elif fetched.complete:
        answer.body = fetched.prefix
    else:
        answer.body = fetched.chunks(tally)
    return answer


def effective_kind(fetched: Fetched) -> MediaKind:
    """What the receipt calls it."""
    facts = fetched.facts
    return facts.sniffed or kind_of_type(facts.content_type) or facts.request_kind or MediaKind.OTHER


def _worth_coding(fetched: Fetched) -> bool:
    facts = fetched.facts
    if facts.content_coding or facts.partial or facts.status != 200 or facts.content_type in _LIVE_STREAMS:
        return False
    if kind_of_type(facts.content_type) not in _TEXTS and facts.content_type != "image/svg+xml":
        return False
    length = len(fetched.prefix) if fetched.complete else facts.length_bytes
    return length is None or length >= _WORTH_CODING_BYTES


def _coded(exchange: Exchange, fetched: Fetched, answer: Answer, coding: str) -> None:
    headers = answer.headers
    headers["Content-Encoding"] = coding
    add_vary(headers, ("Accept-Encoding",))
    for name in ("Content-Length", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest"):
        headers.popall(name, None)
    etag = headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # RFC 9110 section 8.8.1: another coding, another strong validator
        headers["ETag"] = "W/" + etag
    exchange.tally.treatment = "text"
    if fetched.complete:
        encoder = live_encoder(coding)
        answer.body = encoder.feed(fetched.prefix) + encoder.finish()
        headers["Content-Length"] = str(len(answer.body))
        exchange.tally.direct_bytes = len(fetched.prefix)
    else:
        answer.body = _coded_stream(exchange, fetched, coding)


async def _coded_stream(exchange: Exchange, fetched: Fetched, coding: str) -> AsyncIterator[bytes]:
    encoder, unflushed, total = live_encoder(coding), 0, 0
    async for chunk in fetched.chunks(exchange.tally):
        total += len(chunk)
        unflushed += len(chunk)
        coded = encoder.feed(chunk)
        if unflushed >= _FLUSH_EVERY_BYTES or total == unflushed:
            coded += encoder.flush()
            unflushed = 0
        if coded:
            yield coded
    exchange.tally.direct_bytes = total
    yield encoder.finish()
