"""What is written down of a job is what is read back."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from proxy.media.queue_state import spec_of
from proxy.media.simpler import simpler
from proxy.transforms.media.spec import (
    AnimationSpec,
    CappedSpec,
    HlsSpec,
    MediaSpec,
    OfficeSpec,
    PdfSpec,
    Recipe,
    SlidecastSpec,
    SoundCodec,
    SoundSpec,
    fingerprint,
)

SPECS: dict[Recipe, MediaSpec] = {
    Recipe.CAPPED: CappedSpec(max_height_px=144, start_s=7.5),
    Recipe.AUDIO: SoundSpec(codec=SoundCodec.AAC),
    Recipe.HLS: HlsSpec(capped=CappedSpec(max_fps=10), segment_s=4.0),
    Recipe.SLIDECAST: SlidecastSpec(sound=SoundSpec(bitrate_bps=10_000)),
    Recipe.PDF: PdfSpec(dpi=72),
    Recipe.OFFICE: OfficeSpec(film=CappedSpec(max_fps=5), sound=SoundSpec(codec=SoundCodec.AAC)),
    Recipe.ANIMATION: AnimationSpec(to="mp4"),
}


@pytest.mark.parametrize("recipe", Recipe)
def test_every_recipes_spec_is_read_back_as_it_was(recipe: Recipe) -> None:
    told = json.loads(json.dumps(asdict(SPECS[recipe])))
    assert spec_of(recipe, told) == SPECS[recipe]
    assert fingerprint(recipe, 1, spec_of(recipe, told)) == fingerprint(recipe, 1, SPECS[recipe])


def test_another_recipes_spec_is_refused() -> None:
    with pytest.raises(TypeError):
        spec_of(Recipe.PDF, asdict(CappedSpec()))


@pytest.mark.parametrize("recipe", Recipe)
def test_a_simpler_way_never_asks_for_more(recipe: Recipe) -> None:
    spec = SPECS[recipe]
    its = simpler(recipe, spec)[1]
    for name, value in asdict(its).items():
        before = asdict(spec).get(name)
        if isinstance(value, int | float) and before is not None:
            assert value <= before


def test_a_lecture_that_fails_as_slides_is_tried_as_sound_and_a_film_smaller() -> None:
    assert simpler(Recipe.SLIDECAST, SlidecastSpec()) == (Recipe.AUDIO, SlidecastSpec().sound)
    recipe, spec = simpler(Recipe.CAPPED, CappedSpec())
    assert recipe is Recipe.CAPPED and isinstance(spec, CappedSpec) and spec.max_height_px == 144
