"""A policy as it is written: what becomes of each kind of media, and when each traffic class is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from policies.faults import Wrong
from policies.schema.base import (
    Bytes,
    Href,
    Id,
    Line,
    Listed,
    PercentKey,
    Rate,
    Seconds,
    Section,
    TextSection,
    Truth,
    described,
    word,
)
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
from policies.schema.time import WindowSection
from policies.values import TrafficClass

KINDS: Mapping[str, str] = {
    "images": "image",
    "video": "video",
    "streams": "stream",
    "embeds": "embed",
    "audio": "audio",
    "documents": "document",
    "archives": "archive",
    "fonts": "font",
    "scripts": "script",
    "styles": "style",
    "pages": "page",
    "uploads": "upload",
}
"""The operator's word for each kind -> the field of `Treatments`."""

CLASS_SHORTHANDS: Mapping[str, str] = {"consultations": "consultation", "webinars": "webinar"}
"""Keys of a region that stand for classes.X."""

PartWord = Annotated[Literal["keep", "drop"], word("keep", "drop")]
ClassWord = Annotated[TrafficClass, word(*TrafficClass)]


class PageSection(Section):
    """What is done to pages beside the cards."""

    text_first: Truth = Field(
        default=False, description="Reading first: no scripts, styles or fonts of the site's own."
    )
    lazy_images: Truth = Field(default=False, description="Images load when they come into view.")
    show_sizes: Truth = Field(default=False, description="The size stands beside links to heavy files.")
    diet: Annotated[list[Id], Listed] = Field(
        default=[],
        description="What a first visit does without: fonts, polyfills, formulas, trackers; late-styles leaves nothing "
        "out, but lets style sheets come after the text on thin links.",
    )


class OriginalSection(Section):
    """The learner's own "show the original". Short form: never, always, or the largest size."""

    allow: Truth = Field(default=True, description="Whether it is offered.")
    max: Bytes | None = Field(default=None, description="Up to this size; left out: any size.")

    @classmethod
    def longhand(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return {"never": {"allow": "false"}, "always": {"allow": "true"}}.get(value, {"max": value})


class KindsSection(Section):
    """A treatment for each kind of media; kinds left out pass as they are, or as inherited."""

    images: ImageSection | None = Field(default=None, description="Pictures.")
    video: VideoSection | None = Field(default=None, description="Video files.")
    streams: StreamSection | None = Field(default=None, description="HLS and DASH streams.")
    embeds: EmbedSection | None = Field(default=None, description="Players of video hosts inside pages.")
    audio: AudioSection | None = Field(default=None, description="Sound files.")
    documents: DocumentSection | None = Field(default=None, description="PDF and office documents.")
    archives: BodySection | None = Field(default=None, description="ZIP and other archives.")
    fonts: PartWord | None = Field(default=None, description="Web fonts: keep or drop.")
    scripts: PartWord | None = Field(default=None, description="Scripts: keep or drop.")
    styles: PartWord | None = Field(default=None, description="Style sheets: keep or drop.")
    pages: PageSection | None = Field(default=None, description="Pages.")
    uploads: UploadsSection | None = Field(default=None, description="What learners send.")


class SlowLinkSection(KindsSection):
    """Narrower treatments while the measured link is below a speed."""

    below: Rate | None = Field(default=None, description="The speed under which they hold, as 128 kbit/s.")


class AlternativeSection(Section):
    """Something offered instead. Short form: `forum: /mod/forum/`, or one word whose address the origin gives."""

    what: Id = Field(description="recording, forum, text-chat, slides …")
    href: Href | None = Field(default=None, description="Its address on the same site; left out: the origin's.")

    @classmethod
    def longhand(cls, value: object) -> object:
        if isinstance(value, str):
            return {"what": value}
        if isinstance(value, Mapping) and len(value) == 1 and "what" not in value:
            ((what, href),) = value.items()
            return {"what": what, "href": href}
        return value


def _read_alternatives(value: object) -> object:
    if isinstance(value, Mapping) and "what" not in value:
        return [{"what": what, "href": href} for what, href in value.items()]
    return [value] if isinstance(value, (str, Mapping)) else value


Alternatives = Annotated[list[AlternativeSection], BeforeValidator(_read_alternatives)]


def _read_when(value: object) -> object:
    if isinstance(value, str):
        if value in ("always", "free", "never"):
            return value
        if not any(character.isdigit() for character in value):
            raise Wrong(f"expected always, free, never or windows, got {value!r}", "write one of them")
        return [value]
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list) and value:
        return value
    raise Wrong(f"expected always, free, never or windows, got {described(value)}", "leave the key out for always")


When = Annotated[
    Literal["always", "free", "never"] | list[WindowSection],
    BeforeValidator(_read_when),
    WithJsonSchema({"examples": ["free", [{"days": "mon-fri", "from": "18:00", "to": "21:00"}]]}),
]


class ClassSection(KindsSection):
    """What holds for one traffic class above the policy's own treatments."""

    when: When | None = Field(
        default=None, description="always, free (in the tariff's free windows), never, or windows."
    )
    alternatives: Alternatives | None = Field(default=None, description="What is offered while the class is shut.")
    close_grace: Seconds | None = Field(default=None, description="How long a live one may outlast its window; 60 s.")


class PolicySection(KindsSection):
    """A policy: a file in policies/catalog/, an entry under policies:, or the policy: of a place."""

    title: TextSection | None = Field(default=None, description="Its name for people, {ru: , en: }.")
    description: Line | None = Field(default=None, description="For whom it is meant.")
    extends: Id | None = Field(default=None, description="The policy whose keys hold where this one has none.")
    original: OriginalSection | None = Field(default=None, description="Whether the learner may take the original.")
    save_data: KindsSection | None = Field(default=None, description="Narrower treatments for browsers that save data.")
    slow_link: SlowLinkSection | None = Field(default=None, description="Narrower treatments on a slow link.")
    nearly_spent: dict[PercentKey, KindsSection] = Field(
        default={},
        description="Narrower treatments from that part of an allowance on, as 80 %: {images: {max: 40 kB}}; "
        "each step keeps what the ones before it narrowed.",
    )
    classes: dict[ClassWord, ClassSection] = Field(
        default={}, description="Treatments and hours for each traffic class."
    )
    observe: Truth | None = Field(default=None, description="true: decide and count, but change nothing.")


class PlacePolicySection(PolicySection):
    """The policy of a place: a name, or a mapping that refines the one it extends."""

    @classmethod
    def longhand(cls, value: object) -> object:
        return {"extends": value} if isinstance(value, str) else value
