"""Assessment is sacred: never withheld, deferred, throttled or priced away; only its pictures and films may be smaller.

Laws of this file: pictures stay legible, films stay players; both functions are idempotent.
"""

from __future__ import annotations

from dataclasses import replace

from policies.rules.situation import Situation
from policies.treatments import Action, Credit, Form, ImageTreatment, Treatments, VideoTreatment
from policies.values import Reason, TrafficClass

_LEAST_WIDTH_PX = 800  # a diagram in a question must stay legible


def exempt(at: Situation) -> Reason | None:
    """Why this request is exempt from everything that narrows; None: it isn't."""
    if at.classification.traffic_class is not TrafficClass.ASSESSMENT:
        return None
    return Reason(rule="exempt-assessment", source=at.classification.source)


def exempt_treatments(at: Situation) -> Treatments:
    """Everything kept; images at the text floor, neither small nor cut to a number of bytes; films capped in place.

    Uploads as elsewhere: the learner herself chooses what she sends.
    """
    treatments = at.rule.treatments
    return Treatments(
        image=assessment_image(treatments.image),
        video=assessment_video(treatments.video),
        upload=treatments.upload,
    )


def assessment_image(image: ImageTreatment) -> ImageTreatment:
    """The picture of a question: where pictures are made smaller, legible and never withheld."""
    if image.action is Action.KEEP:
        return ImageTreatment()
    floor = max(image.text_quality, ImageTreatment().text_quality)
    return ImageTreatment(
        action=Action.ADAPT,
        max_width_px=None if image.max_width_px is None else max(image.max_width_px, _LEAST_WIDTH_PX),
        photo_quality=max(image.photo_quality, floor),
        text_quality=floor,
    )


def assessment_video(video: VideoTreatment) -> VideoTreatment:
    """The film of a question stays a player: the smaller film where films are made smaller, else as it is."""
    if video.action is not Action.ADAPT:
        return VideoTreatment()
    return replace(video, max_bytes=None, form=Form.CAPPED, also=frozenset(), credit=Credit.UNSAID)
