"""What a stored response may do for a request at an instant (RFC 9111 section 4, RFC 5861).

Laws: a closed union, so that who asks must think of each answer; nothing stale goes out that the origin forbade to;
a page that an origin may make for one person isn't served to somebody it knows without asking it, unless it said so.
"""

from __future__ import annotations

from policies.frozen import Frozen
from proxy.cache.http.conditions import only_origin_can_say
from proxy.cache.http.directives import RequestDirectives
from proxy.cache.http.freshness import age_s
from proxy.cache.http.values import Asking, StoredHead


class Serve(Frozen, frozen=True, kw_only=True):
    """As it is. ttl_s negative: it is stale, and the client or the origin allowed that."""

    age_s: float
    ttl_s: float


class ServeAndRevalidate(Frozen, frozen=True, kw_only=True):
    """As it is, and the origin is asked meanwhile (RFC 5861 section 3)."""

    age_s: float
    ttl_s: float


class Validate(Frozen, frozen=True, kw_only=True):
    """After the origin has confirmed it. why: "stale" or "request", the words of RFC 9211 section 2.2."""

    why: str


class Miss(Frozen, frozen=True, kw_only=True):
    """It can't serve this request at all."""

    why: str


Use = Serve | ServeAndRevalidate | Validate | Miss


def use_of(stored: StoredHead, asking: Asking, now_s: float) -> Use:
    """What may be done with a stored response whose address, method and Vary fit the request."""
    if asking.method not in ("GET", "HEAD"):
        return Miss(why="method")
    if only_origin_can_say(asking.headers):
        return Miss(why="request")
    wishes, age = asking.directives, age_s(stored.initial_age_s, stored.came_s, now_s)
    if wishes.no_cache:
        return Validate(why="request")
    if age is None or stored.invalidated or stored.directives.no_cache:
        return Validate(why="stale")
    if asking.is_somebodys and stored.unsaid:
        return Validate(why="request")
    ttl = stored.lifetime_s - age
    if wishes.max_age_s is not None and age > wishes.max_age_s:
        return Validate(why="request")
    if ttl > 0:
        enough = wishes.min_fresh_s is None or ttl >= wishes.min_fresh_s
        return Serve(age_s=age, ttl_s=ttl) if enough else Validate(why="request")
    return _stale(stored, wishes, age, ttl)


def _stale(stored: StoredHead, wishes: RequestDirectives, age: float, ttl: float) -> Use:
    directives = stored.directives
    if directives.forbids_stale or wishes.min_fresh_s is not None:
        return Validate(why="stale")
    if wishes.max_stale_s is not None and -ttl <= wishes.max_stale_s:
        return Serve(age_s=age, ttl_s=ttl)
    window_s = directives.stale_while_revalidate_s
    if window_s is not None and -ttl <= window_s and wishes.max_age_s is None:
        return ServeAndRevalidate(age_s=age, ttl_s=ttl)
    return Validate(why="stale")


def may_stand_in(stored: StoredHead, asking: Asking, now_s: float, *, disconnected: bool) -> Serve | None:
    """Whether it may go out stale where the origin failed: by stale-if-error (RFC 5861 section 4), or, where the
    origin can't be reached, as anything that isn't a document and isn't forbidden to (RFC 9111 section 4.2.4)."""
    wishes, age = asking.directives, age_s(stored.initial_age_s, stored.came_s, now_s)
    if age is None or stored.directives.forbids_stale or stored.invalidated or wishes.no_cache:
        return None
    if asking.is_somebodys and stored.unsaid:
        return None
    ttl = stored.lifetime_s - age
    allowed = [s for s in (stored.directives.stale_if_error_s, wishes.stale_if_error_s) if s is not None]
    if any(-ttl <= seconds for seconds in allowed) or (disconnected and not stored.document):
        return Serve(age_s=age, ttl_s=ttl)
    return None
