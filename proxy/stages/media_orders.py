"""From a version that a learner may have to the order that the desk takes.

Laws: pure; the same version of the same source is the same order whoever asks; which sound a browser plays is told by
its name, since none says so in its headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from policies.decision import Decision
from policies.treatments import AudioTreatment, Form, LightCopy, VideoTreatment
from proxy.media.refs import Fetch, SourceRef
from proxy.media.views import Order
from proxy.transforms.media.recipes import RECIPES
from proxy.transforms.media.spec import MediaSpec, Recipe
from proxy.transforms.media.specs import form_recipe, light_recipe, segments_spec, sound_spec

SOUND = Form.SOUND.value
# Apple's own browsers before they learned Opus in WebM, and Internet Explorer: AAC is what all of them play.
_NO_OPUS = re.compile(r"iPhone|iPad|iPod|Trident|MSIE|Version/[\d.]+ (?:Mobile/\S+ )?Safari")


def knows_opus(headers: Mapping[str, str]) -> bool:
    """Whether this browser plays Opus in WebM."""
    return _NO_OPUS.search(headers.get("User-Agent", "")) is None


def recipe_of(
    version: str, decision: Decision, content_type: str, headers: Mapping[str, str]
) -> tuple[Recipe, MediaSpec] | None:
    """The recipe behind a version ("slidecast", "sound", "read" …) under this decision; None: there is none."""
    treatments = decision.treatments
    if version in (LightCopy.READ, LightCopy.PRINT):
        return light_recipe(LightCopy(version), content_type)
    if version in tuple(Form):
        return form_recipe(Form(version), treatments.video, opus=knows_opus(headers))
    return None


def order_of(
    recipe: Recipe,
    spec: MediaSpec,
    source: SourceRef,
    *,
    region: str,
    title: str = "",
    media_s: float | None = None,
    segment: int | None = None,
    fetch: Fetch | None = None,
) -> Order:
    """The desk's order for what a recipe makes of a source."""
    return Order(
        source=source,
        recipe=recipe,
        version=RECIPES[recipe].version,
        spec=spec,
        region=region,
        segment=segment,
        title=title,
        media_s=media_s,
        fetch=fetch,
    )


def playing_recipe(
    treatment: VideoTreatment | AudioTreatment, headers: Mapping[str, str]
) -> tuple[Recipe, MediaSpec] | None:
    """What goes in a film's or a recording's own place; None where no film may go there."""
    if isinstance(treatment, AudioTreatment):
        return Recipe.AUDIO, sound_spec(treatment, opus=knows_opus(headers))
    if Form.CAPPED not in (treatment.form, *treatment.also):
        return None
    return form_recipe(Form.CAPPED, treatment)


def segments_recipe(treatment: VideoTreatment) -> tuple[Recipe, MediaSpec]:
    """A long film in segments that are made when they are asked for."""
    return Recipe.HLS, segments_spec(treatment)
