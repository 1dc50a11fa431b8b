"""What went out in an adapted form: so that a Range never splices two files.

A download that began as an adapted variant and goes on after a window has opened would get the original's bytes.
Law: for 24 hours a Range without a matching If-Range for such a URL is answered with a full 200.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b

_KEPT = timedelta(hours=24)


class Sticky:
    """Remembers the URLs of adapted deliveries, whoever got them: a learner's id may change between a download and its
    resumption (a first cookie, a login). Bounded; forgets the oldest first."""

    def __init__(self, *, max_entries: int = 50_000) -> None:
        self._until: OrderedDict[bytes, datetime] = OrderedDict()
        self._max_entries = max_entries

    def note(self, url: str, now: datetime) -> None:
        key = _key(url)
        self._until.pop(key, None)
        self._until[key] = now + _KEPT
        if len(self._until) > self._max_entries:
            self._until.popitem(last=False)

    def forget(self, url: str) -> None:
        """Whoever had it has begun anew."""
        self._until.pop(_key(url), None)

    def was_adapted(self, url: str, now: datetime) -> bool:
        until = self._until.get(_key(url)) if self._until else None
        return until is not None and now < until


def _key(url: str) -> bytes:
    """Addresses are as long as strangers make them."""
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).digest()
