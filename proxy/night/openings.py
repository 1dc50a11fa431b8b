"""Which of the things that nights brought somebody opens: noticed as exchanges are logged and films are shown.

Laws of this file: nothing is kept of who opened it; what a night fetched itself is no opening, nor is what was
withheld; the log's thread only reads a dictionary and adds to a queue, so that no exchange waits for it; memory is
bounded, and what finds no room is noticed when it is opened again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from proxy.exchange import Receipt

_GIVEN = frozenset((200, 206, 304))
_MOST = 10_000  # openings between two looks
_NO_OPENING = frozenset(("night", "withheld", "dropped", "refused", "deferred", "error"))


def path_of(url: str) -> str:
    """A thing by its path: how it is asked for (to show, to keep) and under which name of its site make no other."""
    slash = url.find("/", url.find("://") + 3)
    return url[slash:].partition("#")[0].partition("?")[0] if slash > 0 else "/"


class Openings:
    """One per process. `here`: path -> when it came, swapped as a whole."""

    def __init__(self) -> None:
        self.here: Mapping[str, datetime] = {}
        self._opened: deque[tuple[str, datetime]] = deque(maxlen=_MOST)  # adding and taking are atomic

    def told(self, receipts: Iterable[Receipt]) -> None:
        """Of exchanges that are over; called by the log's thread."""
        here = self.here
        if not here:
            return
        for receipt in receipts:
            path = path_of(receipt.url)
            came = here.get(path)
            if came is None or receipt.status not in _GIVEN or receipt.treatment in _NO_OPENING:
                continue
            if receipt.at >= came:
                self._opened.append((path, receipt.at))

    def watched(self, url: str, now: datetime) -> None:
        """A version of this film, recording or document was shown to somebody; versions have addresses of their own."""
        self._opened.append((path_of(url), now))

    def taken(self) -> Mapping[str, datetime]:
        """What was opened since this was last asked: path -> when first."""
        found: dict[str, datetime] = {}
        while self._opened:
            path, at = self._opened.popleft()
            found.setdefault(path, at)
        return found
