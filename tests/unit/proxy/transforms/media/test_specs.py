"""From a policy's treatments to what the recipes are told."""

from __future__ import annotations

import pytest

from policies.treatments import AudioTreatment, Form, LightCopy, VideoTreatment
from proxy.transforms.media.spec import PdfSpec, Recipe, SlidecastSpec, SoundCodec, SoundSpec
from proxy.transforms.media.specs import (
    capped_spec,
    form_recipe,
    light_recipe,
    likely_bytes,
    sound_spec,
)

LECTURE_S = 45 * 60.0


def test_a_film_stays_within_the_policys_rate_sound_included() -> None:
    spec = capped_spec(VideoTreatment(max_height_px=240, max_bitrate_bps=150_000, max_fps=12))
    assert spec.video_bitrate_bps + spec.sound_bitrate_bps <= 150_000
    assert (spec.max_height_px, spec.max_fps) == (240, 12)


@pytest.mark.parametrize(("height", "rate"), [(144, 60_000), (200, 110_000), (360, 220_000), (1080, 900_000)])
def test_without_a_rate_the_height_gives_it(height: int, rate: int) -> None:
    assert capped_spec(VideoTreatment(max_height_px=height)).video_bitrate_bps == rate


def test_a_rate_far_above_what_the_height_needs_is_not_used_up() -> None:
    assert capped_spec(VideoTreatment(max_height_px=240, max_bitrate_bps=5_000_000)).video_bitrate_bps == 220_000


def test_sound_for_an_old_device_is_aac() -> None:
    assert sound_spec(VideoTreatment(), opus=False).codec is SoundCodec.AAC
    assert sound_spec(AudioTreatment(bitrate_bps=12_000)) == SoundSpec(bitrate_bps=12_000)


def test_slides_and_slidecast_come_from_one_making() -> None:
    video = VideoTreatment(sound_bitrate_bps=24_000)
    assert form_recipe(Form.SLIDES, video) == form_recipe(Form.SLIDECAST, video)
    recipe, spec = form_recipe(Form.SLIDECAST, video)
    assert recipe is Recipe.SLIDECAST and isinstance(spec, SlidecastSpec) and spec.sound.bitrate_bps == 12_000


def test_versions_of_a_lecture_are_ordered_by_what_they_cost() -> None:
    video = VideoTreatment(max_height_px=240)
    sizes = [likely_bytes(form, video, LECTURE_S) for form in (Form.CAPPED, Form.SOUND, Form.SLIDECAST, Form.SLIDES)]
    assert sizes[0] > max(sizes[1:]) and sizes[3] == min(sizes)
    assert sizes[2] <= 6_000_000  # three quarters of an hour


def test_a_short_films_slides_are_told_rather_too_large_than_too_small() -> None:
    assert likely_bytes(Form.SLIDES, VideoTreatment(), 20) == likely_bytes(Form.SLIDES, VideoTreatment(), 60) >= 90_000


def test_a_print_copy_keeps_150_dots_an_inch() -> None:
    recipe = light_recipe(LightCopy.PRINT, "application/pdf")
    assert recipe is not None and isinstance(recipe[1], PdfSpec) and recipe[1].dpi >= 150
    assert light_recipe(LightCopy.READ, "application/msword") is None
