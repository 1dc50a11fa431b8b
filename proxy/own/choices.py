"""Which version of a film a learner chose last: the next card recommends it, where policy still allows it.

Laws: a choice is one learner's; it narrows or widens nothing, it only orders what policy allows anyway; it ends with
the origin's logout, and by itself after thirty days without use; bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from proxy.account.state import DropMarks, Mark, MarkQuery, PutMark, State

CHOICE_LIFETIME = timedelta(days=30)
_KIND = "choice"


class Choices:
    """Choices in memory, kept by State over restarts. `what` is "video", "document" …; a version is its word."""

    def __init__(self, state: State, *, max_learners: int = 10_000) -> None:
        self._state = state
        self._max_learners = max_learners
        self._chosen: OrderedDict[str, dict[str, tuple[str, datetime]]] = OrderedDict()

    async def start(self, now: datetime) -> None:
        for mark in await self._state.list(MarkQuery(kind=_KIND, now=now)):
            self._hold(mark.owner, mark.key, str(mark.facts.get("version", "")), mark.until)

    def of(self, learner: str, what: str, now: datetime) -> str | None:
        """The version chosen last, None if none is remembered."""
        version, until = self._chosen.get(learner, {}).get(what, ("", now))
        return version if version and until > now else None

    async def remember(self, learner: str, what: str, version: str, now: datetime) -> None:
        until = now + CHOICE_LIFETIME
        if self.of(learner, what, now) == version and self._chosen[learner][what][1] - now > CHOICE_LIFETIME / 2:
            return
        self._hold(learner, what, version, until)
        mark = Mark(kind=_KIND, owner=learner, key=what, until=until, facts={"version": version})
        await self._state.commit([PutMark(mark)])

    def told(self, learner: str) -> dict[str, dict[str, str]]:
        """kind of medium -> the version chosen last, and until when that is remembered."""
        chosen = self._chosen.get(learner, {})
        return {what: {"version": version, "until": until.isoformat()} for what, (version, until) in chosen.items()}

    async def forget(self, learner: str) -> None:
        """The origin's logout: who logs in next chooses for herself."""
        if self._chosen.pop(learner, None):
            await self._state.commit([DropMarks(kind=_KIND, owner=learner)])

    def _hold(self, learner: str, what: str, version: str, until: datetime) -> None:
        self._chosen.setdefault(learner, {})[what] = (version, until)
        self._chosen.move_to_end(learner)
        if len(self._chosen) > self._max_learners:
            self._chosen.popitem(last=False)
