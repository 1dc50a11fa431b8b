"""Treatments: what a policy does to each kind of media, as compiled values.

Laws of this file: a treatment says what the outcome may be, never how to make it. `narrowest` of two treatments
is commutative, associative and idempotent, so the order in which rules narrow never matters.
"""

from __future__ import annotations

from enum import StrEnum

from policies.frozen import Frozen

LATE_STYLES = "late-styles"  # the diet item whose style sheets come after the text; nothing of them is left out


class Action(StrEnum):
    """What becomes of a media kind, from the widest to the narrowest."""

    KEEP = "keep"
    ADAPT = "adapt"
    CARD = "card"  # a readable stand-in takes its place
    DROP = "drop"  # left out without a stand-in (fonts, trackers)


class Animation(StrEnum):
    """What becomes of an animated picture, from the fullest to the thriftiest."""

    KEEP = "keep"
    VIDEO = "video"  # a short muted film where the page can show one, else a smaller animation
    SMALLER = "smaller"  # an animated WebP
    STILL = "still"


class Form(StrEnum):
    """What a film or a recording can become, from the fullest to the thriftiest."""

    CAPPED = "capped"  # the film, smaller
    SLIDECAST = "slidecast"  # slides and sound
    SOUND = "sound"
    SLIDES = "slides"


class NothingFits(StrEnum):
    """What becomes of a ladder no rung of which is within the limits, from the widest to the narrowest."""

    LOWEST = "lowest"  # its lowest rung goes
    MAKE = "make"  # the lowest rung, made smaller here; what can't be made goes as it is
    MAKE_OR_CARD = "make-or-card"  # the same; for what can't be made a card
    CARD = "card"


class Credit(StrEnum):
    """What a card says of a lighter version where a course part counts for credit."""

    UNSAID = "unsaid"
    ENOUGH = "enough"
    FULL_NEEDED = "full"


class LightCopy(StrEnum):
    """The lighter copies of a document that are offered beside it, never in its place."""

    READ = "read"  # for a screen
    PRINT = "print"  # at least 150 dpi


class ImageTreatment(Frozen, frozen=True, kw_only=True):
    """Stills. Qualities are on WebP's scale 0..100; the text floor holds for screenshots and line art."""

    action: Action = Action.KEEP
    max_width_px: int | None = None
    max_bytes: int | None = None
    photo_quality: int = 50
    text_quality: int = 60
    animation: Animation = Animation.KEEP


class VideoTreatment(Frozen, frozen=True, kw_only=True):
    """Video files, streams and embedded players.

    max_bytes       with KEEP: larger ones become cards; with ADAPT: larger sources aren't taken in; None: no limit
    form            with ADAPT: the recommended version; CAPPED stays a player in its place, others get a card
    also            with ADAPT: versions that the learner may choose beside it
    max_height_px, max_fps, max_bitrate_bps   limits of a capped film or of a ladder's rungs; None: none
    sound_bitrate_bps    of the sound in every version
    nothing_fits    for a ladder
    credit          what its card says about credit
    """

    action: Action = Action.KEEP
    max_bytes: int | None = None
    form: Form = Form.CAPPED
    also: frozenset[Form] = frozenset()
    max_height_px: int | None = None
    max_fps: int | None = None
    max_bitrate_bps: int | None = None
    sound_bitrate_bps: int = 16_000
    nothing_fits: NothingFits = NothingFits.LOWEST
    credit: Credit = Credit.UNSAID


class AudioTreatment(Frozen, frozen=True, kw_only=True):
    """Sound files: kept, made smaller (ADAPT: speech, mono, at bitrate_bps), or a card above max_bytes."""

    action: Action = Action.KEEP
    max_bytes: int | None = None
    bitrate_bps: int = 16_000


class DocumentTreatment(Frozen, frozen=True, kw_only=True):
    """Documents: kept, or a card above max_bytes; `light` names the copies offered beside the original."""

    action: Action = Action.KEEP
    max_bytes: int | None = None
    light: frozenset[LightCopy] = frozenset()


class SizedTreatment(Frozen, frozen=True, kw_only=True):
    """Archives: kept, or a card above max_bytes."""

    action: Action = Action.KEEP
    max_bytes: int | None = None


class PageTreatment(Frozen, frozen=True, kw_only=True):
    """Pages: what the HTML rewriting does beside the cards.

    text_first     no scripts, no styles of the origin's, no fonts: reading, login, forms and uploads stay
    diet           names of the preset's diet items to leave out: "fonts", "polyfills", "formulas", "trackers" …
                   (LATE_STYLES leaves nothing out)
    """

    action: Action = Action.KEEP
    text_first: bool = False
    lazy_images: bool = False
    show_sizes: bool = False
    diet: frozenset[str] = frozenset()
    max_image_width_px: int | None = None


class UploadTreatment(Frozen, frozen=True, kw_only=True):
    """What a learner sends: offered smaller before it is sent, never made smaller unasked; documents not even offered.

    photo_width_px         photographs are offered at most so wide; None: none is offered
    photo_quality          of the smaller photograph, on JPEG's scale 1..100
    film_width_px          films are offered with their longer side at most so long; None: none is offered
    film_bps               of the smaller film, its sound included
    sound_bps              of a smaller recording of sound; None: none is offered
    resumable_above_bytes  forms whose files are larger go in pieces; None: every form goes as the browser sends it
    max_bytes              forms above it go as the browser sends them; None: no limit of the policy's
    """

    photo_width_px: int | None = None
    photo_quality: int = 75
    film_width_px: int | None = None
    film_bps: int = 300_000
    sound_bps: int | None = None
    resumable_above_bytes: int | None = None
    max_bytes: int | None = None


class Treatments(Frozen, frozen=True, kw_only=True):
    """The treatment of every kind, complete."""

    page: PageTreatment = PageTreatment()
    image: ImageTreatment = ImageTreatment()
    video: VideoTreatment = VideoTreatment()
    stream: VideoTreatment = VideoTreatment()
    embed: VideoTreatment = VideoTreatment()  # players of video hosts
    audio: AudioTreatment = AudioTreatment()
    document: DocumentTreatment = DocumentTreatment()
    archive: SizedTreatment = SizedTreatment()
    font: Action = Action.KEEP
    script: Action = Action.KEEP
    style: Action = Action.KEEP
    upload: UploadTreatment = UploadTreatment()


PASS_ALL = Treatments()
