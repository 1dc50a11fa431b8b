"""What keeps our worker out of an origin: a service worker of its own, or its pages' own policies.

Laws: learnt from what browsers ask for (`Service-Worker: script`, Service Workers section 3.2 "Update") and from the
heads of its pages, never guessed; kept over restarts, so that IT staff are told; forgotten when no sign comes any more.
A page's policy concerns that page alone; a worker of its own ends ours everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from proxy.account.state import Mark, MarkQuery, PutMark, State
from proxy.exchange import Inbound

OWN_WORKER, BY_POLICY = "own-worker", "no-worker-by-policy"
"""The kinds of marks; each one's key is an origin's id."""
FORGOTTEN_AFTER = timedelta(days=30)
_RENEWED_AFTER = timedelta(days=1)


async def seen(state: State, now: datetime) -> Mapping[str, frozenset[str]]:
    """Kind of mark -> ids of the origins of which it was seen and isn't forgotten yet."""
    kinds = (OWN_WORKER, BY_POLICY)
    return {kind: frozenset(mark.key for mark in await state.list(MarkQuery(kind=kind, now=now))) for kind in kinds}


class OwnWorkers:
    """(kind, origin id) by when it is forgotten; as many as there are origins."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._until: dict[tuple[str, str], datetime] = {}
        self._to_keep: list[Mark] = []

    async def start(self, now: datetime) -> None:
        for kind in (OWN_WORKER, BY_POLICY):
            for mark in await self._state.list(MarkQuery(kind=kind, now=now)):
                self._until[kind, mark.key] = mark.until

    def has(self, origin_id: str, now: datetime) -> bool:
        """Whether the origin has a worker of its own."""
        return self._until.get((OWN_WORKER, origin_id), now) > now

    def kept_out(self, origin_id: str, now: datetime) -> None:
        """A page's own policy lets no worker of ours in."""
        self._seen(BY_POLICY, origin_id, now)

    async def note(self, inbound: Inbound, now: datetime) -> None:
        """A browser asks for a worker's script of the course's own, or for anything else."""
        if inbound.origin is not None and inbound.request.headers.get("Service-Worker", "") == "script":
            self._seen(OWN_WORKER, inbound.origin.id, now)
        if self._to_keep:
            marks, self._to_keep = self._to_keep, []
            await self._state.commit([PutMark(mark) for mark in marks])

    def _seen(self, kind: str, origin_id: str, now: datetime) -> None:
        until = now + FORGOTTEN_AFTER
        if self._until.get((kind, origin_id), now) + _RENEWED_AFTER <= until:
            self._until[kind, origin_id] = until
            self._to_keep.append(Mark(kind=kind, owner="", key=origin_id, until=until, facts={}))
