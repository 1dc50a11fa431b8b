"""From a request, its place and its class to a Situation: everything that holds now, looked up once.

Laws: pure; each thing is looked up once, however many rules ask for it; a class of which the policy says nothing is
open and untreated.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from policies.classify import Classification
from policies.facts import AllowanceUse, RequestFacts, Usage
from policies.model import After, Allowance, Catalogue, ClassRule, Policy, Tariff, Territory
from policies.money import MoneyNow, money_now
from policies.rules.nearly_spent import step_of
from policies.rules.situation import Near, Situation, Spent
from policies.values import CostlyHop

_OPEN = ClassRule()


def situate(
    catalogue: Catalogue,
    territory: Territory,
    classification: Classification,
    policy: Policy,
    policy_source: str,
    request: RequestFacts,
    usage: Usage,
    now: datetime,
    money: MoneyNow | None = None,
) -> Situation:
    """The Situation. A class of which the policy says nothing is open and untreated.

    money: the tariff now, where it is known already.
    """
    instant, tariff = now.astimezone(UTC), territory.tariff
    counted = is_counted(territory, request)
    money = money or money_now(tariff, instant)
    free_now = money.free or not counted
    uses = binding_uses(territory, request, usage, free_now=free_now)
    return Situation(
        catalogue=catalogue,
        territory=territory,
        origin=catalogue.origins.get(request.origin),
        request=request,
        usage=usage,
        now=instant,
        classification=classification,
        policy=policy,
        policy_source=policy_source,
        rule=policy.classes.get(classification.traffic_class, _OPEN),
        money=money,
        free_now=free_now,
        always_free=money.always_free or not counted,
        spent=tuple(_spent(allowance, use) for allowance, use in uses if is_spent(use, instant)),
        near=_near(policy, uses, instant) if policy.steps else (),
        left_bytes=left_bytes((use for allowance, use in uses if allowance.after is After.STOP), instant),
    )


def is_counted(territory: Territory, request: RequestFacts) -> bool:
    """Whether anybody on the learner's side pays for this request at any time."""
    return territory.costly_hop is not CostlyHop.NONE and request.origin not in territory.tariff.free_origins


def is_spent(use: AllowanceUse, now: datetime) -> bool:
    """Whether an allowance is used up at `now`; what was used in an earlier period doesn't count."""
    return use.renews_at > now and use.used_bytes >= use.amount_bytes


def binding_uses(
    territory: Territory, request: RequestFacts, usage: Usage, *, free_now: bool
) -> tuple[tuple[Allowance, AllowanceUse], ...]:
    """Each use beside its allowance, without those that don't count for this request now or that the tariff lacks."""
    if not usage.allowances or not is_counted(territory, request):
        return ()
    pairs = ((_allowance_of(territory.tariff, use), use) for use in usage.allowances)
    return tuple(
        (allowance, use)
        for allowance, use in pairs
        if allowance is not None and (allowance.counts_when_free or not free_now)
    )


def _allowance_of(tariff: Tariff, use: AllowanceUse) -> Allowance | None:
    """The tariff's allowance of the same scope, of several the one with the same amount."""
    same_scope = [allowance for allowance in tariff.allowances if allowance.scope is use.scope]
    for allowance in same_scope:
        if allowance.amount_bytes == use.amount_bytes:
            return allowance
    return same_scope[0] if same_scope else None


def _spent(allowance: Allowance, use: AllowanceUse) -> Spent:
    return Spent(allowance=allowance, renews_at=use.renews_at.astimezone(UTC))


def tightest(
    territory: Territory, request: RequestFacts, usage: Usage, now: datetime, *, free_now: bool
) -> AllowanceUse | None:
    """Of the allowances that count for this request now the one with the least left; None: none counts."""
    uses = [use for _, use in binding_uses(territory, request, usage, free_now=free_now) if use.renews_at > now]
    return min(uses, key=lambda use: use.amount_bytes - use.used_bytes, default=None)


def _near(policy: Policy, uses: tuple[tuple[Allowance, AllowanceUse], ...], now: datetime) -> tuple[Near, ...]:
    reached = ((allowance, use, step_of(policy.steps, use, now)) for allowance, use in uses)
    return tuple(
        Near(allowance=allowance, step=step, renews_at=use.renews_at.astimezone(UTC))
        for allowance, use, step in reached
        if step is not None
    )


def left_bytes(uses: Iterable[AllowanceUse], now: datetime) -> int | None:
    """The least that any of the allowances still holds, metered; None: there are none."""
    left: int | None = None
    for use in uses:
        rest = use.amount_bytes - use.used_bytes if use.renews_at > now else use.amount_bytes
        if left is None or rest < left:
            left = rest
    return None if left is None else max(left, 0)
