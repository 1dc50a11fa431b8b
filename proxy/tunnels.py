"""The gate of tunnels: a CONNECT decided by host, clock and budget, since nothing else of it can be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from policies.decide import enforced_verdict
from policies.decision import Decision, Verdict
from policies.facts import RequestFacts
from policies.values import Audience, Mode
from proxy.account.account import Accountant
from proxy.clock import Clock
from proxy.exchange import Who
from proxy.modes.tunnel import Refusal, TunnelRequest
from proxy.runtime import Runtime
from proxy.terms import ExchangeTerms


class TunnelPolicy:
    """`TunnelGate` by the catalogue in force. `open` counts tunnels that run."""

    def __init__(self, *, runtime: Callable[[], Runtime], accountant: Accountant, clock: Clock) -> None:
        self._runtime = runtime
        self._accountant = accountant
        self._clock = clock
        self.open = 0

    async def admit(self, request: TunnelRequest) -> ExchangeTerms | Refusal:
        now = self._clock.now()
        who = self._runtime().identifier.identify_tunnel(
            request.headers, client=request.client, listener=request.listener, origin=request.origin, now=now
        )
        decision = self._decide(request, who, now)
        if enforced_verdict(decision) is not Verdict.ALLOW:
            return refusal(decision, now)
        rule = who.territory.policy.classes.get(decision.traffic_class)
        self.open += 1
        return ExchangeTerms(
            who=who,
            decision=decision,
            meter=self._accountant.begin(decision, who),
            redecide=lambda later: self._decide(request, who, later),
            grace_s=rule.close_grace_s if rule is not None else 0,
            started=now,
            host=request.host,
            url=f"https://{request.host}:{request.port}",
            ended=self._one_less,
        )

    def _decide(self, request: TunnelRequest, who: Who, now: datetime) -> Decision:
        facts = RequestFacts(
            region=who.territory.region,
            site=who.territory.site,
            learner=who.learner,
            groups=who.groups,
            mode=Mode.TUNNEL,
            method="CONNECT",
            scheme="https",
            host=request.host,
            port=request.port,
            origin=request.origin.id if request.origin else "",
            audience=Audience.TUNNEL,
            measured_bps=self._accountant.link_bps(who.learner),
        )
        usage = self._accountant.usage(who.territory, who.learner, now)
        return self._runtime().decider.decide(facts, usage, now)

    def _one_less(self) -> None:
        self.open -= 1


def refusal(decision: Decision, now: datetime) -> Refusal:
    """503 with Retry-After for what opens, 403 for what doesn't, with the reasons as words for programs."""
    headers = [("Tropa-Reason", " ".join(reason.rule for reason in decision.reasons)[:200])]
    if decision.verdict is Verdict.DEFER and decision.opens_at is not None:
        headers.append(("Retry-After", str(max(1, int((decision.opens_at - now).total_seconds()) + 1))))
    return Refusal(status=503 if decision.verdict is Verdict.DEFER else 403, headers=tuple(headers))
