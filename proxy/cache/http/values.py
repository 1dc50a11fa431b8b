"""A stored response and a request as the rules see them."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.cache.http.directives import Fields, RequestDirectives, ResponseDirectives, request_directives

# What browsers, players, fronts and a school's box say with any request. A field that isn't here may be a key of its
# own (X-Auth-Token) or change what is answered behind the address's back (X-Original-URL, X-HTTP-Method-Override).
_USUAL = frozenset(
    {
        "accept", "accept-charset", "accept-encoding", "accept-language", "authorization", "cache-control",
        "connection", "cookie", "date", "device-memory", "dnt", "downlink", "dpr", "early-data", "ect",
        "expect", "forwarded", "from", "host", "icy-metadata", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "intervention", "keep-alive", "origin", "pragma",
        "priority", "purpose", "range", "referer", "rtt", "save-data", "service-worker",
        "service-worker-navigation-preload", "te",
        "upgrade-insecure-requests", "user-agent", "via", "viewport-width", "want-content-digest",
        "want-repr-digest", "width", "x-client-data", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-proto", "x-moz", "x-playback-session-id", "x-purpose", "x-requested-with",
    }
)  # fmt: skip


class Asking(Frozen, frozen=True, kw_only=True):
    """A request. method upper case."""

    method: str
    headers: Fields

    @property
    def directives(self) -> RequestDirectives:
        return request_directives(self.headers)

    @property
    def is_somebodys(self) -> bool:
        """It carries something by which an origin may know a person."""
        return "Cookie" in self.headers or "Authorization" in self.headers

    def says_more_than(self, selected_by: Iterable[str]) -> bool:
        """Whether it carries a field that is neither usual nor one that the answer was selected by (lower case)."""
        said = {name.lower() for name in self.headers} - _USUAL
        return any(not name.startswith("sec-") for name in said.difference(selected_by))


class StoredHead(Frozen, frozen=True, kw_only=True):
    """What the rules need of a stored response; made once when it is read from the index.

    headers       as they may go out again: end to end, without Age
    directives    of those headers
    lifetime_s    how long it is fresh after it was made
    initial_age_s, came_s  its age when it came, and when that was
    document      it is a page or data: what an origin may make for one person
    invalidated   an unsafe request went to its address: nothing but a validation makes it good again
    unsaid        the origin didn't say who may have it: a page or data without `public`, or a lifetime that was guessed
    """

    status: int
    headers: CIMultiDict[str]
    directives: ResponseDirectives
    lifetime_s: float
    initial_age_s: float
    came_s: float
    invalidated: bool = False
    document: bool = False
    unsaid: bool = False
