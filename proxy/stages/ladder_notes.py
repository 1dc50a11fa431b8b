"""Manifests that went out changed, kept over a restart: a film that is being watched goes on as it began.

Laws: a note is one learner's, ends by itself after as long as a ladder is remembered, at her logout and at an erasure;
what is kept is the origin's own text and the limits that were applied to it, so that the same is found in it again;
it is kept sealed (`noted`); bounded in number, in a learner's number and in bytes, the oldest go first; noting costs
the loop the same however many there are: packing and sealing are a thread's; a note that can't be read is left out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from proxy.account.seals import Seals
from proxy.account.secret import Keyed
from proxy.account.state import Mark, MarkQuery, State
from proxy.cache.variant_keys import stable_url
from proxy.media.queue_state import Rows
from proxy.stages.ladder_book import KEPT_S
from proxy.stages.noted import KIND, MOST_TEXT_BYTES, Sent, is_sealed, sealed_facts
from proxy.tasks import TaskKeeper
from proxy.transforms.ladder.spec import LadderSpec
from proxy.transforms.media.spec import CappedSpec

LIFE = timedelta(seconds=KEPT_S)
_AGAIN_AFTER = timedelta(minutes=1)  # a live manifest of which only rungs were taken; what it is refers to stays
_MOST_OF_ONE, _MOST_BYTES = 16, 16 << 20

_Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class _Noted:
    """nbytes: of the text while it waits, then of what is kept."""

    until: datetime
    nbytes: int
    digest: bytes = b""
    about: tuple[LadderSpec, CappedSpec | None] | None = None


class LadderNotes:
    """Notes in State. `start`, then what the last process left is given by `left_of` until it is `taken`."""

    def __init__(self, state: State, rows: Rows, keyed: Keyed, keeper: TaskKeeper) -> None:
        self._state = state
        self._rows = rows
        self._keyed = keyed
        self.seals = Seals(keyed)
        self._keeper = keeper
        self._known: OrderedDict[_Key, _Noted] = OrderedDict()
        self._hers: dict[str, OrderedDict[str, None]] = {}
        self._waiting: OrderedDict[_Key, tuple[Sent, _Noted]] = OrderedDict()
        self._packing = False
        self._bytes = 0
        self._left: dict[str, tuple[Mark, ...]] = {}

    async def start(self, now: datetime) -> None:
        """Read what the last process left. What isn't sealed was written by an older Tropa, and goes."""
        marks = await self._state.list(MarkQuery(kind=KIND, now=now))
        for mark in sorted(marks, key=lambda one: one.until):
            if not is_sealed(mark):
                self._rows.unmark(KIND, mark.owner, mark.key)
                continue
            self._left[mark.owner] = (*self._left.get(mark.owner, ()), mark)
            self._hold((mark.owner, mark.key), _Noted(until=mark.until, nbytes=_nbytes(mark)))

    def has_left(self, learner: str) -> bool:
        """Whether the last process left something of this learner's that hasn't been taken up yet."""
        return learner in self._left

    def left_of(self, learner: str) -> tuple[Mark, ...]:
        """What it left, sealed: `noted.opened` reads it."""
        return self._left.get(learner, ())

    def taken(self, learner: str) -> None:
        """It was taken up."""
        self._left.pop(learner, None)

    def note(self, learner: str, sent: Sent, now: datetime) -> None:
        """This went out to her just now. One that is too long is not kept: its film is loaded again after a restart."""
        if len(sent.text) > MOST_TEXT_BYTES:
            return
        key = (learner, self._keyed.digest("ladder-note", learner, stable_url(sent.url)).hex())
        about = (sent.spec, sent.capped)
        digest = blake2b(repr(about).encode() + sent.text, digest_size=12).digest()
        known = self._known.get(key)
        is_same = known is not None and known.digest == digest
        thinned_lately = sent.capped is None and known is not None and known.about == (sent.spec, None)
        if known is not None and (is_same or thinned_lately) and now + LIFE - known.until < _AGAIN_AFTER:
            return
        noted = _Noted(until=now + LIFE, nbytes=len(sent.text), digest=digest, about=about)
        self._waiting[key] = sent, noted
        self._hold(key, noted)
        self._drop_what_ended(now)
        if self._waiting and not self._packing:
            self._packing = True
            self._keeper.start(self._pack(), name="ladder notes")

    async def flush(self) -> None:
        """Everything that was noted so far is packed, and on its way to State."""
        while self._waiting:
            key, (sent, noted) = next(iter(self._waiting.items()))
            facts = await asyncio.to_thread(sealed_facts, self.seals, *key, sent)
            waiting = self._waiting.get(key)
            if waiting is None or waiting[1] is not noted:  # forgotten meanwhile, or said anew
                continue
            del self._waiting[key]
            mark = Mark(kind=KIND, owner=key[0], key=key[1], until=noted.until, facts=facts)
            self._bytes += _nbytes(mark) - noted.nbytes
            noted.nbytes = _nbytes(mark)
            self._rows.mark(mark)

    async def forget(self, learner: str) -> int:
        """Nothing of this learner's is kept. Returns how many notes there were."""
        self._left.pop(learner, None)
        keys = [(learner, key) for key in self._hers.get(learner, ())]
        for key in keys:
            self._drop(key)
        if keys:
            await self._rows.flush()
        return len(keys)

    async def _pack(self) -> None:
        try:
            await self.flush()
        finally:
            self._packing = False

    def _hold(self, key: _Key, noted: _Noted) -> None:
        """The newest of all and of hers; what is too much goes, the oldest first."""
        old = self._known.pop(key, None)
        self._bytes += noted.nbytes - (old.nbytes if old is not None else 0)
        self._known[key] = noted
        hers = self._hers.setdefault(key[0], OrderedDict())
        hers[key[1]] = None
        hers.move_to_end(key[1])
        if len(hers) > _MOST_OF_ONE:
            self._drop((key[0], next(iter(hers))))
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._known)))

    def _drop_what_ended(self, now: datetime) -> None:
        """Notes lie in the order of their ends, so each is looked at once more than it is kept."""
        while self._known:
            key, oldest = next(iter(self._known.items()))
            if oldest.until > now:
                return
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        self._bytes -= self._known.pop(key).nbytes
        self._waiting.pop(key, None)
        hers = self._hers[key[0]]
        del hers[key[1]]
        if not hers:
            del self._hers[key[0]]
        self._rows.unmark(KIND, *key)


def _nbytes(mark: Mark) -> int:
    return len(str(mark.facts.get("sealed", "")))
