"""Who got an adapted form of what: so that a Range never splices two files.

A download that began as an adapted variant and goes on after a window has opened would get the original's bytes.
Law: for 24 hours a Range without a matching If-Range for such a URL is answered with a full 200.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

_KEPT = timedelta(hours=24)


class Sticky:
    """Remembers (learner, URL) of adapted deliveries; bounded; forgets the oldest first."""

    def __init__(self, *, max_entries: int = 50_000) -> None:
        self._until: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._max_entries = max_entries

    def note(self, learner: str, url: str, now: datetime) -> None:
        key = (learner, url)
        self._until.pop(key, None)
        self._until[key] = now + _KEPT
        if len(self._until) > self._max_entries:
            self._until.popitem(last=False)

    def was_adapted(self, learner: str, url: str, now: datetime) -> bool:
        until = self._until.get((learner, url))
        return until is not None and now < until
