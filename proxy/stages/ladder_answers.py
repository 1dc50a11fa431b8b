"""The answers that a manifest goes out with: cut, as it is, or its head alone.

Laws: a manifest as it is keeps the origin's bytes, at most coded for the way, which weakens its validator; a HEAD tells
nothing that only the body would show.
"""

from __future__ import annotations

from proxy.deliver.answer import Answer
from proxy.deliver.codings import compress, live_encoder
from proxy.deliver.heads import adapted, add_vary
from proxy.deliver.validators import adapted_etag, origin_validator
from proxy.stages.context import Exchange, Fetched

_WORTH_CODING_BYTES = 860


def adapted_manifest(exchange: Exchange, fetched: Fetched, body: bytes, way: str) -> Answer:
    """What was cut or told of a made rung, in its own coding and with a validator of its own."""
    validator = origin_validator(fetched.headers)
    headers = adapted(
        fetched.headers,
        content_type=None,
        etag=adapted_etag(validator, way),
        now=exchange.now,
        valid_until=exchange.decision.valid_until,
    )
    if exchange.codings and len(body) >= _WORTH_CODING_BYTES:
        headers["Content-Encoding"] = exchange.codings[0]
        body = compress(body, live_encoder(exchange.codings[0]))
    headers["Content-Length"] = str(len(body))
    return Answer(status=200, headers=headers, body=body)


def as_it_is(exchange: Exchange, fetched: Fetched, source: bytes) -> Answer:
    """A list as it is; coded for the way where the origin sends it plain, since live ones come every few seconds."""
    headers, whole = fetched.headers, fetched.facts.status == 200
    if whole and not fetched.facts.content_coding and exchange.codings and len(source) >= _WORTH_CODING_BYTES:
        source = compress(source, live_encoder(exchange.codings[0]))
        headers["Content-Encoding"] = exchange.codings[0]
        add_vary(headers, ("Accept-Encoding",))
        for name in ("Accept-Ranges", "Content-MD5", "Digest", "Content-Digest"):
            headers.popall(name, None)
        etag = headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            headers["ETag"] = "W/" + etag
    headers["Content-Length"] = str(len(source))
    return Answer(status=fetched.facts.status, reason=fetched.upstream.reason, headers=headers, body=source)


def head_alone(fetched: Fetched) -> Answer:
    """HEAD: what the body would be isn't known without it."""
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Last-Modified"):
        fetched.headers.popall(name, None)
    return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers)
