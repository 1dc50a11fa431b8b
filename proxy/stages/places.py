"""Whether what is made smaller at this place saves anything for whoever pays."""

from __future__ import annotations

from policies.decision import Decision
from policies.values import CostlyHop, Place


def saves_here(place: Place, decision: Decision) -> bool:
    """False where the costly hop lies before this place: a school's box behind its own dear uplink."""
    return place is Place.ORIGIN or decision.costly_hop is not CostlyHop.SITE_UPLINK
