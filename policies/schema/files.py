"""The whole of regions.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from policies.faults import Wrong
from policies.schema.base import Id, Section, Url, described, word
from policies.schema.media import SHORT_FORMS
from policies.schema.origin import OriginSection
from policies.schema.place import RegionSection
from policies.schema.policy import KINDS, ClassWord, PolicySection
from policies.schema.process import TropaSection
from policies.schema.time import Spans
from policies.treatments import Form

ActionWord = Annotated[Literal["keep", "adapt", "card", "drop"], word("keep", "adapt", "card", "drop")]
FilmWord = Annotated[
    Literal["keep", "adapt", "card", "drop", "capped", "slidecast", "sound", "slides"],
    word("keep", "adapt", "card", "drop", *Form),
]


def _read_instant(value: object) -> datetime:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromisoformat("")
    except ValueError:
        got = described(value)
        raise Wrong(f"expected an instant like 2026-11-23T21:30, got {got}", "write date, T and time") from None


Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "examples": ["2026-11-23T21:30", "2026-11-23T21:30+12:00"]}),
]


class ExpectSection(Section):
    """The decision that is expected; what is left out may be anything."""

    verdict: Annotated[Literal["allow", "defer", "refuse"], word("allow", "defer", "refuse")] | None = Field(
        default=None, description="allow, defer (opens later) or refuse."
    )
    traffic_class: ClassWord | None = Field(default=None, alias="class", description="The traffic class.")
    images: ActionWord | None = Field(default=None, description="What becomes of images.")
    video: FilmWord | None = Field(default=None, description="What becomes of video files; or the version it has.")
    streams: FilmWord | None = Field(default=None, description="What becomes of HLS and DASH streams.")
    embeds: ActionWord | None = Field(default=None, description="What becomes of players.")
    audio: ActionWord | None = Field(default=None, description="What becomes of sound.")
    documents: ActionWord | None = Field(default=None, description="What becomes of documents.")
    archives: ActionWord | None = Field(default=None, description="What becomes of archives.")
    fonts: ActionWord | None = Field(default=None, description="What becomes of web fonts.")
    scripts: ActionWord | None = Field(default=None, description="What becomes of scripts.")
    styles: ActionWord | None = Field(default=None, description="What becomes of style sheets.")
    pages: ActionWord | None = Field(default=None, description="What becomes of pages.")

    @property
    def treatments(self) -> dict[str, str]:
        """The expected actions by the fields of `Treatments`."""
        found = {field: getattr(self, word_, None) for word_, field in KINDS.items()}
        return {field: action for field, action in found.items() if action is not None}


class TestSection(Section):
    """One expectation that `tropa check` proves."""

    __test__ = False  # not a test case of pytest's

    url: Url = Field(description="What is asked for.")
    region: Id = Field(description="By whom: the region.")
    site: Id | None = Field(default=None, description="By whom: the site.")
    at: Instant = Field(description="When; without an offset in the place's own time.")
    mode: Annotated[Literal["reverse", "forward", "tunnel"], word("reverse", "forward", "tunnel")] = Field(
        default="reverse", description="How it reaches Tropa."
    )
    expect: ExpectSection = Field(description="The expected decision.")


class RegionsFile(BaseModel):
    """regions.yaml. Top-level keys that begin with x- are free for anchors."""

    tropa: TropaSection = Field(default=TropaSection(), description="What the process is told.")
    origins: dict[Id, OriginSection] = Field(default={}, description="Sources of course content.")
    regions: dict[Id, RegionSection] = Field(default={}, description="Where learners are.")
    policies: dict[Id, PolicySection] = Field(default={}, description="Policies of one's own.")
    calendars: dict[Id, Spans] = Field(default={}, description="Named spans of days: terms, holidays.")
    tests: list[TestSection] = Field(default=[], description="Expectations that tropa check proves.")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of regions.yaml, for editors."""
    schema = RegionsFile.model_json_schema(by_alias=True, mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "regions.yaml"
    schema["additionalProperties"] = False
    schema["patternProperties"] = {"^x-": {}}
    _allow_short_forms(schema)
    return schema


_SHORT_FORMS: Mapping[str, tuple[str, ...]] = {
    "TextSection": ("string",),
    "WindowSection": ("string",),
    **{section.__name__: ("string",) for section in SHORT_FORMS},
    "OriginalSection": ("string",),
    "AlternativeSection": ("string",),
    "AllowanceSection": ("string",),
    "PlacePolicySection": ("string",),
}


def _allow_short_forms(schema: dict[str, Any]) -> None:
    """Sections with a short form may also be a text; lists of one may be written without the brackets."""
    definitions = schema["$defs"]
    for name, types in _SHORT_FORMS.items():
        whole = definitions[name]
        whole["type"] = ["object", *types]
    whole = definitions["AlternativeSection"]
    whole["additionalProperties"] = {"type": "string"}
    whole.pop("required", None)
    _loosen_lists(schema)


def _loosen_lists(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("type") == "array":
            node["type"] = ["array", "string", "object"]
        for value in node.values():
            _loosen_lists(value)
    elif isinstance(node, list):
        for value in node:
            _loosen_lists(value)
