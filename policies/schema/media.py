"""What a policy says of each kind of media: pictures, films, streams, players, sound, documents, archives.

Laws of this file: a section's default is to keep; keys that only say how a thing is made smaller count with
`treatment: adapt` alone (`policies.compile.media` says so where they are written without it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from policies import units
from policies.faults import Wrong
from policies.schema.base import Bytes, Listed, Pixels, Quality, Section, Truth, scalar, word
from policies.treatments import Animation, Credit, Form, LightCopy, NothingFits

LEAST_HEIGHT_PX, MOST_HEIGHT_PX = 96, 2160
LEAST_SOUND_BPS, MOST_SOUND_BPS = 6_000, 64_000
LEAST_FILM_BPS = 30_000
LEAST_FPS, MOST_FPS = 1, 60


def _parse_height(text: str) -> int:
    height_px = units.parse_pixels(text)
    if height_px < LEAST_HEIGHT_PX:
        raise Wrong(f"at {height_px} px nothing can be made out", f"write {LEAST_HEIGHT_PX} px or more, or as: slides")
    if height_px > MOST_HEIGHT_PX:
        raise Wrong(f"expected a height up to {MOST_HEIGHT_PX} px, got {text!r}", "write one like 240 px")
    return height_px


def _parse_sound(text: str) -> int:
    bitrate_bps = units.parse_rate_bps(text)
    if not LEAST_SOUND_BPS <= bitrate_bps <= MOST_SOUND_BPS:
        raise Wrong(f"expected a rate of speech from 6 to 64 kbit/s, got {text!r}", "write one like 16 kbit/s")
    return bitrate_bps


def _parse_film_rate(text: str) -> int:
    bitrate_bps = units.parse_rate_bps(text)
    if bitrate_bps < LEAST_FILM_BPS:
        raise Wrong(f"no film can be watched at {text!r}", "write 30 kbit/s or more, or as: slidecast")
    return bitrate_bps


def _parse_fps(text: str) -> int:
    fps = units.parse_count(text)
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise Wrong(f"expected {LEAST_FPS} to {MOST_FPS} pictures a second, got {text!r}", "write one like 12")
    return fps


def _word_but(refused: str, why: str, cure: str, *words: str) -> BeforeValidator:
    """One of a few words; for one that others know the cure says why it isn't among them."""
    read: Callable[[object], object] = word(*words).func  # type: ignore[assignment]

    def read_or_explain(value: object) -> object:
        if value == refused:
            raise Wrong(why, cure)
        return read(value)

    return BeforeValidator(read_or_explain)


