"""Tropa's own answers coded for the way: on a thin link a style sheet of ours must not cost more than it must."""

from __future__ import annotations

from functools import lru_cache

from proxy.deliver.answer import Answer
from proxy.deliver.codings import best_encoder, compress, live_encoder
from proxy.deliver.heads import add_vary

_WORTH_BYTES = 500
_TEXTS = ("text/", "application/json", "application/problem+json", "image/svg+xml", "application/javascript")


def coded(answer: Answer, codings: tuple[str, ...]) -> Answer:
    """The answer in the best coding that the client accepts; static files at the best level, made once."""
    body, headers = answer.body, answer.headers
    if not codings or not isinstance(body, bytes) or len(body) < _WORTH_BYTES or "Content-Encoding" in headers:
        return answer
    if not headers.get("Content-Type", "").startswith(_TEXTS):
        return answer
    static = "immutable" in headers.get("Cache-Control", "")
    packed = _best(body, codings[0]) if static else compress(body, live_encoder(codings[0]))
    if len(packed) >= len(body):
        return answer
    answer.body = packed
    headers["Content-Encoding"] = codings[0]
    headers["Content-Length"] = str(len(packed))
    add_vary(headers, ("Accept-Encoding",))
    return answer


@lru_cache(maxsize=32)
def _best(body: bytes, coding: str) -> bytes:
    return compress(body, best_encoder(coding))
