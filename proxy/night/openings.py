"""Which of the things that nights brought somebody opens: noticed as exchanges are logged and films are shown.

Laws of this file: nothing is kept of who opened it; what a night fetched itself is no opening, nor is what was
withheld; a thing is known by its site, its path and what of its query names it; the log's thread only reads a
dictionary and adds to a queue, so that no exchange waits for it; memory is bounded and holds no address of a learner's,
and what finds no room is noticed when it is opened again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import blake2b

from msgspec import field

from policies.frozen import Frozen
from policies.model import Catalogue, Origin
from policies.place import host_of
from proxy.app_addresses import browser_url
from proxy.cache.variant_keys import VOLATILE_PARAMETERS, stable_url
from proxy.exchange import Receipt

Thing = bytes
_GIVEN = frozenset((200, 206, 304))
_MOST = 10_000  # openings between two looks
_NO_OPENING = frozenset(("night", "withheld", "dropped", "refused", "deferred", "error"))
_HOW_ASKED = VOLATILE_PARAMETERS | {"forcedownload", "offline", "embed"}  # Moodle's: to keep, by its app, in a frame


def path_of(url: str) -> str:
    """The path alone: the first, cheap question."""
    slash = url.find("/", url.find("://") + 3)
    return url[slash:].partition("#")[0].partition("?")[0] if slash > 0 else "/"


def thing_of(url: str, origin: Origin | None) -> Thing:
    """What an address names, whatever its site is called there, however it is asked for and in whose session.

    origin  whose it is; None: of no course that is known, so its host tells
    """
    volatile = _HOW_ASKED | origin.preset.volatile_query if origin is not None else _HOW_ASKED
    bare = stable_url(url, volatile)
    query = bare.partition("?")[2]
    named = "\n".join((_site(url, origin), path_of(bare), query))
    return blake2b(named.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _site(url: str, origin: Origin | None) -> str:
    """An origin's names are one site, but those below a `*.` of it: each of these is a site of its own."""
    host = host_of(url)
    if origin is None:
        return f"\n{host}"
    below = host not in origin.hosts and any(host.endswith(name[1:]) for name in origin.hosts if name.startswith("*."))
    return f"{origin.id}\n{host}" if below else origin.id


class Here(Frozen, frozen=True, kw_only=True):
    """What is here and wasn't opened yet. came: thing -> when; paths: of all of them."""

    came: Mapping[Thing, datetime] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()


class Openings:
    """One per process. `here` is swapped as a whole."""

    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self.here = Here()
        self._catalogue = catalogue
        self._opened: deque[tuple[Thing, datetime]] = deque(maxlen=_MOST)  # adding and taking are atomic

    def told(self, receipts: Iterable[Receipt]) -> None:
        """Of exchanges that are over; called by the log's thread."""
        here = self.here
        if not here.came:
            return
        for receipt in receipts:
            if receipt.status not in _GIVEN or receipt.treatment in _NO_OPENING:
                continue
            url = browser_url(receipt.url)
            if path_of(url) not in here.paths:
                continue
            thing = thing_of(url, self._catalogue().origins.get(receipt.origin))
            came = here.came.get(thing)
            if came is not None and receipt.at >= came:
                self._opened.append((thing, receipt.at))

    def watched(self, url: str, origin: Origin | None, now: datetime) -> None:
        """A version of this film, recording or document was shown to somebody; versions have addresses of their own."""
        self._opened.append((thing_of(url, origin), now))

    def taken(self) -> Mapping[Thing, datetime]:
        """What was opened since this was last asked: thing -> when first."""
        found: dict[Thing, datetime] = {}
        while self._opened:
            thing, at = self._opened.popleft()
            found.setdefault(thing, at)
        return found
