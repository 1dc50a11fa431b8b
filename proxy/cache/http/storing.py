"""What may be stored, and for whom: RFC 9111 section 3, and stricter where sites are known to be careless.

Laws of this file: nothing with a cookie for one person, nothing private, nothing that `no-store` names is ever
anybody's; where a request says whose it is, an origin's silence isn't taken for leave; nor is it where a request says
something that browsers don't say and the origin doesn't own to have heard: it may have chosen the answer by it.
"""

from __future__ import annotations

from multidict import CIMultiDict

from policies.frozen import Frozen
from policies.kinds import kind_of_type
from policies.values import MediaKind
from proxy.cache.http.conditions import is_strong
from proxy.cache.http.directives import Fields, ResponseDirectives, response_directives
from proxy.cache.http.freshness import explicit_lifetime_s, heuristic_lifetime_s
from proxy.cache.http.values import Asking
from proxy.cache.http.vary import vary_names
from proxy.cache.variant_keys import is_content_hash
from proxy.headbytes import HOP_BY_HOP

# What this cache knows the meaning of (sections 3 and 5.2.2.3).
UNDERSTOOD = frozenset({200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 451, 501})
_WORTH_STATUSES_WITH_EXPLICIT = frozenset({302, 303, 307, 451})
_DOCUMENTS = frozenset({MediaKind.PAGE, MediaKind.DATA, None})
_PERSONAL_VARY = frozenset({"cookie", "authorization", "*"})
_NEVER_STORED = HOP_BY_HOP | {"age", "cache-status"}


class StoreShared(Frozen, frozen=True, kw_only=True):
    """Anybody may be served from it. lifetime_s 0: after a validation each time."""

    lifetime_s: float


class StoreConfirmed(Frozen, frozen=True, kw_only=True):
    """Its bytes may serve whom the origin confirms that they are hers too."""

    etag: str


class StoreNot(Frozen, frozen=True, kw_only=True):
    """why: a word for Cache-Status and the log."""

    why: str


Storing = StoreShared | StoreConfirmed | StoreNot


def may_store(asking: Asking, status: int, headers: Fields, came_s: float) -> Storing:
    """Whether a response to this request may be stored, and for whom."""
    directives = response_directives(headers)
    refused = _refused(asking, status, headers, directives)
    if refused is not None:
        return StoreNot(why=refused)
    hindrance = _hindrance(asking, headers, directives)
    if hindrance is None:
        lifetime_s = _lifetime_s(asking, status, headers, came_s)
        if lifetime_s is not None:
            return StoreShared(lifetime_s=lifetime_s)
        hindrance = "no-freshness"
    etag = headers.get("ETag", "")
    if status in (200, 206) and is_strong(etag) and _proves(etag, headers, hindrance):
        return StoreConfirmed(etag=etag)
    return StoreNot(why=hindrance)


def _proves(etag: str, headers: Fields, hindrance: str) -> bool:
    """Whether equal tags mean equal bytes whoever asks: the content's own digest, or a file's that isn't somebody's."""
    return is_content_hash(etag) or (hindrance in ("no-freshness", "set-cookie") and not is_document(headers))


def _refused(asking: Asking, status: int, headers: Fields, directives: ResponseDirectives) -> str | None:
    """What forbids every kind of keeping."""
    if asking.method != "GET":
        return "method"
    if status not in UNDERSTOOD:
        return "status"
    if asking.directives.no_store:
        return "request-no-store"
    if directives.no_store and not directives.must_understand:  # section 5.2.2.3 lifts it for a status understood
        return "no-store"
    return "vary" if vary_names(headers) == ("*",) else None


def _hindrance(asking: Asking, headers: Fields, directives: ResponseDirectives) -> str | None:
    """What keeps it from being anybody's."""
    if "Set-Cookie" in headers:
        return "set-cookie"
    if asking.says_more_than(vary_names(headers)):
        return "request-field"
    if directives.private:
        return "private"
    if not _PERSONAL_VARY.isdisjoint(vary_names(headers)):
        return "vary"
    lets_authorised = directives.shown_to_all or directives.must_revalidate  # section 3.5
    if "Authorization" in asking.headers and not lets_authorised:
        return "authorization"
    if asking.is_somebodys and is_document(headers) and not directives.shown_to_all:
        return "cookie"
    return None


def _lifetime_s(asking: Asking, status: int, headers: Fields, came_s: float) -> float | None:
    """None: neither the origin nor a heuristic gives it any use here."""
    explicit = explicit_lifetime_s(headers, came_s)
    validated = "ETag" in headers or "Last-Modified" in headers
    if explicit is not None:
        return explicit if explicit > 0 or validated else None
    if status in _WORTH_STATUSES_WITH_EXPLICIT:
        return None
    if asking.is_somebodys:
        # The origin said nothing of who may have it, and it knew who asked.
        return 0.0 if response_directives(headers).public and validated else None
    guessed = heuristic_lifetime_s(status, headers, came_s)
    if guessed is not None:
        return guessed
    return 0.0 if validated and status == 200 else None


def is_document(headers: Fields) -> bool:
    """A page or data, or something without a name: what sites make for one person."""
    essence = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return (kind_of_type(essence) if essence else None) in _DOCUMENTS


def kept_fields(headers: Fields, *, drop_cookies: bool = False) -> CIMultiDict[str]:
    """Section 3.1: the fields that are stored; those that belong to one hop, or to one person, stay behind."""
    directives = response_directives(headers)
    dropped = _NEVER_STORED | directives.private_fields
    named = {token.strip().lower() for value in headers.getall("Connection", ()) for token in value.split(",")}
    if drop_cookies:
        dropped = dropped | {"set-cookie"}
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in dropped and name.lower() not in named
    )
