"""What a policy would have spared, while it is only observed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.decision import Decision, Verdict
from policies.facts import ResponseFacts
from policies.observed import spared_bytes
from policies.treatments import Action, ImageTreatment, Treatments, VideoTreatment
from policies.values import Audience
from tests.exchanges import a_decision

MB = 1_000_000
WATCHED = Treatments(
    video=VideoTreatment(action=Action.CARD), image=ImageTreatment(action=Action.ADAPT, max_width_px=800)
)


def observed(**fields: object) -> Decision:
    return a_decision(observe=True, treatments=WATCHED, audience=Audience.MEDIA, **fields)


def film(**fields: object) -> ResponseFacts:
    return ResponseFacts(**({"status": 200, "content_type": "video/mp4", "length_bytes": 20 * MB} | fields))  # type: ignore[arg-type]


def test_a_film_that_would_have_been_a_card_would_have_been_spared_whole() -> None:
    assert spared_bytes(observed(), film()) == 20 * MB


def test_of_a_part_only_the_part_would_have_been_spared() -> None:
    part = film(status=206, partial=True, length_bytes=MB, headers={"content-range": "bytes 0-999999/20000000"})
    assert spared_bytes(observed(), part) == MB


def test_a_picture_would_have_been_smaller() -> None:
    picture = ResponseFacts(status=200, content_type="image/jpeg", length_bytes=MB)
    assert spared_bytes(observed(), picture) == 800_000


def test_what_a_shut_gate_would_have_refused_counts_whole() -> None:
    page = ResponseFacts(status=200, content_type="text/html", length_bytes=5000)
    assert spared_bytes(observed(verdict=Verdict.DEFER), page) == 5000


@pytest.mark.parametrize("response", [film(status=302), film(status=404), film(length_bytes=None)])
def test_what_is_not_known_counts_nothing(response: ResponseFacts) -> None:
    assert spared_bytes(observed(), response) == 0


def test_a_policy_in_force_counts_by_what_it_does() -> None:
    assert spared_bytes(replace(observed(), observe=False), film()) == 0
