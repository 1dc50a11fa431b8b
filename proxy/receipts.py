"""From an exchange that has ended to its receipt."""

from __future__ import annotations

from proxy.account.meter import NO_CHARGE, Meter
from proxy.deliver.send import Sent
from proxy.exchange import Receipt
from proxy.stages.context import Exchange


def receipt_of(exchange: Exchange, sent: Sent, duration_s: float, meter: Meter | None = None) -> Receipt:
    """What this exchange cost and saved.

    meter  what measured the exchange: it is settled here, once. None: whoever finishes the receipt settles it
    """
    inbound, decision, tally = exchange.inbound, exchange.decision, exchange.tally
    direct, withheld = sent.to_learner_bytes, tally.withheld_bytes
    if not exchange.body_wanted:
        withheld = 0  # a HEAD would have moved no body either
    elif tally.direct_bytes is not None:
        direct = tally.direct_bytes
    direct = max(direct, 0)
    charge = NO_CHARGE
    if meter is not None:
        charge = meter.settle(
            from_origin_bytes=tally.from_origin_bytes,
            to_learner_bytes=sent.to_learner_bytes,
            up_bytes=tally.up_bytes,
            direct_bytes=direct,
        )
    return Receipt(
        at=exchange.now,
        duration_s=duration_s,
        region=decision.region,
        site=decision.site,
        learner=exchange.who.learner,
        origin=decision.origin,
        host=inbound.host,
        url=inbound.url,
        method=inbound.request.method,
        mode=inbound.mode,
        status=sent.response.status,
        traffic_class=decision.traffic_class,
        kind=tally.kind,
        verdict=decision.verdict.value,
        treatment=tally.treatment,
        bytes_from_origin=tally.from_origin_bytes,
        bytes_to_learner=sent.to_learner_bytes,
        bytes_up=tally.up_bytes,
        metered_bytes=charge.metered_bytes,
        bytes_direct=direct,
        bytes_withheld=withheld,
        cost=charge.cost,
        direct_cost=charge.direct_cost,
        currency=decision.price.currency,
        reasons=tally.reasons or decision.reasons,
        support_code=tally.support_code,
        error=tally.error or (None if sent.complete else "client-left" if sent.left else "broken-off"),
        original=exchange.facts.wants_original,
        observe=decision.observe,
        store="" if tally.way.whose is None else tally.way.whose.value,
    )
