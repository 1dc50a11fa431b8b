"""Watches one delivery: its pace, its allowance, and the decision once more when its time is over.

Laws: exempt exchanges (assessment) are never slowed or cut; what is cut ends in a closed connection, so that the client
knows it isn't whole and may go on later with a Range.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from policies.decide import enforced_verdict
from policies.decision import Decision, Verdict
from policies.values import CostlyHop
from proxy.account.meter import Meter
from proxy.clock import Clock
from proxy.deliver.answer import Tally
from proxy.deliver.pace import Pacer

_LONGEST_PAUSE_S = 30.0


@dataclass(slots=True)
class Overseer:
    """`watch` is called with the bytes just handed to the socket; `tally` counts those taken from the origin."""

    clock: Clock
    pacer: Pacer
    meter: Meter
    learner: str
    decision: Decision
    again: Callable[[datetime], Decision]
    tally: Tally
    _taken_bytes: int = 0

    async def watch(self, nbytes: int) -> bool:
        """May more follow?"""
        decision = self.decision
        if decision.valid_until is not None and self.clock.now() >= decision.valid_until and not self._renewed():
            return False
        if not self.meter.draw(self._costly_bytes(nbytes)):
            return False
        if self.decision.rate_bps is not None and not self.decision.exempt:
            delay_s = self.pacer.delay_s(self.learner, nbytes, self.decision.rate_bps, self.clock.steady_s())
            if delay_s > 0:
                await asyncio.sleep(min(delay_s, _LONGEST_PAUSE_S))
        return True

    def _costly_bytes(self, nbytes: int) -> int:
        """What has crossed the hop that costs since the last time."""
        if self.meter.hop is CostlyHop.LEARNER_LINK:
            return nbytes
        before, self._taken_bytes = self._taken_bytes, self.tally.from_origin_bytes
        return self._taken_bytes - before

    def _renewed(self) -> bool:
        again = self.again(self.clock.now())
        self.meter.redecide(again)
        exempt = again.exempt or self.decision.exempt
        self.decision = again
        return exempt or enforced_verdict(again) is Verdict.ALLOW
