"""An allowance that runs out: treatments narrow step by step, so that its end is no cliff.

Laws of this file: only treatments narrow here, never the verdict; a step that is reached holds until the allowance
renews, also when it is spent; which bytes are left within a step changes nothing, so that decisions repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from policies.facts import AllowanceUse
from policies.model import Step
from policies.rules.situation import Effect, Near, Situation, joined, local_text
from policies.values import Reason, TrafficClass

_LIVE = frozenset({TrafficClass.CONSULTATION, TrafficClass.WEBINAR})


def nearly_spent(at: Situation) -> Effect | None:
    """The narrower treatments of every allowance that has reached a step of the policy; None while none has."""
    if not at.near:
        return None
    return joined(_effect(at, near) for near in at.near)


def _effect(at: Situation, near: Near) -> Effect:
    step, allowance = near.step, near.allowance
    params = (
        ("percent", step.percent),
        ("scope", allowance.scope.value),
        ("amount_bytes", allowance.amount_bytes),
        ("renews_at", local_text(near.renews_at, at.territory)),
    )
    reason = Reason(rule="allowance-nearly-spent", source=step.source or allowance.source, params=params)
    live = at.classification.traffic_class in _LIVE
    return Effect(reasons=(reason,), treatments=step.live if live else step.treatments, valid_until=near.renews_at)


def step_of(steps: Sequence[Step], use: AllowanceUse, now: datetime) -> Step | None:
    """The highest step that this use has reached; what was used in an earlier period reaches none."""
    if not steps or use.renews_at <= now:
        return None
    used = use.used_bytes * 100
    if used < steps[0].percent * use.amount_bytes:
        return None
    return next(step for step in reversed(steps) if used >= step.percent * use.amount_bytes)
