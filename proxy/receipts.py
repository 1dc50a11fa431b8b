"""From an exchange that has ended to its receipt.

Laws: what an exchange cost is settled once; a HEAD withholds nothing, since it would have moved no body.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from policies.decision import Decision
from policies.values import MediaKind, Mode
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
    receipt = replace(
        _begun(exchange),
        at=exchange.now,
        duration_s=duration_s,
        url=inbound.url,
        status=sent.response.status,
        kind=tally.kind,
        treatment=tally.treatment,
        bytes_from_origin=tally.from_origin_bytes,
        bytes_to_learner=sent.to_learner_bytes,
        bytes_up=tally.up_bytes,
        metered_bytes=charge.metered_bytes,
        bytes_direct=direct,
        bytes_withheld=withheld,
        cost=charge.cost,
        direct_cost=charge.direct_cost,
    )
    error = tally.error or (None if sent.complete else "client-left" if sent.left else "broken-off")
    store = "" if tally.way.whose is None else tally.way.whose.value
    if tally.reasons or tally.support_code or error or store:
        reasons = tally.reasons or decision.reasons
        return replace(receipt, reasons=reasons, support_code=tally.support_code, error=error, store=store)
    return receipt


# A pure memory: what all receipts of one learner under one decision have in common. Each decision is held, so that its
# id stays its own.
_Key = tuple[int, str, str, str, Mode, bool]
_common: dict[_Key, tuple[Decision, Receipt]] = {}
_MAX_COMMON = 4096
_NOT_YET = datetime.min.replace(tzinfo=UTC)


def _begun(exchange: Exchange) -> Receipt:
    """A receipt with what is known of it before the answer."""
    inbound, decision, learner = exchange.inbound, exchange.decision, exchange.who.learner
    original = exchange.facts.wants_original
    key = (id(decision), learner, inbound.host, inbound.request.method, inbound.mode, original)
    known = _common.get(key)
    if known is None:
        if len(_common) >= _MAX_COMMON:
            _common.clear()
        known = _common[key] = decision, _first(exchange)
    return known[1]


def _first(exchange: Exchange) -> Receipt:
    inbound, decision = exchange.inbound, exchange.decision
    return Receipt(
        at=_NOT_YET,
        duration_s=0.0,
        region=decision.region,
        site=decision.site,
        learner=exchange.who.learner,
        origin=decision.origin,
        host=inbound.host,
        url="",
        method=inbound.request.method,
        mode=inbound.mode,
        status=0,
        traffic_class=decision.traffic_class,
        kind=MediaKind.OTHER,
        verdict=decision.verdict.value,
        treatment="",
        currency=decision.price.currency,
        reasons=decision.reasons,
        original=exchange.facts.wants_original,
        observe=decision.observe,
    )
