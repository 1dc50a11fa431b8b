"""Narrowing: of two treatments, the one that lets less through, field by field.

Laws of this file:
- `narrowest` is commutative, associative and idempotent, so the order of rules never matters;
- how a thing is made smaller counts only among equal actions: what is kept or withheld says nothing of it;
- a size that isn't taken in (`max_bytes`) and what is said of credit count beside any action;
- light copies are offered beside the original, so they add up: they never put more on the link unasked;
- only the learner's own "show the original" widens (`widened_for_original`).
"""

from __future__ import annotations

from dataclasses import replace

from policies.treatments import (
    Action,
    Animation,
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
from policies.values import MediaKind

_ORDER = tuple(Action)
_ANIMATIONS = tuple(Animation)
_FORMS = tuple(Form)
_NOTHING_FITS = tuple(NothingFits)
_CREDITS = tuple(Credit)  # whoever says more counts: nobody is told that less is enough where one rule wants the whole


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
        audio=_audio(a.audio, b.audio),
        document=_document(a.document, b.document),
        archive=_sized(a.archive, b.archive),
        font=narrower_action(a.font, b.font),
        script=narrower_action(a.script, b.script),
        style=narrower_action(a.style, b.style),
        upload=_upload(a.upload, b.upload),
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
        animation=max(a.animation, b.animation, key=_ANIMATIONS.index),
    )


def _qualities(a: ImageTreatment, b: ImageTreatment) -> tuple[int, int]:
    """The lower qualities; an image that is kept has none of its own beside one that is encoded."""
    if (a.action is Action.KEEP) != (b.action is Action.KEEP):
        encoded = b if a.action is Action.KEEP else a
        return encoded.photo_quality, encoded.text_quality
    return min(a.photo_quality, b.photo_quality), min(a.text_quality, b.text_quality)


def _video(a: VideoTreatment, b: VideoTreatment) -> VideoTreatment:
    max_bytes, credit = lower(a.max_bytes, b.max_bytes), max(a.credit, b.credit, key=_CREDITS.index)
    if a.action is not b.action:
        narrow = a if narrower_action(a.action, b.action) is a.action else b
        return replace(narrow, max_bytes=max_bytes, credit=credit)
    return VideoTreatment(
        action=a.action,
        max_bytes=max_bytes,
        form=max(a.form, b.form, key=_FORMS.index),
        also=a.also & b.also,
        max_height_px=lower(a.max_height_px, b.max_height_px),
        max_fps=lower(a.max_fps, b.max_fps),
        max_bitrate_bps=lower(a.max_bitrate_bps, b.max_bitrate_bps),
        sound_bitrate_bps=min(a.sound_bitrate_bps, b.sound_bitrate_bps),
        nothing_fits=max(a.nothing_fits, b.nothing_fits, key=_NOTHING_FITS.index),
        credit=credit,
    )


def _audio(a: AudioTreatment, b: AudioTreatment) -> AudioTreatment:
    max_bytes = lower(a.max_bytes, b.max_bytes)
    if a.action is not b.action:
        narrow = a if narrower_action(a.action, b.action) is a.action else b
        return replace(narrow, max_bytes=max_bytes)
    return AudioTreatment(action=a.action, max_bytes=max_bytes, bitrate_bps=min(a.bitrate_bps, b.bitrate_bps))


def _document(a: DocumentTreatment, b: DocumentTreatment) -> DocumentTreatment:
    return DocumentTreatment(
        action=narrower_action(a.action, b.action),
        max_bytes=lower(a.max_bytes, b.max_bytes),
        light=a.light | b.light,
    )


def _sized(a: SizedTreatment, b: SizedTreatment) -> SizedTreatment:
    return SizedTreatment(action=narrower_action(a.action, b.action), max_bytes=lower(a.max_bytes, b.max_bytes))


def _upload(a: UploadTreatment, b: UploadTreatment) -> UploadTreatment:
    return UploadTreatment(
        photo_width_px=lower(a.photo_width_px, b.photo_width_px),
        photo_quality=min(a.photo_quality, b.photo_quality),
        film_width_px=lower(a.film_width_px, b.film_width_px),
        film_bps=min(a.film_bps, b.film_bps),
        sound_bps=lower(a.sound_bps, b.sound_bps),
        resumable_above_bytes=lower(a.resumable_above_bytes, b.resumable_above_bytes),
        max_bytes=lower(a.max_bytes, b.max_bytes),
    )


def widened_for_original(treatments: Treatments, kind: MediaKind | None, max_bytes: int | None = None) -> Treatments:
    """The treatments when the learner took this very thing as original.

    A page, or a thing of unknown kind, is left alone as a whole: what it embeds is decided by its own requests.
    Of a known kind only that kind passes. max_bytes: larger things keep their card; None: no limit.
    Scripts, styles and fonts belong to pages and are not widened by themselves.
    """
    image = ImageTreatment(max_bytes=max_bytes)
    video = VideoTreatment(max_bytes=max_bytes, credit=treatments.video.credit)
    stream = replace(video, credit=treatments.stream.credit)
    audio, sized = AudioTreatment(max_bytes=max_bytes), SizedTreatment(max_bytes=max_bytes)
    document = DocumentTreatment(max_bytes=max_bytes, light=treatments.document.light)
    match kind:
        case None | MediaKind.PAGE:
            return Treatments(
                image=image,
                video=video,
                stream=stream,
                audio=audio,
                document=document,
                archive=sized,
                upload=treatments.upload,
            )
        case MediaKind.IMAGE:
            return replace(treatments, image=image)
        case MediaKind.VIDEO | MediaKind.STREAM:
            embed = replace(video, credit=treatments.embed.credit)
            return replace(treatments, video=video, stream=stream, embed=embed)
        case MediaKind.AUDIO:
            return replace(treatments, audio=audio)
        case MediaKind.DOCUMENT:
            return replace(treatments, document=document)
        case MediaKind.ARCHIVE:
            return replace(treatments, archive=sized)
        case _:
            return treatments
