"""Which films and documents a learner was let have, for the hours in which nobody can ask the origin again.

Laws: a note is made by the origin's own yes to her alone; it counts only while there is no link, and only at a school's
box; it is one learner's, ends by itself, at her logout and at an erasure; no address is in it, but a digest of one.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b

from proxy.account.state import DropMarks, Mark, MarkQuery, PutMark, State
from proxy.media.refs import SourceRef, facts_of, ref_of

_KIND = "had-medium"
_MOST = 20_000


class HadMedia:
    """Notes in memory, kept by State over restarts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._marks: OrderedDict[tuple[str, str], Mark] = OrderedDict()

    async def start(self, now: datetime) -> None:
        for mark in await self._state.list(MarkQuery(kind=_KIND, now=now)):
            self._hold(mark)

    async def note(self, ref: SourceRef, content_type: str, now: datetime, life: timedelta) -> None:
        """The origin gave it to its learner just now."""
        facts = facts_of(ref, content_type)
        known = self._marks.get((ref.learner, _digest(ref.url)))
        if known is not None and known.facts == facts and known.until > now + life * 0.9:
            return  # a note a day is enough
        mark = Mark(kind=_KIND, owner=ref.learner, key=_digest(ref.url), until=now + life, facts=facts)
        self._hold(mark)
        await self._state.commit([PutMark(mark)])

    def of(self, learner: str, url: str, now: datetime) -> tuple[SourceRef, str] | None:
        """What she was let have under this address, and its type; None: nothing, or too long ago."""
        mark = self._marks.get((learner, _digest(url)))
        if mark is None or mark.until <= now:
            return None
        return ref_of(mark.facts, url, learner)

    async def forget(self, learner: str) -> None:
        for key in [key for key in self._marks if key[0] == learner]:
            del self._marks[key]
        await self._state.commit([DropMarks(kind=_KIND, owner=learner)])

    def _hold(self, mark: Mark) -> None:
        self._marks.pop((mark.owner, mark.key), None)
        self._marks[mark.owner, mark.key] = mark
        if len(self._marks) > _MOST:
            self._marks.popitem(last=False)


def _digest(url: str) -> str:
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
