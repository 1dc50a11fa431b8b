"""Assessment is sacred: never withheld, deferred, throttled or priced away; only its pictures may be coded better."""

from __future__ import annotations

from policies.rules.situation import Situation
from policies.treatments import Action, ImageTreatment, Treatments
from policies.values import Reason, TrafficClass

_LEAST_WIDTH_PX = 800  # a diagram in a question must stay legible


def exempt(at: Situation) -> Reason | None:
    """Why this request is exempt from everything that narrows; None: it isn't."""
    if at.classification.traffic_class is not TrafficClass.ASSESSMENT:
        return None
    return Reason(rule="exempt-assessment", source=at.classification.source)


def exempt_treatments(at: Situation) -> Treatments:
    """Everything kept; images at the text floor, neither small nor cut to a number of bytes."""
    image = at.rule.treatments.image
    if image.action is Action.KEEP:
        return Treatments()
    floor = max(image.text_quality, ImageTreatment().text_quality)
    return Treatments(
        image=ImageTreatment(
            action=Action.ADAPT,
            max_width_px=None if image.max_width_px is None else max(image.max_width_px, _LEAST_WIDTH_PX),
            photo_quality=max(image.photo_quality, floor),
            text_quality=floor,
        )
    )
