"""Treatments of one traffic class from the kinds as written."""

from __future__ import annotations

from dataclasses import replace

from policies.schema.policy import BodySection, ImageSection, KindsSection, PageSection
from policies.treatments import (
    Action,
    Animation,
    AudioTreatment,
    DocumentTreatment,
    ImageTreatment,
    PageTreatment,
    SizedTreatment,
    Treatments,
    VideoTreatment,
)

ASSESSMENT_MIN_WIDTH_PX = 800  # a diagram in a question must stay legible
ASSESSMENT_MIN_QUALITY = 60  # the text floor holds for every image of an assessment

_DEFAULT_IMAGE = ImageTreatment()


def compile_treatments(kinds: KindsSection) -> Treatments:
    """Complete treatments; a kind that isn't written is kept."""
    image = _image(kinds.images)
    treatments = Treatments(
        image=image,
        video=_video(kinds.video),
        stream=_video(kinds.streams),
        embed=_video(kinds.embeds),
        audio=_audio(kinds.audio),
        document=_document(kinds.documents),
        archive=_sized(kinds.archives),
        font=Action(kinds.fonts or "keep"),
        script=Action(kinds.scripts or "keep"),
        style=Action(kinds.styles or "keep"),
    )
    page = _page(kinds.pages, image)
    touched = page != PageTreatment() or treatments != Treatments()
    return replace(treatments, page=replace(page, action=Action.ADAPT if touched else Action.KEEP))


def for_assessment(treatments: Treatments) -> Treatments:
    """What is left of treatments in an assessment: images may be adapted above the text floor, all else is kept."""
    image = treatments.image
    if image.action is Action.KEEP:
        return Treatments()
    quality = max(image.text_quality, ASSESSMENT_MIN_QUALITY)
    adapted = ImageTreatment(
        action=Action.ADAPT,
        max_width_px=max(image.max_width_px, ASSESSMENT_MIN_WIDTH_PX) if image.max_width_px else None,
        photo_quality=max(image.photo_quality, quality),
        text_quality=quality,
    )
    return Treatments(image=adapted)


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
        animation=Animation(section.animation),
    )


def _video(section: BodySection | None) -> VideoTreatment:
    return (
        VideoTreatment() if section is None else VideoTreatment(action=Action(section.treatment), max_bytes=section.max)
    )


def _audio(section: BodySection | None) -> AudioTreatment:
    return (
        AudioTreatment() if section is None else AudioTreatment(action=Action(section.treatment), max_bytes=section.max)
    )


def _document(section: BodySection | None) -> DocumentTreatment:
    if section is None:
        return DocumentTreatment()
    return DocumentTreatment(action=Action(section.treatment), max_bytes=section.max)


def _sized(section: BodySection | None) -> SizedTreatment:
    return (
        SizedTreatment() if section is None else SizedTreatment(action=Action(section.treatment), max_bytes=section.max)
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
