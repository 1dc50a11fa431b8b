"""What every part of one process stands on: its folder, clock, tasks, State, accounts, the way to origins, notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from policies.frozen import Frozen
from policies.model import Catalogue
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.secret import Keyed
from proxy.account.sqlite import SqliteState
from proxy.account.tokens import Tokens
from proxy.cache.sizes import SizeBook
from proxy.cache.sources import SourceBook
from proxy.clock import Clock
from proxy.deliver.sticky import Sticky
from proxy.late_sheets import LateSheets
from proxy.own.savings import LearnerSavings
from proxy.runtime import Runtime
from proxy.tasks import TaskKeeper
from proxy.upstream.upstream import Upstream


class Ground(Frozen, frozen=True, kw_only=True):
    """Lives as long as the process.

    catalogue  the one in force; `runtime` is what runs with it
    via        ours in Via, towards origins
    """

    state_dir: Path
    clock: Clock
    keeper: TaskKeeper
    catalogue: Callable[[], Catalogue]
    runtime: Callable[[], Runtime]
    via: str
    state: SqliteState
    log: AccessLog
    codes: Codes
    tokens: Tokens
    keyed: Keyed
    accountant: Accountant
    upstream: Upstream


class Notes(Frozen, frozen=True, kw_only=True):
    """What several parts remember together, in memory alone; each is bounded."""

    savings: LearnerSavings
    sizes: SizeBook
    sources: SourceBook
    sticky: Sticky
    late: LateSheets


def build_ground(
    state_dir: Path,
    *,
    clock: Clock,
    keeper: TaskKeeper,
    secret: bytes,
    catalogue: Callable[[], Catalogue],
    runtime: Callable[[], Runtime],
    own_ports: Callable[[], frozenset[int]],
    via: str,
) -> Ground:
    """The ground, nothing of it opened yet. own_ports: where this process itself answers."""
    limits = catalogue().settings.limits
    state, codes = SqliteState(state_dir / "tropa.db"), Codes(secret)
    log = AccessLog(state_dir / "log", max_days=limits.log_days, max_bytes=limits.log_bytes)
    accountant = Accountant(state=state, clock=clock, log=log, metrics=Metrics(), codes=codes, catalogue=catalogue)
    return Ground(
        state_dir=state_dir,
        clock=clock,
        keeper=keeper,
        catalogue=catalogue,
        runtime=runtime,
        via=via,
        state=state,
        log=log,
        codes=codes,
        tokens=Tokens(secret),
        keyed=Keyed(secret),
        accountant=accountant,
        upstream=Upstream(catalogue, own_ports=own_ports),
    )


def build_notes(clock: Clock) -> Notes:
    """All empty."""
    return Notes(
        savings=LearnerSavings(), sizes=SizeBook(), sources=SourceBook(), sticky=Sticky(), late=LateSheets(clock)
    )
