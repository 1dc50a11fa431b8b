"""Which origins have a service worker of their own: there ours is left out.

Laws: learnt from what browsers ask for (`Service-Worker: script`, Service Workers section 3.2 "Update"), never guessed;
kept over restarts; forgotten after a while without a sign, since a course may give its worker up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from proxy.account.state import Mark, MarkQuery, PutMark, State
from proxy.exchange import Inbound

_KIND = "own-worker"
_FORGOTTEN_AFTER = timedelta(days=30)
_RENEWED_AFTER = timedelta(days=1)


class OwnWorkers:
    """Origin ids by when their worker was last asked for; as many as there are origins."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._until: dict[str, datetime] = {}

    async def start(self, now: datetime) -> None:
        for mark in await self._state.list(MarkQuery(kind=_KIND, now=now)):
            self._until[mark.key] = mark.until

    def has(self, origin_id: str, now: datetime) -> bool:
        return self._until.get(origin_id, now) > now

    async def note(self, inbound: Inbound, now: datetime) -> None:
        """A browser asks for a worker's script of the course's own, or for anything else."""
        if inbound.origin is None or inbound.request.headers.get("Service-Worker", "") != "script":
            return
        until, origin_id = now + _FORGOTTEN_AFTER, inbound.origin.id
        if self._until.get(origin_id, now) + _RENEWED_AFTER > until:
            return
        self._until[origin_id] = until
        await self._state.commit([PutMark(Mark(kind=_KIND, owner="", key=origin_id, until=until, facts={}))])
