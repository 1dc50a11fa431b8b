"""What sending a message later costs, accounted like everything else: pages read and forms posted beside any exchange.

Laws of this file: each request to the origin settles once, as a receipt of the learner who wrote; what crosses the hop
that costs is drawn from her allowances at the price of the instant, and nothing of it is ever held back by them, for a
message is text; her own way to Tropa was paid when she wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policies.decision import Verdict
from policies.facts import Usage
from policies.values import CostlyHop, MediaKind
from proxy.account.account import Accountant
from proxy.clock import Clock
from proxy.exchange import Receipt, authority_of
from proxy.facts import own_request_facts
from proxy.outbox.item import Address
from proxy.outbox.side import Sent, Visit
from proxy.runtime import Runtime


class Postage:
    """One per process."""

    def __init__(self, accountant: Accountant, clock: Clock, runtime: Callable[[], Runtime]) -> None:
        self._accountant = accountant
        self._clock = clock
        self._runtime = runtime

    def pay(self, visit: Visit, address: Address, sent: Sent) -> None:
        """Account for one request that was made for a message of hers."""
        if visit.who is None:
            return
        now, who = self._clock.now(), visit.who
        facts = own_request_facts(
            who.territory,
            visit.origin,
            learner=who.learner,
            method=sent.method,
            scheme=address.scheme,
            host=address.host,
            port=address.port,
            target=sent.target,
        )
        decision = replace(self._runtime().decider.decide(facts, Usage(), now), exempt=True)
        on_uplink = decision.costly_hop is CostlyHop.SITE_UPLINK
        receipt = Receipt(
            at=now,
            duration_s=0.0,
            region=decision.region,
            site=decision.site,
            learner=who.learner,
            origin=visit.origin.id,
            host=address.host,
            url=_url(address, sent),
            method=sent.method,
            mode=decision.mode,
            status=sent.status,
            traffic_class=decision.traffic_class,
            kind=MediaKind.PAGE,
            verdict=Verdict.ALLOW.value,
            treatment="outbox",
            bytes_from_origin=sent.came_bytes,
            bytes_up=sent.up_bytes if on_uplink else 0,
            currency=decision.price.currency,
            observe=decision.observe,
        )
        self._accountant.settle(receipt, who, decision)


def _url(address: Address, sent: Sent) -> str:
    return f"{address.scheme}://{authority_of(address.scheme, address.host, address.port)}{sent.target}"
