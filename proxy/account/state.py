"""What accounting keeps, as values, and the one interface to whatever keeps it.

Laws of this file: four verbs (reserve, commit, read, list), all async; a commit never fails because of a disk,
it waits in memory (bounded) and says so in `health`; sums are added, never overwritten, so that an unanswered
commit may be merged with the next; every backend passes tests/contract/test_state.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, overload

from policies.model import Period
from policies.values import Scope

NANO = 1_000_000_000  # money is kept in billionths of the currency: sums stay exact integers


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKey:
    """One line of the ledger: an hour (UTC, its first instant) of one kind of traffic. No URL, no learner."""

    hour: datetime
    region: str
    site: str
    origin: str
    traffic_class: str
    kind: str
    currency: str = "RUB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the exchanges of one line add up to. Money in billionths (NANO); direct_cost is what it would have
    cost without Tropa."""

    exchanges: int = 0
    bytes_from_origin: int = 0
    bytes_to_learner: int = 0
    bytes_up: int = 0
    metered_bytes: int = 0
    bytes_direct: int = 0
    bytes_withheld: int = 0
    cost_nano: int = 0
    direct_cost_nano: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in SUM_NAMES})


SUM_NAMES = tuple(Sums.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseKey:
    """One allowance of one holder in one of its periods.

    holder  a learner's id, "region/site" or "region", as the scope says
    start   the period's first instant (UTC)
    """

    scope: Scope
    holder: str
    period: Period
    start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An open exchange's hold on allowances: drawn of reserved metered bytes. The id is never used again."""

    id: str
    uses: tuple[UseKey, ...]
    reserved_bytes: int
    drawn_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A small fact with an end: a grant, a support code, a report, a correction.

    kind   "grant", "code", "report", "correction", …
    owner  a learner's id or another holder; "" for none
    key    what it is about: a digest of a URL, a code; never a URL in clear
    """

    kind: str
    owner: str
    key: str
    until: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """Work that must not be forgotten at a restart: a media job, a deferred request.

    id      never used again
    kind    "media", "deferred", …
    state   a word of its kind's
    owner   a learner's id; "" for none
    since   when it was asked for
    until   when it may be forgotten; None: not before somebody drops it
    facts   JSON values; an address only while the work is open
    """

    id: str
    kind: str
    state: str
    owner: str
    region: str
    since: datetime
    until: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Span(StrEnum):
    """What hourly sums are rolled up to."""

    DAY = "day"
    WEEK = "week"


# -- changes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSums:
    key: LedgerKey
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRolled:
    """The sums of a whole day or week, in place of what was rolled up before. key.hour is the span's first instant."""

    span: Span
    key: LedgerKey
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUse:
    """nbytes may be negative: a correction. The kept sum never goes below 0."""

    use: UseKey
    nbytes: int


@dataclass(frozen=True, slots=True)
class DropUse:
    """Forget one counter: whoever it counted for is to be forgotten."""

    use: UseKey


@dataclass(frozen=True, slots=True)
class PutMark:
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMarks:
    """Forget the marks of one kind and owner; key None: all of them."""

    kind: str
    owner: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropClaim:
    """The exchange is over; what it used comes as AddUse in the same commit."""

    id: str


@dataclass(frozen=True, slots=True)
class PutJob:
    """Insert or replace, by its id."""

    job: JobRow


@dataclass(frozen=True, slots=True)
class DropJob:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Forget what is over: marks (and jobs) until when, uses whose period began before, sums of hours, days, weeks.

    None: keep all of them.
    """

    marks_until: datetime
    uses_before: datetime | None = None
    ledger_before: datetime | None = None
    days_before: datetime | None = None
    weeks_before: datetime | None = None


Change = AddSums | PutRolled | AddUse | DropUse | PutMark | DropMarks | DropClaim | PutJob | DropJob | Sweep


# -- queries ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerQuery:
    """Ledger lines with since <= hour < until; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledQuery:
    """Rolled-up sums of spans that began at since or later and before until; None: no bound."""

    span: Span
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseQuery:
    """Uses of periods that began at or after `since`; None: all. holder None: everybody's."""

    since: datetime | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkQuery:
    """Marks of one kind (None: of any) that have not ended at `now`; owner None: everybody's."""

    kind: str | None
    now: datetime
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimQuery:
    """What open exchanges hold; right after the start, what a killed process left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Jobs of one kind (None: of any), the earliest first; owner None: everybody's."""

    kind: str | None
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How well the backend keeps things. trouble None: all is kept.

    unsaved  changes that wait in memory for the disk to come back
    lost     changes given up because too many waited
    """

    trouble: str | None = None
    unsaved: int = 0
    lost: int = 0


class State(Protocol):
    """Where accounting survives a restart. Safe for use from one event loop."""

    async def start(self) -> None:
        """Open or create it, bring its form up to date."""
        ...

    async def reserve(self, claims: Sequence[Claim]) -> None:
        """Journal the holds of open exchanges; a later claim with the same id replaces the earlier one."""
        ...

    async def commit(self, changes: Sequence[Change]) -> None:
        """Apply the changes in order, all or none; returns when they are kept, or waiting in memory."""
        ...

    async def read(self, kind: str, owner: str, key: str, *, now: datetime) -> Mark | None:
        """One mark that has not ended, else None."""
        ...

    @overload
    async def list(self, query: LedgerQuery) -> tuple[AddSums, ...]: ...
    @overload
    async def list(self, query: RolledQuery) -> tuple[PutRolled, ...]: ...
    @overload
    async def list(self, query: UseQuery) -> tuple[AddUse, ...]: ...
    @overload
    async def list(self, query: MarkQuery) -> tuple[Mark, ...]: ...
    @overload
    async def list(self, query: ClaimQuery) -> tuple[Claim, ...]: ...
    @overload
    async def list(self, query: JobQuery) -> tuple[JobRow, ...]: ...

    @property
    def health(self) -> Health: ...

    async def close(self) -> None:
        """Keep what waits, if the disk allows, and let go."""
        ...
