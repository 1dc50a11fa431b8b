"""From a Situation to its Decision.

Laws of this file: no clock, no I/O; effects only narrow, and whoever narrows leaves a Reason; assessment is exempt from
all of them; a bypassed origin passes everything, and only prices are still told.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from policies.classify import Classification, is_player
from policies.decision import Decision, LinkSpeed, Price, Verdict
from policies.exceptions import policy_for
from policies.facts import RequestFacts, Usage
from policies.model import Catalogue, NoTransform, Territory
from policies.money import MoneyNow
from policies.narrow import lower, narrowest
from policies.nowhere import UNKNOWN
from policies.rules import ADJUSTING, NARROWING
from policies.rules.assessment import exempt, exempt_treatments
from policies.rules.original import original_max_bytes
from policies.rules.situate import situate
from policies.rules.situation import NOTHING, Effect, Situation, earlier, joined
from policies.rules.treatment_reasons import treatment_reasons
from policies.treatments import PASS_ALL, Treatments
from policies.values import Mode, Reason

_KEPT_BITS = 3
_NO_MONEY = Decimal(0)


def decision_for(
    catalogue: Catalogue,
    territory: Territory,
    classification: Classification,
    request: RequestFacts,
    usage: Usage,
    now: datetime,
    money: MoneyNow | None = None,
) -> Decision:
    """The decision for a request whose place and class are known. money: the tariff now, where it is known already."""
    policy, source, dates_until = policy_for(territory, request, now)
    at = situate(catalogue, territory, classification, policy, source, request, usage, now, money)
    return composed(at, dates_until)


def composed(at: Situation, dates_until: datetime | None) -> Decision:
    """The decision; dates_until: when the calendar may choose another policy."""
    if at.request.origin and at.request.origin in at.catalogue.bypassed_origins:
        reason = Reason(rule="bypassed", params=(("origin", at.request.origin),))
        return _decision(at, NOTHING, PASS_ALL, (reason,), dates_until, bypassed=True)
    exemption = exempt(at)
    if exemption is not None:
        return _decision(at, NOTHING, exempt_treatments(at), (exemption,), dates_until, exempt=True)
    effect = joined(effect for rule in NARROWING if (effect := rule(at)) is not None)
    narrow = at.rule.treatments if effect.treatments is None else narrowest(at.rule.treatments, effect.treatments)
    treatments, reasons = _adjusted(at, narrow)
    if effect.verdict is Verdict.ALLOW:
        reasons += treatment_reasons(at, treatments)
    return _decision(at, effect, treatments, effect.reasons + reasons, dates_until)


def _adjusted(at: Situation, treatments: Treatments) -> tuple[Treatments, tuple[Reason, ...]]:
    reasons: tuple[Reason, ...] = ()
    for rule in ADJUSTING:
        answer = rule(at, treatments)
        if answer is not None:
            treatments, reasons = answer[0], (*reasons, answer[1])
    return treatments, reasons


def _decision(
    at: Situation,
    effect: Effect,
    treatments: Treatments,
    reasons: tuple[Reason, ...],
    dates_until: datetime | None,
    *,
    exempt: bool = False,
    bypassed: bool = False,
) -> Decision:
    request = at.request
    observe = at.policy.observe and not bypassed
    if at.territory is UNKNOWN:
        reasons += (Reason(rule="region-unknown", params=(("region", request.region),)),)
    if observe:
        reasons += (Reason(rule="observe", source=at.policy.sources.get("observe", at.policy_source)),)
    allowed = effect.verdict is Verdict.ALLOW
    return Decision(
        verdict=effect.verdict,
        region=at.territory.region,
        site=at.territory.site,
        origin=request.origin,
        mode=request.mode,
        traffic_class=at.classification.traffic_class,
        treatments=treatments,
        reasons=reasons,
        valid_until=_valid_until(at, effect, dates_until),
        opens_at=None if allowed else effect.opens_at,
        closes_at=effect.closes_at if allowed else None,
        stored_only=effect.stored_only and not allowed,
        alternatives=effect.alternatives,
        original_max_bytes=original_max_bytes(at.policy, at.territory.tariff, at.left_bytes),
        rate_bps=effect.rate_bps,
        price=Price(amount=_NO_MONEY if at.free_now else at.money.price, currency=at.territory.tariff.currency),
        free_now=at.free_now,
        link=as_measured(nominal_link(at.territory, at.money), request),
        costly_hop=at.territory.costly_hop,
        store=at.territory.store,
        exempt=exempt,
        observe=observe,
        bypassed=bypassed,
        honour_no_transform=_honours_no_transform(at),
        required_for_credit=at.classification.required_for_credit,
        player_must_stay=at.origin is not None and is_player(at.origin, request.path),
        audience=request.audience,
        direction=request.direction,
    )


def _honours_no_transform(at: Situation) -> bool:
    """In front of a site Tropa acts for its owner; an explicit proxy does so where the origin itself says it."""
    if at.origin is None:
        return True
    forward = at.request.mode is not Mode.REVERSE
    said = at.origin.forward_no_transform if forward else at.origin.no_transform
    return said is NoTransform.HONOUR


def _valid_until(at: Situation, effect: Effect, dates_until: datetime | None) -> datetime | None:
    until = earlier(earlier(effect.valid_until, dates_until), at.money.valid_until)
    if at.left_bytes is not None and at.policy.original_max_bytes != 0:
        renewals = [use.renews_at for use in at.usage.allowances if use.renews_at > at.now]
        until = earlier(until, min(renewals, default=None))
    return until


def nominal_link(territory: Territory, money: MoneyNow) -> LinkSpeed:
    """The open window's speed, else the place's own."""
    link, window = territory.link, money.window
    down_bps = (window.down_bps if window is not None else None) or link.down_bps
    up_bps = (window.up_bps if window is not None else None) or link.up_bps
    return LinkSpeed(down_bps=down_bps, up_bps=up_bps, rtt_ms=link.rtt_ms)


def as_measured(nominal: LinkSpeed, request: RequestFacts) -> LinkSpeed:
    """The link in force: what is sold, or less where less was measured (a front's buffers measure more than there is);
    the browser's round trip where none is known."""
    measured = None if request.measured_bps is None else in_buckets(request.measured_bps)
    down_bps = lower(nominal.down_bps, measured)
    rtt_ms = request.hints.rtt_ms if nominal.rtt_ms is None else nominal.rtt_ms
    return LinkSpeed(down_bps=down_bps, up_bps=nominal.up_bps, rtt_ms=rtt_ms)


def in_buckets(rate_bps: int) -> int:
    """A measured rate with its three leading bits kept (a fifth at most is lost), so that decisions repeat."""
    shift = max(rate_bps.bit_length() - _KEPT_BITS, 0)
    return rate_bps >> shift << shift
