"""What accounting keeps, as values, and the one interface to whatever keeps it.

Laws of this file: four verbs (reserve, commit, read, list), all async; a commit never fails because of a disk,
it waits in memory (bounded) and says so in `health`; sums are added, never overwritten, so that an unanswered
commit may be merged with the next; every backend passes tests/contract/test_state.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, overload

from msgspec import field

from policies.frozen import Frozen
from policies.model import Period
from policies.values import Scope

NANO = 1_000_000_000  # money is kept in billionths of the currency: sums stay exact integers


class LedgerKey(Frozen, frozen=True, kw_only=True):
    """One line of the ledger: an hour (UTC, its first instant) of one kind of traffic. No URL, no learner."""

    hour: datetime
    region: str
    site: str
    origin: str
    traffic_class: str
    kind: str
    currency: str = "RUB"


class Sums(Frozen, frozen=True, kw_only=True):
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


class UseKey(Frozen, frozen=True, kw_only=True):
    """One allowance of one holder in one of its periods.

    holder  a learner's id, "region/site" or "region", as the scope says
    start   the period's first instant (UTC)
    """

    scope: Scope
    holder: str
    period: Period
    start: datetime


class Claim(Frozen, frozen=True, kw_only=True):
    """An open exchange's hold on allowances: drawn of reserved metered bytes. The id is never used again."""

    id: str
    uses: tuple[UseKey, ...]
    reserved_bytes: int
    drawn_bytes: int


class Mark(Frozen, frozen=True, kw_only=True):
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


class JobRow(Frozen, frozen=True, kw_only=True):
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


class AddSums(Frozen, frozen=True, kw_only=True):
    key: LedgerKey
    sums: Sums


class PutRolled(Frozen, frozen=True, kw_only=True):
    """The sums of a whole day or week, in place of what was rolled up before. key.hour is the span's first instant."""

    span: Span
    key: LedgerKey
    sums: Sums


class AddUse(Frozen, frozen=True, kw_only=True):
    """nbytes may be negative: a correction. The kept sum never goes below 0."""

    use: UseKey
    nbytes: int


class DropUse(Frozen, frozen=True):
    """Forget one counter: whoever it counted for is to be forgotten."""

    use: UseKey


class PutMark(Frozen, frozen=True):
    mark: Mark


class DropMarks(Frozen, frozen=True, kw_only=True):
    """Forget the marks of one kind and owner; key None: all of them."""

    kind: str
    owner: str
    key: str | None = None


class DropClaim(Frozen, frozen=True):
    """The exchange is over; what it used comes as AddUse in the same commit."""

    id: str


class PutJob(Frozen, frozen=True):
    """Insert or replace, by its id."""

    job: JobRow


class DropJob(Frozen, frozen=True):
    id: str


class Sweep(Frozen, frozen=True, kw_only=True):
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


class LedgerQuery(Frozen, frozen=True, kw_only=True):
    """Ledger lines with since <= hour < until; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None


class RolledQuery(Frozen, frozen=True, kw_only=True):
    """Rolled-up sums of spans that began at since or later and before until; None: no bound."""

    span: Span
    since: datetime | None = None
    until: datetime | None = None


class UseQuery(Frozen, frozen=True, kw_only=True):
    """Uses of periods that began at or after `since`; None: all. holder None: everybody's."""

    since: datetime | None = None
    holder: str | None = None


class MarkQuery(Frozen, frozen=True, kw_only=True):
    """Marks of one kind (None: of any) that have not ended at `now`; owner None: everybody's."""

    kind: str | None
    now: datetime
    owner: str | None = None


class ClaimQuery(Frozen, frozen=True, kw_only=True):
    """What open exchanges hold; right after the start, what a killed process left behind."""


class JobQuery(Frozen, frozen=True, kw_only=True):
    """Jobs of one kind (None: of any), the earliest first; owner None: everybody's."""

    kind: str | None
    owner: str | None = None


class Health(Frozen, frozen=True, kw_only=True):
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
