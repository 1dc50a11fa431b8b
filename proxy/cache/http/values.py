"""A stored response and a request as the rules see them."""

from __future__ import annotations

from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.cache.http.directives import Fields, RequestDirectives, ResponseDirectives, request_directives


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
