"""Response heads: what goes on from the origin's, and what an adapted response says instead.

Laws (RFC 9110 sections 7.6, 7.7, 8.8; RFC 9111 section 5.2): hop-by-hop fields stay behind; a body that was changed
loses digests, trailers, ranges and validators that were its own; it is `private`, never `immutable`, fresh no longer
than the decision is valid; the origin's Content-Security-Policy is never weakened: ours is a second one, and
policies intersect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.headbytes import HOP_BY_HOP

# Fields that speak of the very bytes that were replaced.
_OF_THE_OLD_BODY = (
    "Content-Length",
    "Content-MD5",
    "Digest",
    "Content-Digest",
    "Repr-Digest",
    "Want-Digest",
    "Accept-Ranges",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Content-Encoding",
    "Signature",
    "Signature-Input",
    "X-Content-Duration",
)
_ADAPTED_VARY = ("Accept", "Accept-Encoding", "Save-Data")
_LONGEST_FRESHNESS_S = 86_400


def end_to_end(headers: CIMultiDictProxy[str] | CIMultiDict[str], *, via: str | None) -> CIMultiDict[str]:
    """The origin's fields that travel on, in order. via: our line, which a proxy must add; None: a gateway may not
    (RFC 9110 section 7.6.3), and saves its bytes on the learner's link."""
    kept: CIMultiDict[str] = CIMultiDict(headers)
    for value in headers.getall("Connection", ()):
        for token in value.split(","):
            kept.popall(token.strip(), None)
    for name in HOP_BY_HOP:
        if name in kept:
            del kept[name]
    if via is not None:
        kept.add("Via", via)
    return kept


def adapted(
    headers: CIMultiDict[str],
    *,
    content_type: str | None,
    etag: str | None,
    now: datetime,
    valid_until: datetime | None,
) -> CIMultiDict[str]:
    """The head of a changed body. content_type None: as the origin's. Mutates and returns `headers`."""
    origin_cache_control = ", ".join(headers.getall("Cache-Control", ()))
    for name in _OF_THE_OLD_BODY:
        headers.popall(name, None)
    if content_type is not None:
        headers["Content-Type"] = content_type
    if etag is not None:
        headers["ETag"] = etag
    headers.popall("Cache-Control", None)
    headers.popall("Expires", None)
    headers["Cache-Control"] = private_freshness(origin_cache_control, now=now, valid_until=valid_until)
    add_vary(headers, _ADAPTED_VARY)
    return headers


def add_vary(headers: CIMultiDict[str], names: Iterable[str]) -> None:
    """Name further fields in Vary, once each."""
    present = [token.strip() for value in headers.getall("Vary", ()) for token in value.split(",") if token.strip()]
    if "*" in present:
        return
    lower = {token.lower() for token in present}
    present += [name for name in names if name.lower() not in lower]
    headers.popall("Vary", None)
    headers["Vary"] = ", ".join(present)


def private_freshness(cache_control: str, *, now: datetime, valid_until: datetime | None) -> str:
    """Cache-Control of an adapted response: the origin's own freshness, private, cut at `valid_until`."""
    directives = _directives(cache_control)
    if "no-store" in directives:
        return "private, no-store"
    if "no-cache" in directives:
        return "private, no-cache"
    seconds = _seconds(directives.get("max-age"))
    if seconds is None:
        return "private, no-cache"
    # A day at most even for immutable revisions: a changed policy must reach browsers by tomorrow.
    seconds = min(seconds, _LONGEST_FRESHNESS_S)
    if valid_until is not None:
        seconds = min(seconds, max(0, int((valid_until - now).total_seconds())))
    return f"private, max-age={seconds}"


@lru_cache(maxsize=512)
def _directives(cache_control: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('"')
    return found


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def has_directive(headers: CIMultiDictProxy[str] | CIMultiDict[str], *names: str) -> bool:
    """Whether Cache-Control carries one of these directives."""
    if "Cache-Control" not in headers:
        return False
    text = ", ".join(headers.getall("Cache-Control"))
    return bool(text) and not _directives(text).keys().isdisjoint(names)


class Said(NamedTuple):
    """What Cache-Control says of a response to whoever treats it. private: `no-store` included; lasting: an hour."""

    no_transform: bool
    private: bool
    lasting: bool


_NOTHING_SAID = Said(no_transform=False, private=False, lasting=False)


def said(headers: CIMultiDictProxy[str] | CIMultiDict[str]) -> Said:
    """All of it at once: sites say the same few things again and again."""
    return _said(", ".join(headers.getall("Cache-Control"))) if "Cache-Control" in headers else _NOTHING_SAID


@lru_cache(maxsize=512)
def _said(cache_control: str) -> Said:
    headers = CIMultiDict({"Cache-Control": cache_control})
    return Said(
        no_transform=has_directive(headers, "no-transform"),
        private=has_directive(headers, "private", "no-store"),
        lasting=long_lived(headers),
    )


def long_lived(headers: CIMultiDictProxy[str] | CIMultiDict[str], *, at_least_s: int = 3600) -> bool:
    """Whether the origin lets it be kept for a while, so that coding it well pays."""
    if "Cache-Control" not in headers:
        return False
    directives = _directives(", ".join(headers.getall("Cache-Control")))
    return "immutable" in directives or (_seconds(directives.get("max-age")) or 0) >= at_least_s
