"""Manifests that went out changed, kept over a restart: a film that is being watched goes on as it began.

Laws: a note is one learner's, ends by itself after as long as a ladder is remembered, at her logout and at an erasure;
what is kept is the origin's own text and the limits that were applied to it, so that the same is found in it again;
bounded in number, in a learner's number and in bytes, the oldest go first; nobody waits for the disk; a note that
can't be read is left out.
"""

from __future__ import annotations

import binascii
import logging
import zlib
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from policies.treatments import NothingFits
from proxy.account.state import Mark, MarkQuery, State
from proxy.cache.variant_keys import stable_url
from proxy.media.queue_state import Rows
from proxy.stages.ladder_book import KEPT_S
from proxy.transforms.ladder.spec import LadderSpec
from proxy.transforms.media.spec import CappedSpec

logger = logging.getLogger("tropa.ladders")

_KIND = "ladder"
LIFE = timedelta(seconds=KEPT_S)
_AGAIN_AFTER = timedelta(minutes=1)  # a live manifest of which only rungs were taken; what it is refers to stays
_MOST_OF_ONE, _MOST_BYTES, _MOST_TEXT_BYTES = 16, 16 << 20, 512 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A manifest as its origin gave it, and what was done with it.

    manifest  "hls", "dash"; "list": of the segments of a rung that is made here
    spec      the cap of the sitting
    capped    what its rungs are made to; None: none is made
    """

    url: str
    query: str
    manifest: str
    text: bytes
    spec: LadderSpec
    nothing_fits: NothingFits
    capped: CappedSpec | None


class LadderNotes:
    """Notes in State. `start`, then what the last process left is given by `left_of`, once a learner."""

    def __init__(self, state: State, rows: Rows) -> None:
        self._state = state
        self._rows = rows
        self._known: OrderedDict[tuple[str, str], _Noted] = OrderedDict()
        self._bytes = 0
        self._left: dict[str, list[Mark]] = {}

    async def start(self, now: datetime) -> None:
        """Read what the last process left."""
        marks = await self._state.list(MarkQuery(kind=_KIND, now=now))
        for mark in sorted(marks, key=lambda one: one.until):
            self._left.setdefault(mark.owner, []).append(mark)
            self._hold(mark)

    def has_left(self, learner: str) -> bool:
        """Whether the last process left something of this learner's that nobody has asked for yet."""
        return learner in self._left

    def left_of(self, learner: str, now: datetime) -> list[tuple[Sent, timedelta]]:
        """What went out to her and how long ago, lists last, else the earliest first; given once."""
        found = []
        for mark in self._left.pop(learner, ()):
            ago = LIFE - (mark.until - now)
            try:
                found.append((_sent(mark.facts), ago))
            except (KeyError, TypeError, ValueError, AttributeError, zlib.error, binascii.Error) as error:
                logger.warning("a stored ladder is left out: %r", error)
        return sorted(found, key=lambda one: one[0].manifest == "list")

    def note(self, learner: str, sent: Sent, now: datetime) -> None:
        """This went out to her just now. One that is too long is not kept: its film is loaded again after a restart."""
        key = blake2b(stable_url(sent.url).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        digest = blake2b(repr((sent.spec, sent.capped)).encode() + sent.text, digest_size=12).digest()
        known = self._known.get((learner, key))
        is_same = known is not None and known.digest == digest
        thinned_lately = sent.capped is None and known is not None and known.about == (sent.spec, None)
        if known is not None and (is_same or thinned_lately) and now + LIFE - known.until < _AGAIN_AFTER:
            return
        if len(sent.text) > _MOST_TEXT_BYTES:
            return
        mark = Mark(kind=_KIND, owner=learner, key=key, until=now + LIFE, facts=_facts(sent))
        self._rows.mark(mark)
        self._hold(mark, digest, (sent.spec, sent.capped))

    async def forget(self, learner: str) -> int:
        """Nothing of this learner's is kept. Returns how many notes there were."""
        self._left.pop(learner, None)
        hers = [key for key in self._known if key[0] == learner]
        for key in hers:
            self._drop(key)
        if hers:
            await self._rows.flush()
        return len(hers)

    def _hold(self, mark: Mark, digest: bytes = b"", about: tuple[LadderSpec, CappedSpec | None] | None = None) -> None:
        key, nbytes = (mark.owner, mark.key), len(str(mark.facts.get("text", "")))
        old = self._known.pop(key, None)
        self._bytes += nbytes - (old.nbytes if old is not None else 0)
        self._known[key] = _Noted(until=mark.until, nbytes=nbytes, digest=digest, about=about)
        hers = [one for one in self._known if one[0] == mark.owner]
        for one in hers[:-_MOST_OF_ONE]:
            self._drop(one)
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._known)))

    def _drop(self, key: tuple[str, str]) -> None:
        self._bytes -= self._known.pop(key).nbytes
        self._rows.unmark(_KIND, *key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noted:
    until: datetime
    nbytes: int
    digest: bytes
    about: tuple[LadderSpec, CappedSpec | None] | None


def _facts(sent: Sent) -> dict[str, Any]:
    return {
        "url": sent.url,
        "query": sent.query,
        "manifest": sent.manifest,
        "text": b64encode(zlib.compress(sent.text)).decode("ascii"),
        "spec": asdict(sent.spec),
        "nothing_fits": sent.nothing_fits.value,
        "capped": None if sent.capped is None else asdict(sent.capped),
    }


def _sent(facts: Mapping[str, Any]) -> Sent:
    text = zlib.decompressobj().decompress(b64decode(facts["text"]), _MOST_TEXT_BYTES)
    capped = facts["capped"]
    return Sent(
        url=facts["url"],
        query=facts["query"],
        manifest=facts["manifest"],
        text=text,
        spec=LadderSpec(**facts["spec"]),
        nothing_fits=NothingFits(facts["nothing_fits"]),
        capped=None if capped is None else CappedSpec(**capped),
    )
