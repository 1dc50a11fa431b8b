"""Treatments of one traffic class from the kinds as written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from policies.rules.assessment import assessment_image, assessment_video
from policies.schema.media import (
    AudioSection,
    BodySection,
    DocumentSection,
    EmbedSection,
    ImageSection,
    StreamSection,
    UploadsSection,
    VideoSection,
)
from policies.schema.policy import KindsSection, PageSection
from policies.treatments import (
    Action,
    AudioTreatment,
    Credit,
    DocumentTreatment,
    Form,
    ImageTreatment,
    NothingFits,
    PageTreatment,
    SizedTreatment,
    Treatments,
    UploadTreatment,
    VideoTreatment,
)

DEFAULT_HEIGHT_PX = 240
DEFAULT_FPS = 15
# A ladder whose rungs cost twice as much each.
_RATES = ((160, 80_000), (240, 150_000), (360, 300_000), (480, 600_000), (720, 1_200_000), (2160, 3_000_000))

_DEFAULT_IMAGE = ImageTreatment()


def treatments_of(kinds: Mapping[str, Any]) -> Treatments:
    """Complete treatments of kinds as written and already checked; alike ones, as a thousand places have, once."""
    return _written(json.dumps(kinds))


@lru_cache(maxsize=1024)
def _written(kinds: str) -> Treatments:
    return compile_treatments(KindsSection.model_validate(json.loads(kinds)))


def compile_treatments(kinds: KindsSection) -> Treatments:
    """Complete treatments; a kind that isn't written is kept."""
    image = _image(kinds.images)
    treatments = Treatments(
        image=image,
        video=_video(kinds.video),
        stream=_video(kinds.streams),
        embed=_embed(kinds.embeds),
        audio=_audio(kinds.audio),
        document=_document(kinds.documents),
        archive=_sized(kinds.archives),
        font=Action(kinds.fonts or "keep"),
        script=Action(kinds.scripts or "keep"),
        style=Action(kinds.styles or "keep"),
    )
    page = _page(kinds.pages, image)
    touched = page != PageTreatment() or treatments != Treatments()
    page = replace(page, action=Action.ADAPT if touched else Action.KEEP)
    return replace(treatments, page=page, upload=_upload(kinds.uploads))


def for_assessment(treatments: Treatments) -> Treatments:
    """What is left of treatments in an assessment: pictures above the text floor, films capped, all else is kept.

    What is offered for uploads is offered there too: the learner chooses.
    """
    return Treatments(
        image=assessment_image(treatments.image),
        video=assessment_video(treatments.video),
        upload=treatments.upload,
    )


def _image(section: ImageSection | None) -> ImageTreatment:
    if section is None:
        return _DEFAULT_IMAGE
    action = Action(section.treatment)
    if action is Action.KEEP:
        return _DEFAULT_IMAGE
    return ImageTreatment(
        action=action,
        max_width_px=section.max_width,
        max_bytes=section.max,
        photo_quality=section.photo_quality,
        text_quality=max(section.text_quality, section.photo_quality),
        animation=section.animation,
    )


def _video(section: VideoSection | None) -> VideoTreatment:
    """With adapt every limit of a smaller film has a value; a ladder's only those that are written, and a height."""
    if section is None:
        return VideoTreatment()
    action, credit = Action(section.treatment), section.credit or Credit.UNSAID
    if action is not Action.ADAPT:
        return VideoTreatment(action=action, max_bytes=section.max, credit=credit)
    form = section.as_ or Form.CAPPED
    height_px = section.max_height or DEFAULT_HEIGHT_PX
    stream = section if isinstance(section, StreamSection) else None
    return VideoTreatment(
        action=action,
        max_bytes=section.max,
        form=form,
        also=frozenset(section.also) - {form},
        max_height_px=height_px,
        max_fps=section.max_fps or (DEFAULT_FPS if stream is None else None),
        # A ladder's rungs are somebody else's work: of a height that is allowed none is refused for its rate unasked.
        max_bitrate_bps=section.max_rate or (rate_of_height_bps(height_px) if stream is None else None),
        sound_bitrate_bps=section.sound or VideoTreatment().sound_bitrate_bps,
        nothing_fits=(stream.if_nothing_fits if stream else None) or NothingFits.LOWEST,
        credit=credit,
    )


def rate_of_height_bps(height_px: int) -> int:
    """What is given to a film of that height, picture and sound, where the policy doesn't say."""
    return next((rate_bps for height, rate_bps in _RATES if height_px <= height), _RATES[-1][1])


def _embed(section: EmbedSection | None) -> VideoTreatment:
    if section is None:
        return VideoTreatment()
    return VideoTreatment(action=Action(section.treatment), credit=section.credit or Credit.UNSAID)


def _audio(section: AudioSection | None) -> AudioTreatment:
    if section is None:
        return AudioTreatment()
    bitrate_bps = section.rate or AudioTreatment().bitrate_bps
    return AudioTreatment(action=Action(section.treatment), max_bytes=section.max, bitrate_bps=bitrate_bps)


def _document(section: DocumentSection | None) -> DocumentTreatment:
    if section is None:
        return DocumentTreatment()
    light = frozenset(section.light)
    return DocumentTreatment(action=Action(section.treatment), max_bytes=section.max, light=light)


def _sized(section: BodySection | None) -> SizedTreatment:
    return (
        SizedTreatment() if section is None else SizedTreatment(action=Action(section.treatment), max_bytes=section.max)
    )


def _upload(section: UploadsSection | None) -> UploadTreatment:
    if section is None:
        return UploadTreatment()
    kept, photos, films, sound = UploadTreatment(), section.photos, section.films, section.sound
    photos = photos if photos is not None and photos.offer else None
    films = films if films is not None and films.offer else None
    return UploadTreatment(
        photo_width_px=None if photos is None else photos.max_width,
        photo_quality=kept.photo_quality if photos is None else photos.quality,
        film_width_px=None if films is None else films.max_width,
        film_bps=kept.film_bps if films is None else films.max_rate,
        sound_bps=sound.rate if sound is not None and sound.offer else None,
        resumable_above_bytes=section.resumable_above,
        max_bytes=section.max,
    )


def _page(section: PageSection | None, image: ImageTreatment) -> PageTreatment:
    width = image.max_width_px if image.action is Action.ADAPT else None
    if section is None:
        return PageTreatment(max_image_width_px=width)
    return PageTreatment(
        text_first=section.text_first,
        lazy_images=section.lazy_images,
        show_sizes=section.show_sizes,
        diet=frozenset(section.diet),
        max_image_width_px=width,
    )
