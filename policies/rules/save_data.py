"""The browser's own wish for less (Save-Data)."""

from __future__ import annotations

from policies.rules.situation import Effect, Situation, source_of
from policies.values import Reason


def save_data(at: Situation) -> Effect | None:
    """The policy's treatments for savers, where the browser asks for them and the policy has some."""
    if not at.request.hints.save_data or at.policy.save_data_treatments is None:
        return None
    reason = Reason(rule="save-data", source=source_of(at.policy, "save_data", default=at.policy_source))
    return Effect(reasons=(reason,), treatments=at.policy.save_data_treatments)
