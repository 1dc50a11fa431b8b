"""A stored response as the store hands it out, and how it becomes a row of the index and back: plain values.

Law: a row that makes no sense raises ValueError here and is never a response.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.account.redact import redacted
from proxy.cache.asked import Asked
from proxy.cache.http.conditions import opaque
from proxy.cache.http.directives import Fields, response_directives
from proxy.cache.http.freshness import Moments, explicit_lifetime_s, heuristic_lifetime_s, initial_age_s
from proxy.cache.http.storing import is_document, kept_fields
from proxy.cache.http.values import StoredHead
from proxy.cache.http.vary import Selecting, read_selecting, selecting
from proxy.cache.object_index import Row
from proxy.cache.variant_keys import VOLATILE_PARAMETERS, stable_url
from proxy.cache.worth import refetch_s
from proxy.exchange import authority_of
from proxy.media.extents import Extents
from proxy.upstream.reply import Whose


class StoredResponse(Frozen, frozen=True, kw_only=True):
    """extents None: the body is whole, `row.length` bytes of it."""

    row: Row
    head: StoredHead
    extents: Extents | None
    selected: Selecting

    @property
    def whose(self) -> Whose:
        return Whose(self.row.whose)

    @property
    def there(self) -> Extents:
        """What of the body is there."""
        return self.extents if self.extents is not None else Extents(((0, self.row.length or 0),))

    def fits(self, request: Fields) -> bool:
        """Whether what its Vary names is the same in this request (RFC 9111 section 4.1)."""
        return not self.row.vary or self.selected.fits(self.row.twin, request)


# -- keys: what is kept under one of them is one response for one kind of reader ------------------------------------


def url_of(asked: Asked) -> str:
    """The public address under which an answer is kept."""
    return _url(asked, asked.kept_as or asked.target)


def other_urls(asked: Asked) -> tuple[str, ...]:
    """Public addresses under which the same may have been kept for browsers."""
    return tuple(_url(asked, target) for target in asked.also_kept_as)


def _url(asked: Asked, target: str) -> str:
    return f"{asked.scheme}://{authority_of(asked.scheme, asked.host, asked.port)}{target}"


def shared_key(asked: Asked, url: str) -> bytes:
    volatile = asked.origin.preset.volatile_query if asked.origin is not None else frozenset[str]()
    return address_key(url, volatile)


def address_key(url: str, volatile: frozenset[str]) -> bytes:
    """Where that lies which anybody may have of an address. volatile: parameters that don't change the content."""
    return _key("shared", stable_url(url, volatile))


def confirmed_key(asked: Asked, url: str) -> bytes:
    """Where that lies which the origin must confirm to each who asks."""
    origin = asked.origin.id if asked.origin is not None else ""
    address = stable_url(
        url, VOLATILE_PARAMETERS | (asked.origin.preset.volatile_query if asked.origin else frozenset())
    )
    return _key("confirmed", origin, address)


def own_key(asked: Asked, url: str) -> bytes:
    return _key("own", asked.learner, stable_url(url, VOLATILE_PARAMETERS))


def _key(*parts: str) -> bytes:
    return blake2b("\n".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).digest()


# -- rows -----------------------------------------------------------------------------------------------------------


def new_row(
    asked: Asked,
    url: str,
    whose: Whose,
    status: int,
    reason: str,
    headers: Fields,
    moments: Moments,
    life_s: float | None,
) -> Row:
    """The row of a response that has come; its body is told of later (`with_body`)."""
    etag = headers.get("ETag", "")
    selected = selecting(headers, asked.headers)
    kept = kept_fields(headers, drop_cookies=True)
    for name in ("Content-Length", "Content-Range"):
        kept.popall(name, None)  # told anew for each reply
    match whose:
        case Whose.SHARED:
            key, twin = shared_key(asked, url), selected.digest(asked.headers)
        case Whose.CONFIRMED:
            key, twin = confirmed_key(asked, url), _key(opaque(etag))
        case Whose.OWN:
            key, twin = own_key(asked, url), b""
    return Row(
        key=key,
        twin=twin,
        whose=whose.value,
        learner=asked.learner if whose is Whose.OWN else "",
        origin=asked.origin.id if asked.origin is not None else asked.host,
        url="" if whose is Whose.OWN else redacted(stable_url(url)),
        vary=selected.written() if whose is Whose.SHARED else "",
        status=200 if status == 206 else status,
        reason="OK" if status == 206 or not is_text(reason) else reason,
        head=written(kept),
        etag=etag,
        initial_age=initial_age_s(headers, moments),
        came=moments.came_s,
        lifetime=lifetime_s(status, headers, moments.came_s) if whose is Whose.SHARED else 0.0,
        expires=None if life_s is None else moments.came_s + life_s,
        used=moments.came_s,
    )


def lifetime_s(status: int, headers: Fields, came_s: float) -> float:
    explicit = explicit_lifetime_s(headers, came_s)
    return explicit if explicit is not None else heuristic_lifetime_s(status, headers, came_s) or 0.0


def with_body(
    row: Row, asked: Asked, *, file: str, length: int | None, extents: Extents, checks: bytes, taken: int
) -> Row:
    """The row with what lies on the disk."""
    whole = length is not None and extents.covers(0, length)
    return replace(
        row,
        file=file,
        length=length,
        extents="" if whole else json.dumps(extents.spans),
        checks=checks,
        disk_bytes=taken,
        cost_s=refetch_s(length or extents.total_bytes, link_bps=asked.link_bps, price=asked.price),
    )


def written(headers: Fields) -> str:
    """In ASCII: bytes that aren't UTF-8 (file names in windows-1251) fit into no column, and come back from this."""
    return json.dumps(list(headers.items()), separators=(",", ":"))


def is_text(text: str) -> bool:
    """Whether a column can hold it: no bytes that aren't UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def stored_of(row: Row) -> StoredResponse:
    """The response that a row stands for. Raises ValueError for a row that makes no sense."""
    headers: CIMultiDict[str] = CIMultiDict(json.loads(row.head))
    directives, document = response_directives(headers), is_document(headers)
    silent = document or explicit_lifetime_s(headers, row.came) is None
    head = StoredHead(
        status=row.status,
        headers=headers,
        directives=directives,
        lifetime_s=row.lifetime,
        initial_age_s=row.initial_age,
        came_s=row.came,
        invalidated=bool(row.invalid),
        document=document,
        unsaid=silent and not directives.shown_to_all,
    )
    return StoredResponse(
        row=row,
        head=head,
        extents=Extents.of(json.loads(row.extents)) if row.extents else None,
        selected=read_selecting(row.vary, headers.get("Content-Encoding", "")),
    )
