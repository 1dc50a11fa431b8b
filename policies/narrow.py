"""Narrowing: of two treatments, the one that lets less through, field by field.

Laws of this file: `narrowest` is commutative, associative and idempotent, so the order of rules never matters; only
the learner's own "show the original" widens (`widened_for_original`).
"""

from __future__ import annotations

from dataclasses import replace

from policies.treatments import (
    Action,
    Animation,
    ImageTreatment,
    PageTreatment,
    SizedTreatment,
    Treatments,
    VideoTreatment,
)
from policies.values import MediaKind

_ORDER = (Action.KEEP, Action.ADAPT, Action.CARD, Action.DROP)


def narrower_action(a: Action, b: Action) -> Action:
    """The action that lets less through."""
    return max(a, b, key=_ORDER.index)


def lower(a: int | None, b: int | None) -> int | None:
    """The lower of two limits; None is no limit."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def narrowest(a: Treatments, b: Treatments) -> Treatments:
    """What both let through."""
    if a is b:
        return a
    return Treatments(
        page=_page(a.page, b.page),
        image=_image(a.image, b.image),
        video=_video(a.video, b.video),
        stream=_video(a.stream, b.stream),
        embed=_video(a.embed, b.embed),
        audio=_sized(a.audio, b.audio),
        document=_sized(a.document, b.document),
        archive=_sized(a.archive, b.archive),
        font=narrower_action(a.font, b.font),
        script=narrower_action(a.script, b.script),
        style=narrower_action(a.style, b.style),
    )


def _page(a: PageTreatment, b: PageTreatment) -> PageTreatment:
    return PageTreatment(
        action=narrower_action(a.action, b.action),
        text_first=a.text_first or b.text_first,
        lazy_images=a.lazy_images or b.lazy_images,
        show_sizes=a.show_sizes or b.show_sizes,
        diet=a.diet | b.diet,
        max_image_width_px=lower(a.max_image_width_px, b.max_image_width_px),
    )


def _image(a: ImageTreatment, b: ImageTreatment) -> ImageTreatment:
    photo_quality, text_quality = _qualities(a, b)
    return ImageTreatment(
        action=narrower_action(a.action, b.action),
        max_width_px=lower(a.max_width_px, b.max_width_px),
        max_bytes=lower(a.max_bytes, b.max_bytes),
        photo_quality=photo_quality,
        text_quality=text_quality,
        animation=Animation.STILL if Animation.STILL in (a.animation, b.animation) else Animation.KEEP,
    )


def _qualities(a: ImageTreatment, b: ImageTreatment) -> tuple[int, int]:
    """The lower qualities; an image that is kept has none of its own beside one that is encoded."""
    if (a.action is Action.KEEP) != (b.action is Action.KEEP):
        encoded = b if a.action is Action.KEEP else a
        return encoded.photo_quality, encoded.text_quality
    return min(a.photo_quality, b.photo_quality), min(a.text_quality, b.text_quality)


def _video(a: VideoTreatment, b: VideoTreatment) -> VideoTreatment:
    return VideoTreatment(action=narrower_action(a.action, b.action), max_bytes=lower(a.max_bytes, b.max_bytes))


def _sized(a: SizedTreatment, b: SizedTreatment) -> SizedTreatment:
    return SizedTreatment(action=narrower_action(a.action, b.action), max_bytes=lower(a.max_bytes, b.max_bytes))


def widened_for_original(treatments: Treatments, kind: MediaKind | None, max_bytes: int | None = None) -> Treatments:
    """The treatments when the learner took this very thing as original.

    A page, or a thing of unknown kind, is left alone as a whole: what it embeds is decided by its own requests.
    Of a known kind only that kind passes. max_bytes: larger things keep their card; None: no limit.
    Scripts, styles and fonts belong to pages and are not widened by themselves.
    """
    image = ImageTreatment(max_bytes=max_bytes)
    video, sized = VideoTreatment(max_bytes=max_bytes), SizedTreatment(max_bytes=max_bytes)
    match kind:
        case None | MediaKind.PAGE:
            return Treatments(image=image, video=video, stream=video, audio=sized, document=sized, archive=sized)
        case MediaKind.IMAGE:
            return replace(treatments, image=image)
        case MediaKind.VIDEO | MediaKind.STREAM:
            return replace(treatments, video=video, stream=video, embed=video)
        case MediaKind.AUDIO:
            return replace(treatments, audio=sized)
        case MediaKind.DOCUMENT:
            return replace(treatments, document=sized)
        case MediaKind.ARCHIVE:
            return replace(treatments, archive=sized)
        case _:
            return treatments
