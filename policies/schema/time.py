"""Windows and calendars as they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from policies import units
from policies.faults import Wrong
from policies.schema.base import Clock, Id, Listed, Price, Rate, Section, Share, Zone, described


def _read_days(value: object) -> frozenset[int]:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return units.parse_days(", ".join(value))
    if isinstance(value, str):
        return units.parse_days(value)
    raise Wrong(f"expected days like daily, mon-fri or [sat, sun], got {described(value)}", "write daily or mon-fri")


def _read_span(value: object) -> tuple[date, date]:
    if isinstance(value, Mapping) and set(value) == {"from", "to"}:
        value = f"{value['from']}..{value['to']}"
    if not isinstance(value, str):
        cure = "write the first day, two points, the last day"
        raise Wrong(f"expected dates like 2026-09-01..2026-09-30, got {described(value)}", cure)
    return units.parse_dates(value)


Days = Annotated[
    frozenset[int],
    BeforeValidator(_read_days),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "examples": ["daily", "mon-fri"]}),
]
Span = Annotated[
    tuple[date, date],
    BeforeValidator(_read_span),
    WithJsonSchema({"type": ["string", "object"], "examples": ["2026-09-01..2026-09-30"]}),
]
Spans = Annotated[list[Span], Listed]


class WindowLinkSection(Section):
    """The link while a window is open."""

    down: Rate | None = Field(default=None, description="Speed towards the learner.")
    up: Rate | None = Field(default=None, description="Speed from the learner.")


class WindowSection(Section):
    """A recurring or dated interval [from, to). Short form: "23:00-07:00" or "mon-fri 08:30-14:00"."""

    days: Days = Field(
        default=frozenset(range(7)), description="Weekdays on which it begins: daily, mon-fri, [sat, sun]."
    )
    start: Clock = Field(default=0, alias="from", description="First moment, local time of its zone.")
    end: Clock = Field(
        default=1440, alias="to", description="First moment after it; before `from`: the next day; 24:00."
    )
    timezone: Zone | None = Field(default=None, description="The zone its clock runs in, where it isn't the section's.")
    only: Annotated[list[Id], Listed] = Field(default=[], description="Only on days of these calendars.")
    not_on: Annotated[list[Id], Listed] = Field(default=[], description="Never on days of these calendars.")
    dates: Span | None = Field(default=None, description="Only between these days, both included.")
    price: Price | None = Field(default=None, description="The price inside it, as 0.10 RUB/MB or free.")
    link: WindowLinkSection | None = Field(default=None, description="The link inside it, where it differs.")
    rate_share: Share | None = Field(default=None, description="The part of the link that may be filled, as 1/2.")

    @classmethod
    def longhand(cls, value: object) -> object:
        if isinstance(value, str):
            return _from_short_form(value)
        if isinstance(value, Mapping) and ("from" in value) != ("to" in value):
            present, absent = ("from", "to") if "from" in value else ("to", "from")
            raise Wrong(f"has {present} but no {absent}", f"add {absent}, or leave out both for whole days")
        return value


def _from_short_form(text: str) -> dict[str, str]:
    match = re.fullmatch(r"(?:(\D.*?)\s+)?(\d{1,2}:\d\d)\s*[-–]\s*(\d{1,2}:\d\d)", text.strip())
    if match is None:
        raise Wrong(f"expected a window like 23:00-07:00, got {text!r}", "write mon-fri 08:30-14:00, or {from: , to: }")
    return {"days": match[1] or "daily", "from": match[2], "to": match[3]}
