"""Who may have what is made of a source: those whom its origin has just let have the source itself.

Laws of this file: an entry is made only by the origin's own 200, 206 or 304 to that learner's own request; it slides
with use and still ends by itself; it is bounded, and forgetting one only means asking the origin again.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

IDLE = timedelta(minutes=10)  # longer than a player's pause between two ranges
MOST = timedelta(hours=4)  # a whole film without a break; then the origin is asked again
GRANTING = frozenset((200, 206, 304))
SAYING_NOTHING = frozenset((408, 416, 425, 429))  # and 5xx: of this moment or this range, not of her rights


class Authorised:
    """(learner, source key) -> until when; the least recently used is forgotten first."""

    def __init__(self, *, max_entries: int = 50_000) -> None:
        self._until: OrderedDict[tuple[str, str], tuple[datetime, datetime]] = OrderedDict()
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._until)

    def note(self, learner: str, source_key: str, status: int, now: datetime) -> None:
        """What the origin answered to this learner's own request for this source; a refusal ends what was granted."""
        entry = (learner, source_key)
        if status in SAYING_NOTHING or status >= 500:
            return
        self._until.pop(entry, None)
        if status not in GRANTING or not learner:
            return
        self._until[entry] = (now + IDLE, now + MOST)
        if len(self._until) > self._max_entries:
            self._until.popitem(last=False)

    def allows(self, learner: str, source_key: str, now: datetime) -> bool:
        """Whether she may have it now; asking is using, and puts the end off by `IDLE`, at most to `MOST`."""
        entry = (learner, source_key)
        until, last = self._until.get(entry, (now, now))
        if until <= now:
            self._until.pop(entry, None)
            return False
        self._until[entry] = (min(now + IDLE, last), last)
        self._until.move_to_end(entry)
        return True

    def forget(self, learner: str) -> None:
        """The learner has logged out."""
        for entry in [entry for entry in self._until if entry[0] == learner]:
            del self._until[entry]
