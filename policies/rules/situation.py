"""What a rule may look at, and what it may answer.

Laws of this file: a rule reads a Situation and answers an Effect or None; an Effect only narrows, so the order in
which effects are joined never matters; every Effect that narrows carries a Reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from policies.classify import Classification
from policies.decision import Alternative, Verdict
from policies.facts import RequestFacts, Usage
from policies.frozen import Frozen
from policies.model import Allowance, Catalogue, ClassRule, Origin, Policy, Step, Territory
from policies.money import MoneyNow
from policies.narrow import lower, narrowest
from policies.treatments import Treatments
from policies.values import Reason

_ORDER = (Verdict.ALLOW, Verdict.DEFER, Verdict.REFUSE)


class Spent(Frozen, frozen=True, kw_only=True):
    """An allowance that is used up until `renews_at`."""

    allowance: Allowance
    renews_at: datetime


class Near(Frozen, frozen=True, kw_only=True):
    """An allowance that has reached a step of the policy, until `renews_at`."""

    allowance: Allowance
    step: Step
    renews_at: datetime


class Situation(Frozen, frozen=True, kw_only=True):
    """One request with everything that holds for it here and now, looked up once.

    now           in UTC
    money         price, window and freedom of the tariff now
    free_now      the learner's side pays nothing for this request now
    always_free   … and never does, whatever the clock says
    spent         allowances that bind now and are used up
    near          allowances that bind now and have reached a step of the policy
    left_bytes    metered bytes that the allowances which end in a stop still hold; None: nothing limits
    """

    catalogue: Catalogue
    territory: Territory
    origin: Origin | None
    request: RequestFacts
    usage: Usage
    now: datetime
    classification: Classification
    policy: Policy
    policy_source: str
    rule: ClassRule
    money: MoneyNow
    free_now: bool
    always_free: bool
    spent: tuple[Spent, ...]
    near: tuple[Near, ...]
    left_bytes: int | None


class Effect(Frozen, frozen=True, kw_only=True):
    """What one rule wants.

    treatments  narrower ones; None: as they are
    opens_at    counts only with DEFER, where None means: not within the horizon
    stored_only with DEFER or REFUSE: what lies in the store on this side of the costly hop may go all the same
    """

    reasons: tuple[Reason, ...]
    verdict: Verdict = Verdict.ALLOW
    treatments: Treatments | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    alternatives: tuple[Alternative, ...] = ()
    rate_bps: int | None = None
    valid_until: datetime | None = None
    stored_only: bool = False


NOTHING = Effect(reasons=())


def joined(effects: Iterable[Effect]) -> Effect:
    """All effects at once: the narrowest verdict and treatments, the latest opening, the earliest end."""
    wanted = list(effects)
    if len(wanted) < 2:
        return wanted[0] if wanted else NOTHING
    return reduce(_both, wanted)


def _both(a: Effect, b: Effect) -> Effect:
    return Effect(
        reasons=a.reasons + b.reasons,
        verdict=narrower_verdict(a.verdict, b.verdict),
        treatments=narrowed(a.treatments, b.treatments),
        opens_at=_later_opening(a, b),
        closes_at=earlier(a.closes_at, b.closes_at),
        alternatives=a.alternatives + b.alternatives,
        rate_bps=lower(a.rate_bps, b.rate_bps),
        valid_until=earlier(a.valid_until, b.valid_until),
        stored_only=_spares_what_is_stored(a, b),
    )


def narrowed(a: Treatments | None, b: Treatments | None) -> Treatments | None:
    """The narrowest of two, where None leaves the other as it is."""
    if a is None or b is None:
        return b if a is None else a
    return narrowest(a, b)


def narrower_verdict(a: Verdict, b: Verdict) -> Verdict:
    """Refuse before defer before allow."""
    return max(a, b, key=_ORDER.index)


def earlier(a: datetime | None, b: datetime | None) -> datetime | None:
    """The earlier of two instants; None is never."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _spares_what_is_stored(a: Effect, b: Effect) -> bool:
    """Only where everyone who refuses does: a closed hour is closed for what is stored too."""
    refusing = [effect for effect in (a, b) if effect.verdict is not Verdict.ALLOW]
    return bool(refusing) and all(effect.stored_only for effect in refusing)


def _later_opening(a: Effect, b: Effect) -> datetime | None:
    """Both must be open, so the later opening counts; one that never opens stays shut."""
    if a.verdict is not Verdict.DEFER:
        return b.opens_at
    if b.verdict is not Verdict.DEFER:
        return a.opens_at
    if a.opens_at is None or b.opens_at is None:
        return None
    return max(a.opens_at, b.opens_at)


def local_text(instant: datetime | None, territory: Territory) -> str:
    """An instant as a reason's parameter: ISO 8601 in the place's own zone, "" for None."""
    return "" if instant is None else instant.astimezone(territory.zone).isoformat(timespec="seconds")


def source_of(policy: Policy, *keys: str, default: str = "") -> str:
    """The YAML place of the first of the dotted keys that the policy knows."""
    return next((policy.sources[key] for key in keys if key in policy.sources), default)
