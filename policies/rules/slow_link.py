"""A link that is slow now, by measurement or by the browser's word."""

from __future__ import annotations

from policies.facts import NO_HINTS, Hints, RequestFacts
from policies.model import Policy
from policies.rules.situation import Effect, Situation, source_of
from policies.values import Reason

SLOW_TYPES = frozenset({"slow-2g", "2g", "3g"})  # Network Information API's effective types below "4g"
SLOW_RTT_MS = 300  # above what wired and 4G links show; a page's many round trips are felt from here on


def slow_link(at: Situation) -> Effect | None:
    """The policy's narrowed treatments, where it has some and any sign says that the link is slow."""
    sign = sign_of_slowness(at.policy, at.request)
    if sign is None or at.policy.narrowed is None:
        return None
    source = source_of(at.policy, "slow_link", "slow_link.below", default=at.policy_source)
    return Effect(reasons=(Reason(rule="slow-link", source=source, params=(sign,)),), treatments=at.policy.narrowed)


def sign_of_slowness(policy: Policy, request: RequestFacts) -> tuple[str, str | int] | None:
    """What says that the link is slow, as a parameter of the reason: the measurement before the hints."""
    if policy.narrowed is None:
        return None
    limit = policy.narrow_below_bps
    if limit is not None and request.measured_bps is not None and request.measured_bps < limit:
        return "sign", "measured"
    return None if request.hints is NO_HINTS else _hinted(request.hints, limit)


def _hinted(hints: Hints, limit: int | None) -> tuple[str, str | int] | None:
    if limit is not None and hints.downlink_bps is not None and hints.downlink_bps < limit:
        return "sign", "downlink"
    if hints.ect in SLOW_TYPES:
        return "sign", "ect"
    if hints.rtt_ms is not None and hints.rtt_ms >= SLOW_RTT_MS:
        return "sign", "rtt"
    return None
