"""Whether what is made smaller at this place saves anything for whoever pays."""

from __future__ import annotations

import pytest

from policies.values import CostlyHop, Place
from proxy.stages.places import saves_here
from tests.exchanges import a_decision


@pytest.mark.parametrize(
    ("place", "hop", "saves"),
    [
        (Place.ORIGIN, CostlyHop.SITE_UPLINK, True),
        (Place.ORIGIN, CostlyHop.LEARNER_LINK, True),
        (Place.SCHOOL, CostlyHop.LEARNER_LINK, True),
        (Place.SCHOOL, CostlyHop.SITE_UPLINK, False),  # the megabytes have been paid for when they arrive here
        (Place.SCHOOL, CostlyHop.NONE, True),  # it makes a slow link quicker
    ],
)
def test_making_smaller_behind_the_dear_hop_saves_nothing(place: Place, hop: CostlyHop, saves: bool) -> None:
    assert saves_here(place, a_decision(costly_hop=hop)) is saves
