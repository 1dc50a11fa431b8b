"""What State keeps under a learner's id: counters of allowances, marks, jobs, support codes.

Laws of this file: a mark or a job of any kind counts, also one that this file has never heard of; nothing of another
owner is touched; what is a sum over many learners stays, for it names nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from policies.frozen import Frozen
from policies.values import Scope
from proxy.account.allowances import Allowances
from proxy.account.codes import Codes
from proxy.account.errands import ERASE, EXPORT
from proxy.account.state import (
    AddUse,
    Change,
    ClaimQuery,
    DropClaim,
    DropJob,
    DropMarks,
    DropUse,
    JobQuery,
    JobRow,
    Mark,
    MarkQuery,
    State,
    UseQuery,
)
from proxy.clock import Clock

ALLOWANCE_NOW = "allowance_now"


class Uses(Frozen, frozen=True):
    """Her counters of allowances: those of the running periods, or those of the periods that are over.

    allowances None: nothing runs here, so that every period counts as over.
    """

    name: str
    state: State
    allowances: Allowances | None
    clock: Clock
    running: bool

    async def export(self, learner: str) -> Mapping[str, Any]:
        uses = [_use_told(use) for use in await self._uses(learner)]
        return {"counters": uses} if uses else {}

    async def erase(self, learner: str) -> int:
        uses = await self._uses(learner)
        changes: list[Change] = [DropUse(line.use) for line in uses]
        if self.running:
            claims = await self.state.list(ClaimQuery())
            hers = [claim for claim in claims if any(_is_hers(use.scope, use.holder, learner) for use in claim.uses)]
            changes += [DropClaim(claim.id) for claim in hers]
        if self.running and self.allowances is not None:
            self.allowances.forget(learner)
        if changes:
            await self.state.commit(changes)
        return len(uses)

    async def _uses(self, learner: str) -> list[AddUse]:
        uses = await self.state.list(UseQuery(holder=learner))
        hers = [line for line in uses if line.use.scope is Scope.LEARNER]
        if self.allowances is None:
            return [] if self.running else hers
        running = self.allowances.running(learner, self.clock.now())
        return [line for line in hers if (line.use in running) is self.running]


def _is_hers(scope: Scope, holder: str, learner: str) -> bool:
    return scope is Scope.LEARNER and holder == learner


def _use_told(line: AddUse) -> dict[str, Any]:
    use = line.use
    return {"period": use.period.value, "since": use.start.isoformat(), "used_bytes": line.nbytes}


class Owned(Frozen, frozen=True):
    """Her marks and jobs, of whatever kind: what no other holder answers for is found here.

    readable: a mark's facts as they are told, where they lie sealed
    """

    state: State
    clock: Clock
    readable: Callable[[Mark], Mapping[str, Any]] = attrgetter("facts")
    name: str = "kept"

    async def export(self, learner: str) -> Mapping[str, Any]:
        told: dict[str, list[dict[str, Any]]] = {}
        for mark in await self._marks(learner):
            told.setdefault(mark.kind, []).append(
                {"about": mark.key, "until": mark.until.isoformat(), **self.readable(mark)}
            )
        for job in await self._jobs(learner):
            told.setdefault(job.kind, []).append(_job_told(job))
        return told

    async def erase(self, learner: str) -> int:
        marks, jobs = await self._marks(learner), await self._jobs(learner)
        changes: list[Change] = [DropMarks(kind=mark.kind, owner=mark.owner, key=mark.key) for mark in marks]
        changes += [DropJob(job.id) for job in jobs]
        if changes:
            await self.state.commit(changes)
        return len(changes)

    async def _marks(self, learner: str) -> tuple[Mark, ...]:
        """Without the wish itself that is being done: it goes when it is answered."""
        if not learner:
            return ()
        marks = await self.state.list(MarkQuery(kind=None, now=self.clock.now(), owner=learner))
        return tuple(mark for mark in marks if mark.kind not in (EXPORT, ERASE))

    async def _jobs(self, learner: str) -> tuple[JobRow, ...]:
        return await self.state.list(JobQuery(kind=None, owner=learner)) if learner else ()


def _job_told(job: JobRow) -> dict[str, Any]:
    until = None if job.until is None else job.until.isoformat()
    return {"state": job.state, "since": job.since.isoformat(), "until": until, "facts": dict(job.facts)}


class SupportCodes(Frozen, frozen=True):
    """Decisions that a support code of hers stands for. codes None: nothing runs here."""

    state: State
    clock: Clock
    codes: Codes | None = None
    name: str = "support_codes"

    async def export(self, learner: str) -> Mapping[str, Any]:
        hers = await self._hers(learner)
        return {mark.key: {"until": mark.until.isoformat(), **dict(mark.facts)} for mark in hers}

    async def erase(self, learner: str) -> int:
        hers = await self._hers(learner)
        if self.codes is not None:
            self.codes.forget(mark.key for mark in hers)
        if hers:
            await self.state.commit([DropMarks(kind="code", owner="", key=mark.key) for mark in hers])
        return len(hers)

    async def _hers(self, learner: str) -> list[Mark]:
        marks = await self.state.list(MarkQuery(kind="code", now=self.clock.now()))
        return [mark for mark in marks if mark.facts.get("learner") == learner]