def _example(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


Height = Annotated[
    int,
    scalar(_parse_height, "a height like 240 px"),
    WithJsonSchema({"type": ["string", "number"], "examples": ["240 px"]}),
]
FilmRate = Annotated[int, scalar(_parse_film_rate, "a speed like 150 kbit/s"), _example("150 kbit/s")]
SoundRate = Annotated[int, scalar(_parse_sound, "a speed like 16 kbit/s"), _example("16 kbit/s")]
Fps = Annotated[int, scalar(_parse_fps, "a number of pictures a second"), WithJsonSchema({"type": "integer"})]

AnyWord = Annotated[Literal["keep", "adapt", "card", "drop"], word("keep", "adapt", "card", "drop")]
BodyWord = Annotated[Literal["keep", "card", "drop"], word("keep", "card", "drop")]
EmbedWord = Annotated[
    Literal["keep", "card", "drop"],
    _word_but(
        "adapt",
        "a video host's player has no file that could be made smaller",
        "write card; a copy of the film on the site itself can be adapted",
        *("keep", "card", "drop"),
    ),
]
DocumentWord = Annotated[
    Literal["keep", "card", "drop"],
    _word_but(
        "adapt",
        "a document is never changed in its place",
        "write light: [read, print] for lighter copies beside it",
        *("keep", "card", "drop"),
    ),
]
AnimationWord = Annotated[Animation, word(*Animation)]
FormWord = Annotated[Form, word(*Form)]
CreditWord = Annotated[Credit, word(*Credit)]


class Treated(Section):
    """A section whose short form is one word: its treatment."""

    @classmethod
    def longhand(cls, value: object) -> object:
        return {"treatment": value} if isinstance(value, str) else value


class ImageSection(Treated):
    """Pictures. Short form: one word."""

    treatment: AnyWord = Field(
        default="adapt", description="keep: as they are; adapt: smaller; card: a stand-in; drop: left out."
    )
    max_width: Pixels | None = Field(default=None, description="Wider ones are reduced to this width.")
    max: Bytes | None = Field(default=None, description="The size to stay under, where quality can still give way.")
    photo_quality: Quality = Field(
        default=50, description="For photographs, on WebP's scale: 60 good, 50 fair, 30 thrifty, 20 poor."
    )
    text_quality: Quality = Field(
        default=60, description="For screenshots, diagrams and text: the floor under which none goes."
    )
    animation: AnimationWord = Field(
        default=Animation.KEEP,
        description="Animated pictures. smaller: fewer and smaller pictures; video: a short muted film where the "
        "page can show one, else the same; still: only the first.",
    )


class VideoSection(Treated):
    """Films. Short form: one word."""

    treatment: AnyWord = Field(
        default="keep", description="keep, adapt (made smaller), card (a readable stand-in) or drop (left out)."
    )
    as_: FormWord | None = Field(
        default=None,
        alias="as",
        description="With adapt, the version that is recommended: capped (the film, smaller, in its place), slidecast "
        "(slides with sound), sound, slides; left out: capped.",
    )
    also: Annotated[list[FormWord], Listed] = Field(
        default=[], description="With adapt, what the learner may choose beside it."
    )
    max: Bytes | None = Field(
        default=None, description="With keep: larger ones become cards. With adapt: larger ones aren't taken in."
    )
    max_height: Height | None = Field(default=None, description="Of a smaller film; left out: 240 px.")
    max_fps: Fps | None = Field(default=None, description="Its pictures a second; left out: 15.")
    max_rate: FilmRate | None = Field(
        default=None,
        description="Its picture and sound together, as 150 kbit/s; left out: its height's own, and for streams any.",
    )
    sound: SoundRate | None = Field(default=None, description="The sound of every version; left out: 16 kbit/s.")
    credit: CreditWord | None = Field(
        default=None,
        description="What cards say where the course part counts: unsaid, enough (a lighter version will do) or full "
        "(the whole film must be seen).",
    )


class StreamSection(VideoSection):
    """HLS and DASH streams: their ladders keep the rungs within the limits, or the sound alone. Short form: one word.

    With `as: slidecast` or `slides` the card offers these; a player that asks for the ladder by itself gets its sound.
    """

    max_fps: Fps | None = Field(default=None, description="Rungs of more pictures a second go; left out: no limit.")
    if_nothing_fits: Annotated[NothingFits, word(*NothingFits)] | None = Field(
        default=None,
        description="Where every rung is too heavy: lowest (the lowest one), make (it is made smaller here; what can't "
        "be made goes as it is), make-or-card (the same, with a card for what can't be made) or card.",
    )


class EmbedSection(Treated):
    """Players of video hosts inside pages. Short form: one word."""

    treatment: EmbedWord = Field(default="keep", description="keep, card (a readable stand-in) or drop (left out).")
    credit: CreditWord | None = Field(
        default=None, description="What cards say where the course part counts: unsaid, enough or full."
    )


class AudioSection(Treated):
    """Sound files. Short form: one word."""

    treatment: AnyWord = Field(
        default="keep", description="keep, adapt (made smaller, for speech), card (a readable stand-in) or drop."
    )
    rate: SoundRate | None = Field(default=None, description="With adapt, of the smaller one; left out: 16 kbit/s.")
    max: Bytes | None = Field(
        default=None, description="With keep: larger ones become cards. With adapt: larger ones aren't taken in."
    )


class DocumentSection(Treated):
    """PDF and office documents. Short form: one word."""

    treatment: DocumentWord = Field(default="keep", description="keep, card (a readable stand-in) or drop (left out).")
    max: Bytes | None = Field(default=None, description="With keep: larger ones become cards.")
    light: Annotated[list[Annotated[LightCopy, word(*LightCopy)]], Listed] = Field(
        default=[],
        description="Lighter copies that are offered beside the original, never in its place: read (for a screen), "
        "print (for paper).",
    )


class BodySection(Treated):
    """Archives. Short form: one word."""

    treatment: BodyWord = Field(default="keep", description="keep, card (a readable stand-in) or drop (left out).")
    max: Bytes | None = Field(default=None, description="With keep: larger ones become cards.")


class Offered(Section):
    """Something that a learner sends, of which a smaller one is offered; its short form keep offers none."""

    offer: Truth = Field(default=True, description="Whether a smaller one is offered.")

    @classmethod
    def longhand(cls, value: object) -> object:
        return {"offer": "false"} if value == "keep" else value


class PhotosSection(Offered):
    """Photographs that a learner sends: a smaller one is offered, she chooses. Short form: keep (none is offered)."""

    max_width: Pixels = Field(default=1600, description="Its longer side at most.")
    quality: Quality = Field(default=75, description="On JPEG's scale; pictures with text keep 80 and 1280 px.")


class OfferedFilmsSection(Offered):
    """Films that a learner sends: a smaller one is offered, she chooses. Short form: keep (none is offered)."""

    max_width: Pixels = Field(default=640, description="Its longer side at most.")
    max_rate: FilmRate = Field(default=300_000, description="Picture and sound together.")


class OfferedSoundSection(Offered):
    """Recordings of sound that a learner sends: a smaller one is offered. Short form: keep, or a rate of speech."""

    rate: SoundRate = Field(default=24_000, description="Of the smaller one; one channel.")

    @classmethod
    def longhand(cls, value: object) -> object:
        value = super().longhand(value)
        return {"rate": value} if isinstance(value, str) else value


class UploadsSection(Section):
    """What learners send. Documents are never changed; a form without scripts goes as ever."""

    photos: PhotosSection | None = Field(default=None, description="Photographs; left out: nothing is offered.")
    films: OfferedFilmsSection | None = Field(default=None, description="Films; left out: nothing is offered.")
    sound: OfferedSoundSection | None = Field(default=None, description="Sound; left out: nothing is offered.")
    resumable_above: Bytes | None = Field(
        default=None, description="Larger ones go in pieces and survive a cut; left out: none does."
    )
    max: Bytes | None = Field(default=None, description="Above it a form goes as the browser sends it.")


SHORT_FORMS: tuple[type[Treated], ...] = (
    *(ImageSection, VideoSection, StreamSection, EmbedSection),
    *(AudioSection, DocumentSection, BodySection),
)
ADAPT_KEYS: dict[str, tuple[str, ...]] = {
    "video": ("as", "also", "max_height", "max_fps", "max_rate", "sound"),
    "streams": ("as", "also", "max_height", "max_fps", "max_rate", "sound", "if_nothing_fits"),
    "audio": ("rate",),
}
"""The keys of each kind that count with `treatment: adapt` alone."""
