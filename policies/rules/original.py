"""The learner's own "show the original": the only thing that widens, within what policy and allowance permit."""

from __future__ import annotations

from policies.model import Policy, Tariff
from policies.money import payload_of
from policies.narrow import lower, widened_for_original
from policies.rules.situation import Situation, source_of
from policies.treatments import Treatments
from policies.values import Reason

# What is left of an allowance is told in steps, so that decisions are alike from one request to the next.
_STEP_BYTES = 1_000_000
_FINE_STEP_BYTES = 100_000


def original_max_bytes(policy: Policy, tariff: Tariff, left_bytes: int | None) -> int | None:
    """The largest original that may be taken now, in payload bytes; 0: none; None: no limit.

    left_bytes: metered bytes that the allowances still hold; None: nothing limits.
    """
    limit = policy.original_max_bytes
    if limit == 0 or left_bytes is None:
        return limit
    return lower(limit, in_steps(payload_of(left_bytes, tariff)))


def in_steps(left_bytes: int) -> int:
    """Rounded down to whole megabytes, below one to tenths."""
    step = _STEP_BYTES if left_bytes >= _STEP_BYTES else _FINE_STEP_BYTES
    return left_bytes // step * step


def original(at: Situation, treatments: Treatments) -> tuple[Treatments, Reason] | None:
    """The treatments widened for what the learner took, and the reason; None: nothing was taken."""
    if not at.request.wants_original:
        return None
    limit = original_max_bytes(at.policy, at.territory.tariff, at.left_bytes)
    source = source_of(at.policy, "original", "original.max", default=at.policy_source)
    if limit == 0:
        rule = "original-not-offered" if at.policy.original_max_bytes == 0 else "original-unaffordable"
        return treatments, Reason(rule=rule, source=source)
    kind = at.request.kind or at.classification.kind
    params = () if limit is None else (("max_bytes", limit),)
    return widened_for_original(treatments, kind, limit), Reason(rule="original-taken", source=source, params=params)
