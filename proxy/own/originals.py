"""What learners took as "original": for 24 hours the item goes to that learner as the origin has it.

Laws: a grant is one learner's and one URL's (a stream's covers the folder of its manifest, where its segments are; a
recording's the folders of its films);
it ends with the origin's logout; only digests of URLs are kept on disk.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b

from policies.kinds import kind_of_path
from policies.values import MediaKind
from proxy.account.state import DropMarks, Mark, MarkQuery, PutMark, State
from proxy.exchange import Inbound
from proxy.stages.recordings import folder_of

GRANT_LIFETIME = timedelta(hours=24)
_KIND = "original"


def _digest(url: str) -> str:
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _folder(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[0] + "/"


class Originals:
    """Grants in memory, kept by State over restarts.

    A restart keeps that a URL was granted (by digest), but not its spelling: pages then show the card again until the
    next tap, while the granted address itself still opens.
    """

    def __init__(self, state: State, *, max_learners: int = 10_000) -> None:
        self._state = state
        self._max_learners = max_learners
        self._urls: OrderedDict[str, dict[str, datetime]] = OrderedDict()
        self._digests: OrderedDict[str, dict[str, datetime]] = OrderedDict()

    async def start(self, now: datetime) -> None:
        for mark in await self._state.list(MarkQuery(kind=_KIND, now=now)):
            self._digests.setdefault(mark.owner, {})[mark.key] = mark.until

    async def grant(self, learner: str, url: str, now: datetime) -> None:
        until = now + GRANT_LIFETIME
        keys = [url, _folder(url)] if kind_of_path(url.partition("?")[0]) is MediaKind.STREAM else [url]
        recording = folder_of(url)
        if recording is not None:
            keys += [f"{recording}{part}/" for part in ("video", "deskshare", "audio")]
        self._hold(self._urls, learner, dict.fromkeys(keys, until))
        self._hold(self._digests, learner, {_digest(key): until for key in keys})
        await self._state.commit(
            [PutMark(Mark(kind=_KIND, owner=learner, key=_digest(key), until=until)) for key in keys]
        )

    def _hold(self, book: OrderedDict[str, dict[str, datetime]], learner: str, grants: dict[str, datetime]) -> None:
        book.setdefault(learner, {}).update(grants)
        book.move_to_end(learner)
        if len(book) > self._max_learners:  # who took something longest ago is asked again
            book.popitem(last=False)

    def urls(self, learner: str, now: datetime) -> frozenset[str]:
        """The addresses that pages leave alone for this learner."""
        held = self._urls.get(learner)
        if not held:
            return frozenset()
        return frozenset(url for url, until in held.items() if until > now)

    def covers(self, learner: str, inbound: Inbound, now: datetime) -> bool:
        """Whether this very request is granted."""
        held = self._digests.get(learner)
        if not held:
            return False
        url = inbound.url
        # The same file asked for as a download ("?forcedownload=1") is the same file.
        keys = (url, _folder(url), url.partition("?")[0]) if kind_of_path(inbound.path) else (url, _folder(url))
        return any((until := held.get(_digest(key))) is not None and until > now for key in keys)

    def told(self, learner: str) -> dict[str, dict[str, str]]:
        """Addresses that she took whole, as far as their spelling is known, else their digests; and until when."""
        urls, digests = self._urls.get(learner, {}), self._digests.get(learner, {})
        spelt = {_digest(url) for url in urls}
        unspelt = {key: until for key, until in digests.items() if key not in spelt}
        known = {"addresses": urls, "digests_of_addresses": unspelt}
        return {name: {key: at.isoformat() for key, at in held.items()} for name, held in known.items() if held}

    async def forget(self, learner: str) -> None:
        """The origin's logout: what this learner took is no longer hers."""
        self._urls.pop(learner, None)
        if self._digests.pop(learner, None):
            await self._state.commit([DropMarks(kind=_KIND, owner=learner)])

    def sweep(self, now: datetime) -> None:
        """Drop what has ended."""
        for book in (self._urls, self._digests):
            for learner in list(book):
                live = {key: until for key, until in book[learner].items() if until > now}
                if live:
                    book[learner] = live
                else:
                    del book[learner]
