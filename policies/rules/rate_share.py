"""The part of the link that may be filled in the window that is open now."""

from __future__ import annotations

from policies.rules.situation import Effect, Situation
from policies.values import Reason


def rate_share(at: Situation) -> Effect | None:
    """A rate of the window's share of the link; nothing where the link's speed isn't known."""
    window = at.money.window
    if window is None or window.rate_share is None:
        return None
    down_bps = window.down_bps or at.territory.link.down_bps
    if down_bps is None:
        return None
    rate_bps = max(int(down_bps * window.rate_share), 1)
    params = (("share", window.rate_share), ("rate_bps", rate_bps))
    return Effect(reasons=(Reason(rule="rate-share", source=window.source, params=params),), rate_bps=rate_bps)
