"""The terms of open exchanges (tunnels, WebSockets): decided again at their end, drawn on the allowances by tranche.

Laws: what was granted is never prolonged by itself; assessment is never cut; each ends in exactly one receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from policies.decide import enforced_verdict
from policies.decision import Decision, Verdict
from policies.values import MediaKind, Mode
from proxy.account.meter import Meter
from proxy.exchange import Receipt, Who

# What decides the same exchange anew at an instant.
Redecide = Callable[[datetime], Decision]


class ExchangeTerms:
    """`RelayTerms` for one exchange. `rate_bps` and `valid_until` are those of the decision in force."""

    def __init__(
        self,
        *,
        who: Who,
        decision: Decision,
        meter: Meter,
        redecide: Redecide,
        grace_s: float,
        started: datetime,
        host: str,
        url: str,
        status: int = 200,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._who = who
        self.decision = decision
        self._meter = meter
        self._redecide = redecide
        self.grace_s = grace_s
        self._started = started
        self._host = host
        self._url = url
        self._status = status
        self._ended = ended
        self._closed = False
        self._held_bytes = 0  # set aside and not moved yet

    @property
    def valid_until(self) -> datetime | None:
        return self.decision.valid_until

    @property
    def rate_bps(self) -> int | None:
        return None if self.decision.exempt else self.decision.rate_bps

    async def reserve(self, nbytes: int) -> bool:
        granted = self._meter.draw(nbytes)
        self._held_bytes += nbytes if granted else 0
        return granted

    async def settle(self, used_down: int, used_up: int) -> None:
        self._held_bytes = max(0, self._held_bytes - used_down - used_up)  # the receipt settles, at the end

    async def redecide(self, now: datetime) -> ExchangeTerms | None:
        again = self._redecide(now)
        self._meter.redecide(again, unmoved_bytes=self._held_bytes)
        if enforced_verdict(again) is not Verdict.ALLOW and not (again.exempt or self.decision.exempt):
            return None
        self._meter.draw(self._held_bytes)  # what is left of a tranche moves at the new price
        self.decision = again
        return self

    async def closed(self, bytes_up: int, bytes_down: int, duration_s: float) -> None:
        if self._closed:
            return
        self._closed = True
        self._ended()
        decision = self.decision
        self._meter.finish(
            Receipt(
                at=self._started,
                duration_s=duration_s,
                region=decision.region,
                site=decision.site,
                learner=self._who.learner,
                origin=decision.origin,
                host=self._host,
                url=self._url,
                method="CONNECT" if decision.mode is Mode.TUNNEL else "GET",
                mode=decision.mode,
                status=self._status,
                traffic_class=decision.traffic_class,
                kind=MediaKind.OTHER,
                verdict=decision.verdict.value,
                treatment="pass",
                bytes_from_origin=bytes_down,
                bytes_to_learner=bytes_down,
                bytes_up=bytes_up,
                metered_bytes=0,
                bytes_direct=bytes_down,
                cost=Decimal(0),
                currency=decision.price.currency,
                reasons=decision.reasons,
                observe=decision.observe,
            )
        )
