"""An undecrypted tunnel shows its host and its length: nothing inside can be treated."""

from __future__ import annotations

from policies.rules.situation import Situation
from policies.treatments import PASS_ALL, Treatments
from policies.values import Mode, Reason


def tunnel(at: Situation, treatments: Treatments) -> tuple[Treatments, Reason] | None:
    """Nothing treated in a tunnel; the host's class, windows, budget and rate still hold."""
    if at.request.mode is not Mode.TUNNEL or treatments == PASS_ALL:
        return None
    return PASS_ALL, Reason(rule="tunnel-opaque", source=at.policy_source)
