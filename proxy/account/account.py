"""Accounting in one place: what the pipeline asks before an exchange and tells after it.

Laws of this file: everything asked or told per exchange is synchronous and in memory; once a second all of it goes
to State in one commit; whatever fails here fails quietly for learners and loudly for IT staff.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from policies.decision import Decision
from policies.facts import Usage
from policies.model import Catalogue, Territory
from policies.values import Scope
from proxy.account.allowances import Allowances
from proxy.account.codes import Codes
from proxy.account.ledger import Ledger
from proxy.account.link import LinkMeter
from proxy.account.log import AccessLog
from proxy.account.meter import Meter
from proxy.account.metrics import Metrics
from proxy.account.reports import BrokenPages
from proxy.account.state import Change, ClaimQuery, Health, State, Sweep, UseQuery
from proxy.clock import Clock
from proxy.exchange import Receipt, Who
from proxy.tasks import TaskKeeper

logger = logging.getLogger("tropa.account")

_FLUSH_S = 1.0
_LONGEST_PERIOD = timedelta(days=32)
_SWEEP_EVERY = timedelta(minutes=30)
_LEAP_S, _TRUST_S = 3600.0, 86_400.0


class Accountant:
    """Allowances, ledger, log, metrics, codes and links of one process."""

    def __init__(
        self,
        *,
        state: State,
        clock: Clock,
        log: AccessLog,
        metrics: Metrics,
        codes: Codes,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._state = state
        self._clock = clock
        self._log = log
        self._catalogue = catalogue
        self._swept = self._seen_at = clock.now()
        self._seen_s = self._sweeps_again_s = clock.steady_s()
        self.metrics = metrics
        self.codes = codes
        self.broken_pages = BrokenPages()
        self.ledger = Ledger()
        self.links = LinkMeter()
        self.allowances = Allowances(run=format(int(clock.now().timestamp() * 1000), "x"))
        self._watch()

    # -- life -------------------------------------------------------------------------------------------------

    async def start(self, keeper: TaskKeeper) -> None:
        """Take over what State kept (it has been started) and flush each second from now on."""
        since = self._clock.now() - _LONGEST_PERIOD
        uses = await self._state.list(UseQuery(since=since))
        self.allowances.load(uses, await self._state.list(ClaimQuery()))
        await self.broken_pages.start(self._state, self._clock.now())
        keeper.start(self._run(), name="accounts")

    async def flush(self) -> None:
        """Give State everything that was counted since the last time."""
        changes: list[Change] = [*self.ledger.changes(), *self.allowances.changes()]
        changes += [*self.codes.changes(), *self.broken_pages.changes()]
        claims = self.allowances.claims()
        if claims:
            await self._state.reserve(claims)
        if changes or self._state.health.unsaved:
            await self._state.commit(changes)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            try:
                await self.flush()
                await self._now_and_then(self._clock.now())
            except Exception:
                logger.exception("accounts could not be kept")

    async def _now_and_then(self, now: datetime) -> None:
        if self._may_sweep(now) and now - self._swept >= _SWEEP_EVERY:
            self._swept = now
            self.allowances.sweep(now)
            self.broken_pages.sweep(now)
            await self._state.commit([self._sweep_at(now)])

    def _may_sweep(self, now: datetime) -> bool:
        """Not within a day after the clock leapt ahead: what a wrong clock calls over may still be running."""
        steady_s = self._clock.steady_s()
        leapt_s = (now - self._seen_at).total_seconds() - (steady_s - self._seen_s)
        self._seen_at, self._seen_s = now, steady_s
        if leapt_s > _LEAP_S:
            self._sweeps_again_s = steady_s + _TRUST_S
            logger.warning("the clock leapt ahead by %.0f s; nothing is swept away for a day", leapt_s)
        elif leapt_s < -_LEAP_S:  # it was set right
            self._swept, self._sweeps_again_s = min(self._swept, now), steady_s
        return steady_s >= self._sweeps_again_s

    def _sweep_at(self, now: datetime) -> Sweep:
        """What has outlived its time, as the data map and the limits say."""
        limits = self._catalogue().settings.limits
        return Sweep(
            marks_until=now,
            uses_before=now - 2 * _LONGEST_PERIOD,
            ledger_before=now - timedelta(days=limits.hourly_sums_days),
            days_before=now - timedelta(days=limits.daily_sums_days),
            weeks_before=now - timedelta(days=limits.weekly_sums_days),
        )

    # -- before an exchange -----------------------------------------------------------------------------------

    def usage(self, territory: Territory, learner: str, now: datetime) -> Usage:
        """What `decide` is told of budgets."""
        return self.allowances.usage(territory, learner, now)

    def link_bps(self, learner: str) -> int | None:
        """The learner's link as measured; None: not measured lately."""
        return self.links.bps(learner, self._clock.steady_s())

    def begin(self, decision: Decision, who: Who, expected_bytes: int | None = None) -> Meter:
        """A meter for one exchange; expected_bytes are set aside at once, as far as there is room."""
        meter = Meter(decision, who, self.allowances, self._clock, self._record)
        if expected_bytes is not None:
            meter.expect(expected_bytes)
        return meter

    # -- after it ---------------------------------------------------------------------------------------------

    def settle(self, receipt: Receipt, who: Who, decision: Decision) -> Receipt:
        """Account for an exchange that drew nothing beforehand. Returns the receipt with metered bytes and cost."""
        return Meter(decision, who, self.allowances, self._clock, self._record).finish(receipt)

    def _record(self, receipt: Receipt) -> None:
        self.ledger.record(receipt)
        self.metrics.exchange(receipt)
        self._log.write(receipt)

    # -- corrections ------------------------------------------------------------------------------------------

    def correct(self, scope: Scope, holder: str, nbytes: int, now: datetime) -> bool:
        """Add metered bytes (negative: take away) to the running periods of a holder; False: no such allowance.

        holder  "region", "region/site", or "region:learner" for a learner's id
        """
        place, _, learner = holder.partition(":")
        region, _, site = place.partition("/")
        territories = self._catalogue().territories
        territory = territories.get((region, site or None))
        if territory is None:
            return False
        return self.allowances.correct(territory, scope, learner or place, nbytes, now)

    async def corrected(self, holder: str, facts: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """`tropa allowance correct` asked for it: facts name scope and bytes. Kept before it is answered."""
        scope, nbytes = Scope(str(facts.get("scope"))), int(facts.get("bytes", 0))
        done = self.correct(scope, holder, nbytes, now)
        logger.warning("allowance of %s corrected by %d bytes: %s", holder, nbytes, "done" if done else "none")
        await self.flush()
        return {"done": done}

    def _watch(self) -> None:
        def health() -> Health:
            return self._state.health

        watch = self.metrics.watch
        watch("state_unsaved", "Changes that wait for the disk", lambda: health().unsaved)
        watch("state_lost", "Changes given up because too many waited", lambda: health().lost)
        watch("state_trouble", "1 while the state file can't be written", lambda: health().trouble is not None)
        watch("log_lost", "Access log lines that could not be written", lambda: self._log.lost)
