from __future__ import annotations

from policies.narrow import lower, narrowest, widened_for_original
from policies.treatments import PASS_ALL, Action, ImageTreatment, SizedTreatment, Treatments, VideoTreatment
from policies.values import MediaKind


def test_no_limit_is_wider_than_any() -> None:
    assert lower(None, 5) == lower(5, None) == 5
    assert lower(5, 3) == 3
    assert lower(None, None) is None


def test_a_kept_image_has_no_quality_beside_an_adapted_one() -> None:
    adapted = Treatments(image=ImageTreatment(action=Action.ADAPT, photo_quality=70, text_quality=80))
    assert narrowest(PASS_ALL, adapted).image == adapted.image


def test_a_card_and_a_limit_make_a_card() -> None:
    a = Treatments(video=VideoTreatment(action=Action.CARD))
    b = Treatments(video=VideoTreatment(max_bytes=5))
    assert narrowest(a, b).video == VideoTreatment(action=Action.CARD, max_bytes=5)


def test_an_original_of_unknown_kind_passes_whatever_it_turns_out_to_be() -> None:
    card = Treatments(video=VideoTreatment(action=Action.CARD), document=SizedTreatment(action=Action.CARD))
    wide = widened_for_original(card, None, 7)
    assert wide.video == VideoTreatment(max_bytes=7)
    assert wide.document == SizedTreatment(max_bytes=7)


def test_a_stream_taken_as_original_brings_its_segments() -> None:
    card = Treatments(video=VideoTreatment(action=Action.CARD), stream=VideoTreatment(action=Action.CARD))
    wide = widened_for_original(card, MediaKind.STREAM)
    assert wide.stream.action is wide.video.action is Action.KEEP
