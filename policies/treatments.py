"""Treatments: what a policy does to each kind of media, as compiled values.

Laws of this file: a treatment says what the outcome may be, never how to make it. `narrowest` of two treatments
is commutative, associative and idempotent, so the order in which rules narrow never matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What becomes of a media kind, from the widest to the narrowest."""

    KEEP = "keep"
    ADAPT = "adapt"
    CARD = "card"  # a readable stand-in takes its place
    DROP = "drop"  # left out without a stand-in (fonts, trackers)


class Animation(StrEnum):
    KEEP = "keep"
    STILL = "still"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTreatment:
    """Stills. Qualities are on WebP's scale 0..100; the text floor holds for screenshots and line art."""

    action: Action = Action.KEEP
    max_width_px: int | None = None
    max_bytes: int | None = None
    photo_quality: int = 50
    text_quality: int = 60
    animation: Animation = Animation.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTreatment:
    """Video files, streams and embedded players. max_bytes: larger ones become cards; None sets no limit."""

    action: Action = Action.KEEP
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedTreatment:
    """Audio, documents, archives: kept, or a card above max_bytes."""

    action: Action = Action.KEEP
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTreatment:
    """Pages: what the HTML rewriting does beside the cards.

    text_first     no scripts, no styles of the origin's, no fonts: reading, login, forms and uploads stay
    diet           names of the preset's diet items to leave out: "fonts", "polyfills", "formulas", "trackers" …
    """

    action: Action = Action.KEEP
    text_first: bool = False
    lazy_images: bool = False
    show_sizes: bool = False
    diet: frozenset[str] = frozenset()
    max_image_width_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatments:
    """The treatment of every kind, complete."""

    page: PageTreatment = PageTreatment()
    image: ImageTreatment = ImageTreatment()
    video: VideoTreatment = VideoTreatment()
    stream: VideoTreatment = VideoTreatment()
    embed: VideoTreatment = VideoTreatment()  # players of video hosts
    audio: SizedTreatment = SizedTreatment()
    document: SizedTreatment = SizedTreatment()
    archive: SizedTreatment = SizedTreatment()
    font: Action = Action.KEEP
    script: Action = Action.KEEP
    style: Action = Action.KEEP


PASS_ALL = Treatments()
