"""Addresses whose answers may not be stored, so that the next request for one asks the origin at once.

Most pages of a course say `no-store`. To look such an address up, and to have others wait for its answer (which then
serves none of them), cost a quarter of a small exchange.

Laws: asking the origin is always right, so a wrong memory costs time only; it is bounded and short; an answer that may
be stored after all is never passed over (the caller looks at each); what is asked in another way than it is kept
(by a token) says nothing of what others get.
"""

from __future__ import annotations

from functools import lru_cache

from policies.memory import remember
from proxy.cache.asked import Asked
from proxy.cache.http import status as cache_status
from proxy.cache.http.directives import Fields, response_directives
from proxy.upstream.reply import Way

_REMEMBERED_S = 60.0
_MOST = 4096
_MOST_CHARS = 1024
_Address = tuple[str, str, int, str]


class Unstorable:
    """Remembers by public address."""

    def __init__(self) -> None:
        self._until_s: dict[_Address, float] = {}

    def has(self, asked: Asked, now_s: float) -> bool:
        """Whether the last answer said `no-store`, and this request leaves open where its own comes from."""
        if asked.kept_as is not None:
            return False
        until_s = self._until_s.get((asked.scheme, asked.host, asked.port, asked.target))
        return until_s is not None and now_s < until_s and "Cache-Control" not in asked.headers

    def note(self, asked: Asked, headers: Fields, now_s: float) -> bool:
        """Look at an answer; whether it may not be stored."""
        if asked.kept_as is not None:
            return forbids(headers)
        address = (asked.scheme, asked.host, asked.port, asked.target)
        if not forbids(headers):
            self._until_s.pop(address, None)
            return False
        if len(address[3]) <= _MOST_CHARS:  # addresses are as long as strangers make them
            remember(self._until_s, address, now_s + _REMEMBERED_S, _MOST)
        return True


def forbids(headers: Fields) -> bool:
    """Whether the origin says `no-store` (RFC 9111 section 5.2.2.5), and no `must-understand` that may lift it."""
    if "Cache-Control" not in headers:
        return False
    directives = response_directives(headers)
    return directives.no_store and not directives.must_understand


@lru_cache(maxsize=256)
def not_stored(name: str, status: int) -> Way:
    """How such an answer was had, as Cache-Status tells it."""
    return Way(cache_status=cache_status.forwarded(name, "uri-miss", status=status, detail="no-store"))
