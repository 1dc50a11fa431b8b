"""Changes that wait for the disk: merged, so that an hour without a disk costs no more memory than a minute.

Laws of this file: merging keeps every sum exact; order between marks, and between jobs, is kept; when too much waits,
marks go first, then jobs, then sums, for money matters more than a grant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy.account.state import (
    AddSums,
    AddUse,
    Change,
    DropClaim,
    DropJob,
    DropMarks,
    DropUse,
    LedgerKey,
    PutJob,
    PutMark,
    PutRolled,
    Span,
    Sums,
    Sweep,
    UseKey,
)

MAX_WAITING = 20_000  # about 10 MB: a day of hourly sums for many regions


class Unsaved:
    """A bounded, merged list of changes."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max = max_waiting
        self._sums: dict[LedgerKey, Sums] = {}
        self._rolled: dict[tuple[Span, LedgerKey], PutRolled] = {}
        self._uses: dict[UseKey, int] = {}
        self._gone: dict[UseKey, DropUse] = {}
        self._marks: dict[tuple[str, str, str | None], PutMark | DropMarks] = {}
        self._jobs: dict[str, PutJob | DropJob] = {}
        self._ended: dict[DropClaim, None] = {}
        self._sweep: Sweep | None = None
        self.lost = 0

    def __len__(self) -> int:
        uses = len(self._uses) + len(self._gone)
        kept = len(self._sums) + len(self._rolled) + uses + len(self._marks) + len(self._jobs) + len(self._ended)
        return kept + (self._sweep is not None)

    def add(self, changes: Iterable[Change]) -> None:
        """Take changes in, in their order; the surplus over the bound is counted in `lost`."""
        for change in changes:
            self._add(change)
        self._shed()

    def take(self) -> list[Change]:
        """Everything that waits, oldest marks first; nothing waits afterwards."""
        changes: list[Change] = [AddSums(key=key, sums=sums) for key, sums in self._sums.items()]
        changes += self._rolled.values()
        changes += self._gone.values()  # what is counted after a counter was forgotten is a counter of its own
        changes += [AddUse(use=use, nbytes=nbytes) for use, nbytes in self._uses.items()]
        changes += self._marks.values()
        changes += self._jobs.values()
        changes += self._ended
        if self._sweep is not None:
            changes.append(self._sweep)
        self._sums, self._uses, self._gone, self._marks, self._jobs, self._ended = {}, {}, {}, {}, {}, {}
        self._rolled, self._sweep = {}, None
        return changes

    def _add(self, change: Change) -> None:
        match change:
            case AddSums():
                known = self._sums.get(change.key)
                self._sums[change.key] = change.sums if known is None else known + change.sums
            case PutRolled():
                self._rolled[change.span, change.key] = change
            case AddUse():
                self._uses[change.use] = self._uses.get(change.use, 0) + change.nbytes
            case DropUse(use=use):
                self._uses.pop(use, None)
                self._gone[use] = change
            case PutMark(mark=mark):
                self._put((mark.kind, mark.owner, mark.key), change)
            case DropMarks():
                self._drop(change)
            case PutJob(job=job):
                self._jobs[job.id] = change
            case DropJob(id=job_id):
                self._jobs[job_id] = change
            case DropClaim():
                self._ended[change] = None
            case Sweep():
                self._sweep = change

    def _put(self, key: tuple[str, str, str | None], change: PutMark | DropMarks) -> None:
        self._marks.pop(key, None)  # the last word stands last
        self._marks[key] = change

    def _drop(self, change: DropMarks) -> None:
        for key in [key for key in self._marks if key[:2] == (change.kind, change.owner)]:
            if change.key is None or key[2] == change.key:
                del self._marks[key]
        self._put((change.kind, change.owner, change.key), change)

    def _shed(self) -> None:
        books: tuple[dict[Any, Any], ...] = (
            self._marks,
            self._jobs,
            self._ended,
            self._rolled,
            self._sums,
            self._uses,
            self._gone,
        )
        for waiting in books:
            while len(self) > self._max and waiting:
                waiting.pop(next(iter(waiting)))
                self.lost += 1
