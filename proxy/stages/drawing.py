"""Drawings on their way: decoded to be read, coded to be sent.

Laws: an SVG is text, so it never goes uncoded to whom takes a coding; another coding is another representation, so its
tag is weak (RFC 9110 section 8.8.1); a body broken by the origin is the origin's fault, and said so.
"""

from __future__ import annotations

import asyncio

from multidict import CIMultiDict

from proxy.deliver.answer import Answer
from proxy.deliver.codings import best_encoder, compress, live_encoder
from proxy.deliver.heads import add_vary
from proxy.stages.context import Exchange, Fetched
from proxy.stages.decoding import OriginDecoder
from proxy.transforms.image.svg import MAX_SVG_BYTES

_WORTH_CODING_BYTES = 860
_BEST_UP_TO_BYTES = 64 * 1024  # 0.1 s of brotli at its best; larger ones get the quick level
_OF_ANOTHER_CODING = ("Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "Content-Encoding")


def plain_drawing(source: bytes, coding: str) -> bytes:
    """The drawing as text. Raises ExchangeError (upstream-malformed) where its coding is broken or a bomb."""
    if not coding:
        return source
    decoder = OriginDecoder(coding, max_bytes=32 * MAX_SVG_BYTES)
    plain = decoder.feed(source)
    decoder.finish()
    return plain


async def coded_drawing(codings: tuple[str, ...], headers: CIMultiDict[str], body: bytes) -> bytes:
    """The body in the client's best coding, if that makes it smaller; `headers` say so."""
    headers.popall("Content-Encoding", None)
    etag = headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        headers["ETag"] = "W/" + etag
    add_vary(headers, ("Accept-Encoding",))
    if not codings or len(body) < _WORTH_CODING_BYTES:
        return body
    encoder = best_encoder(codings[0]) if len(body) <= _BEST_UP_TO_BYTES else live_encoder(codings[0])
    coded = await asyncio.to_thread(compress, body, encoder)
    if len(coded) >= len(body):
        return body
    headers["Content-Encoding"] = codings[0]
    return coded


async def drawing_as_it_is(exchange: Exchange, fetched: Fetched, plain: bytes) -> Answer:
    """The origin's drawing, coded for the way; its freshness stays the origin's."""
    exchange.tally.treatment = "text"
    for name in _OF_ANOTHER_CODING:
        fetched.headers.popall(name, None)
    body = await coded_drawing(exchange.codings, fetched.headers, plain)
    fetched.headers["Content-Length"] = str(len(body))
    return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=body)
