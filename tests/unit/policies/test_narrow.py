from __future__ import annotations

from dataclasses import replace

from policies.narrow import lower, narrowest, widened_for_original
from policies.treatments import (
    PASS_ALL,
    Action,
    Animation,
    Credit,
    DocumentTreatment,
    Form,
    ImageTreatment,
    LightCopy,
    NothingFits,
    Treatments,
    VideoTreatment,
)
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
    card = Treatments(video=VideoTreatment(action=Action.CARD), document=DocumentTreatment(action=Action.CARD))
    wide = widened_for_original(card, None, 7)
    assert wide.video == VideoTreatment(max_bytes=7)
    assert wide.document == DocumentTreatment(max_bytes=7)


def test_a_stream_taken_as_original_brings_its_segments() -> None:
    card = Treatments(video=VideoTreatment(action=Action.CARD), stream=VideoTreatment(action=Action.CARD))
    wide = widened_for_original(card, MediaKind.STREAM)
    assert wide.stream.action is wide.video.action is Action.KEEP


def test_how_a_film_is_made_smaller_counts_only_beside_another_that_is() -> None:
    kept = VideoTreatment(max_bytes=9, sound_bitrate_bps=12_000, max_height_px=96)
    slides = VideoTreatment(action=Action.ADAPT, form=Form.SLIDECAST, also=frozenset({Form.SOUND}), max_height_px=240)
    assert narrowest(Treatments(video=kept), Treatments(video=slides)).video == replace(slides, max_bytes=9)


def test_of_two_ways_to_make_a_film_smaller_the_thriftier_holds_and_what_both_offer() -> None:
    wide = VideoTreatment(action=Action.ADAPT, also=frozenset({Form.SLIDECAST, Form.SOUND}), max_height_px=360)
    thin = VideoTreatment(
        action=Action.ADAPT,
        form=Form.SLIDECAST,
        also=frozenset({Form.SOUND, Form.SLIDES}),
        max_bitrate_bps=110_000,
        nothing_fits=NothingFits.MAKE,
    )
    both = narrowest(Treatments(stream=wide), Treatments(stream=thin)).stream
    assert both == replace(thin, also=frozenset({Form.SOUND}), max_height_px=360)


def test_a_stricter_word_on_credit_holds_beside_any_action() -> None:
    full = Treatments(video=VideoTreatment(credit=Credit.FULL_NEEDED))
    card = Treatments(video=VideoTreatment(action=Action.CARD, credit=Credit.ENOUGH))
    assert narrowest(full, card).video == VideoTreatment(action=Action.CARD, credit=Credit.FULL_NEEDED)


def test_light_copies_that_one_rule_offers_are_not_taken_away_by_another() -> None:
    read = Treatments(document=DocumentTreatment(light=frozenset({LightCopy.READ})))
    card = Treatments(document=DocumentTreatment(action=Action.CARD))
    assert narrowest(read, card).document == DocumentTreatment(action=Action.CARD, light=frozenset({LightCopy.READ}))


def test_the_thriftier_animation_holds() -> None:
    film = Treatments(image=ImageTreatment(animation=Animation.VIDEO))
    smaller = Treatments(image=ImageTreatment(animation=Animation.SMALLER))
    assert narrowest(film, smaller).image.animation is Animation.SMALLER
