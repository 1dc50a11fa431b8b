"""What is known of films and documents that pages name: lengths, and which versions are ready or can't be made.

Laws: bounded, for showing and for sparing a question to the origin, never for letting anybody have anything; what one
learner's private file told is told to her alone; what versions are may be kept over a restart, all else is memory's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TypeVar

from policies.frozen import Frozen
from proxy.media.refs import SourceRef
from proxy.pages.versions import MediaKnown
from proxy.stages.media_known import KnownMedia, Standing

_LOOK_HOLDS = timedelta(minutes=10)
_PUBLIC = ""
_V = TypeVar("_V")


class Seen(Frozen, frozen=True, kw_only=True):
    """A source as the origin showed it to a learner a while ago."""

    ref: SourceRef
    content_type: str
    at: datetime


class MediaBook:
    """URL (and learner, where it is private) -> what is known. The least recently noted is forgotten first.

    kept: what versions are, for the next process; None: that ends with this one.
    """

    def __init__(self, kept: KnownMedia | None = None, *, max_entries: int = 20_000) -> None:
        self._kept = kept
        self._known: OrderedDict[tuple[str, str], MediaKnown] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str], Seen] = OrderedDict()
        self._titles: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._max_entries = max_entries

    async def start(self, standing: Standing, now: datetime) -> None:
        """Learn what the last process knew of versions. standing: which of them are in store."""
        for owner, digest, known in await self._kept.left(standing, now) if self._kept is not None else ():
            if (digest, owner) not in self._known:
                self._put_known(digest, owner, known)

    # -- what the origin showed ----------------------------------------------------------------------------

    def saw(self, learner: str, url: str, ref: SourceRef, content_type: str, now: datetime) -> None:
        """The origin gave this learner this source."""
        self._put(self._seen, (url, learner), Seen(ref=ref, content_type=content_type, at=now))

    def seen(self, learner: str, url: str, now: datetime) -> Seen | None:
        """What the origin showed this learner within the last minutes."""
        seen = self._seen.get((url, learner))
        return seen if seen is not None and now - seen.at < _LOOK_HOLDS else None

    def forget(self, learner: str) -> None:
        """The origin's logout: whoever comes next is shown her own."""
        for key in [key for key in self._seen if key[1] == learner]:
            del self._seen[key]
        for key in [key for key in self._known if key[1] == learner != _PUBLIC]:
            self._drop_known(key)
        for key in [key for key in self._titles if key[1] == learner]:
            del self._titles[key]

    def titled(self, learner: str, url: str, title: str) -> None:
        """What a page of hers, or the recording itself, calls this source."""
        if title:
            self._put(self._titles, (url, learner), title)

    def title_of(self, learner: str, url: str) -> str:
        """ "" where nothing has told her."""
        return self._titles.get((url, learner), "")

    # -- what its versions are -----------------------------------------------------------------------------

    def known(self, learner: str, url: str) -> MediaKnown:
        """What may be shown to this learner of this address."""
        digest = _digest(url)
        return self._known.get((digest, learner)) or self._known.get((digest, _PUBLIC)) or MediaKnown()

    def has(self, learner: str, url: str) -> bool:
        digest = _digest(url)
        return (digest, learner) in self._known or (digest, _PUBLIC) in self._known

    def lasts(self, ref: SourceRef, url: str, duration_s: float | None) -> None:
        self._change(ref, url, duration_s=duration_s)

    def became_ready(self, ref: SourceRef, url: str, version: str, length_bytes: int, *, name: str = "") -> None:
        """name: what the store knows it by; without it a restart forgets it."""
        known = self._of(ref, url)
        waiting = {form: left_s for form, left_s in known.ready_in_s.items() if form != version}
        names = {**known.names, version: name} if name else known.names
        self._change(ref, url, ready={**known.ready, version: length_bytes}, names=names, ready_in_s=waiting)

    def is_under_way(self, ref: SourceRef, url: str, version: str, ready_in_s: float) -> None:
        self._change(ref, url, ready_in_s={**self._of(ref, url).ready_in_s, version: ready_in_s})

    def cannot_be(self, ref: SourceRef, url: str, version: str) -> None:
        known = self._of(ref, url)
        waiting = {form: left_s for form, left_s in known.ready_in_s.items() if form != version}
        self._change(ref, url, impossible=known.impossible | {version}, ready_in_s=waiting)

    def _of(self, ref: SourceRef, url: str) -> MediaKnown:
        return self._known.get((_digest(url), _owner(ref))) or MediaKnown()

    def _change(self, ref: SourceRef, url: str, **changes: object) -> None:
        changed, digest, owner = replace(self._of(ref, url), **changes), _digest(url), _owner(ref)  # type: ignore[arg-type]
        self._put_known(digest, owner, changed)
        if self._kept is not None:
            self._kept.put(owner, digest, changed)

    def _put_known(self, digest: str, owner: str, known: MediaKnown) -> None:
        self._known.pop((digest, owner), None)
        self._known[digest, owner] = known
        if len(self._known) > self._max_entries:
            self._drop_known(next(iter(self._known)))

    def _drop_known(self, key: tuple[str, str]) -> None:
        del self._known[key]
        if self._kept is not None:
            self._kept.drop(key[1], key[0])

    def _put(self, book: OrderedDict[tuple[str, str], _V], key: tuple[str, str], value: _V) -> None:
        book.pop(key, None)
        book[key] = value
        if len(book) > self._max_entries:
            book.popitem(last=False)


def _owner(ref: SourceRef) -> str:
    """Whose knowledge it is: a private file's length is its learner's alone, whatever its validator proves."""
    return ref.learner if ref.private else _PUBLIC


def _digest(url: str) -> str:
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
