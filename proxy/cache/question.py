"""One request as the store looks at it, and which stored response is for it: pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from msgspec.structs import replace
from multidict import CIMultiDict

from policies.frozen import Frozen
from proxy.cache.asked import Asked
from proxy.cache.http.freshness import date_s
from proxy.cache.http.serving import Miss, Use, use_of
from proxy.cache.http.values import Asking
from proxy.cache.http.vary import accepted_codings, is_acceptable
from proxy.cache.stored import StoredResponse, shared_key, url_of

_OUR_CONDITIONS = ("If-None-Match", "If-Modified-Since")
_CONDITIONS = (*_OUR_CONDITIONS, "If-Match", "If-Unmodified-Since", "If-Range", "Range")


class Question(Frozen, frozen=True, kw_only=True):
    """now_s is when it was asked; key: where what anybody may have lies."""

    asked: Asked
    asking: Asking
    url: str
    key: bytes
    now_s: float

    @property
    def is_plain(self) -> bool:
        """It asks for the whole, without conditions."""
        return not any(name in self.asked.headers for name in _CONDITIONS)

    @property
    def flight(self) -> bytes | None:
        """Under what others' requests for the same may wait for this one's answer; None: never."""
        if not self.is_plain or self.asked.method != "GET":
            return None
        if self.asked.document and self.asking.is_somebodys:
            return None
        codings = ",".join(sorted(accepted_codings(self.asked.headers)))
        return blake2b(self.key + codings.encode(), digest_size=16).digest()

    def without_conditions(self, ours: CIMultiDict[str]) -> Asked:
        """The same request with our own conditions in place of the client's."""
        headers = CIMultiDict(self.asked.headers)
        for name in _CONDITIONS:
            headers.popall(name, None)
        headers.update(ours)
        return replace(self.asked, headers=headers)


def question(asked: Asked, now_s: float) -> Question:
    url = url_of(asked)
    asking = Asking(method=asked.method, headers=asked.headers)
    return Question(asked=asked, asking=asking, url=url, key=shared_key(asked, url), now_s=now_s)


def chosen(found: Iterable[StoredResponse], asked: Asked) -> StoredResponse | None:
    """Of those whose Vary fits the youngest (RFC 9111 section 4.1)."""
    fitting = [one for one in found if one.fits(asked.headers)]
    return max(fitting, key=_made_s, default=None)


def use_for(one: StoredResponse | None, asked: Question) -> Use:
    return Miss(why="uri-miss") if one is None else use_of(one.head, asked.asking, asked.now_s)


def confirmable(found: Iterable[StoredResponse], asked: Asked) -> list[StoredResponse]:
    """Of those that an origin may confirm the youngest few in codings that this client takes."""
    fitting = [one for one in found if is_acceptable(one.head.headers.get("Content-Encoding", ""), asked.headers)]
    return sorted(fitting, key=_made_s, reverse=True)[:4]


def _made_s(one: StoredResponse) -> float:
    made = date_s(one.head.headers.get("Date", ""))
    return made if made is not None else one.head.came_s
