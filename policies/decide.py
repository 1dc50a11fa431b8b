"""What may happen to one exchange, before a byte is fetched.

Laws of this file: no clock, no I/O; total: any request gets a decision. `Decider` is the same with a memory.
"""

from __future__ import annotations

from datetime import datetime

from policies.classify import classify
from policies.compose import decision_for
from policies.decider import Decider
from policies.decision import Decision, Verdict
from policies.facts import RequestFacts, Usage
from policies.model import Catalogue
from policies.place import territory_of

__all__ = ["Decider", "decide", "enforced_verdict"]


def decide(catalogue: Catalogue, request: RequestFacts, usage: Usage, now: datetime) -> Decision:
    """The decision for a request at an instant. For a place that nobody knows everything passes, and it says so."""
    classification = classify(catalogue, catalogue.origins.get(request.origin), request)
    return decision_for(catalogue, territory_of(catalogue, request), classification, request, usage, now)


def enforced_verdict(decision: Decision) -> Verdict:
    """The verdict that the wire gets to feel: in observe mode and under bypass everything is allowed."""
    return Verdict.ALLOW if decision.observe or decision.bypassed else decision.verdict
