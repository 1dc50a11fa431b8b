"""Regions, sites and their exceptions as they are written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from policies import units
from policies.faults import Wrong
from policies.schema.base import (
    Bytes,
    Clock,
    Host,
    Id,
    Line,
    Listed,
    Milliseconds,
    Network,
    Overhead,
    PeriodWord,
    Price,
    Rate,
    Section,
    Share,
    TextSection,
    Truth,
    Zone,
    described,
    word,
)
from policies.schema.night import NightSection
from policies.schema.policy import ClassSection, ClassWord, PlacePolicySection
from policies.schema.time import Span, WindowSection
from policies.values import CostlyHop, Scope, Store


def _read_then(value: object) -> str | int:
    if not isinstance(value, str):
        raise Wrong(f"expected stop, pay or a speed like 64 kbit/s, got {described(value)}", "write one of them")
    if value in ("stop", "pay"):
        return value
    if not any(character.isdigit() for character in value):
        raise Wrong(f"expected stop, pay or a speed like 64 kbit/s, got {value!r}", "write one of them")
    return units.parse_rate_bps(value)


def _read_free(value: object) -> object:
    if value in ("always", "never"):
        return value
    if isinstance(value, str) and not any(character.isdigit() for character in value):
        raise Wrong(f"expected always, never or windows, got {value!r}", "write one of them")
    return [value] if isinstance(value, (str, dict)) else value


Then = Annotated[
    str | int,
    BeforeValidator(_read_then),
    WithJsonSchema({"type": "string", "examples": ["stop", "pay", "64 kbit/s"]}),
]
Free = Annotated[
    Literal["always", "never"] | list[WindowSection],
    BeforeValidator(_read_free),
    WithJsonSchema({"examples": ["always", [{"days": "daily", "from": "23:00", "to": "07:00"}]]}),
]


class LinkSection(Section):
    """The link as the operator sold it or as it is."""

    down: Rate | None = Field(default=None, description="Speed towards the learner, as 256 kbit/s.")
    up: Rate | None = Field(default=None, description="Speed from the learner.")
    rtt: Milliseconds | None = Field(
        default=None, description="Round trip, as 700 ms; a satellite's is 600 ms or more."
    )


class AllowanceSection(Section):
    """Metered traffic for each period. Short form: 300 MB/day."""

    amount: Bytes = Field(description="How much, as 300 MB.")
    per: PeriodWord = Field(description="day, week or month.")
    scope: Annotated[Scope, word(*Scope)] = Field(default=Scope.LEARNER, description="Whose: learner, site or region.")
    then: Then = Field(default="stop", description="When it is spent: stop, pay, or go on at a speed like 64 kbit/s.")
    share: Share = Field(default=1.0, description="The part of it that may be spent here, as 1/3.")
    renews_on: Line | None = Field(default=None, description="Day of the month (1-31) or weekday (mon) of the renewal.")
    renews_at: Clock = Field(default=0, description="Time of the renewal.")
    timezone: Zone | None = Field(default=None, description="The operator's zone, where it isn't the tariff's.")
    counts_when_free: Truth = Field(default=False, description="Whether traffic in free windows counts too.")

    @classmethod
    def longhand(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        amount, period = units.parse_bytes_per(value)
        return {"amount": amount, "per": period}


class TariffSection(Section):
    """What traffic costs, and when it costs nothing."""

    timezone: Zone | None = Field(default=None, description="The zone of the tariff's clock; left out: the place's.")
    price: Price | None = Field(default=None, description="As 0.40 RUB/MB, 250 RUB/GB or free.")
    price_windows: list[WindowSection] = Field(
        default=[], description="Hours with another price; the first open one holds."
    )
    free: Free | None = Field(default=None, description="Free windows, always or never.")
    allowance: Annotated[list[AllowanceSection] | None, Listed] = Field(
        default=None, description="One allowance or several, as 300 MB/day."
    )
    overhead: Overhead = Field(default=1.06, description="What the operator counts above the payload, as 6 %.")
    free_origins: Annotated[list[Id], Listed] = Field(default=[], description="Origins whose traffic isn't counted.")


class InstituteSection(Section):
    """Whom a teacher may ask; stands on every card."""

    name: TextSection | None = Field(default=None, description="Its name.")
    phone: Line | None = Field(default=None, description="Its telephone.")
    email: Line | None = Field(default=None, description="Its address.")


class PolicyKeys(Section):
    """How a place takes a policy and refines it."""

    policy: PlacePolicySection | None = Field(
        default=None, description="A policy's name; or a mapping that refines the inherited or extended one."
    )
    consultations: ClassSection | None = Field(default=None, description="Short for classes.consultation.")
    webinars: ClassSection | None = Field(default=None, description="Short for classes.webinar.")
    classes: dict[ClassWord, ClassSection] = Field(default={}, description="Refines the policy for each traffic class.")
    observe: Truth | None = Field(default=None, description="true: decide and count here, but change nothing.")


class ExceptionSection(PolicyKeys):
    """A narrower place with a policy of its own; all the matchers that are written must match."""

    origin: Id | None = Field(default=None, description="Only this origin.")
    host: Host | None = Field(default=None, description="Only this host; *.example.org for all below it.")
    path: Line | None = Field(
        default=None, description="Only these paths: /course/5/ and all below, /a/*.html, or ^regex."
    )
    group: Line | None = Field(default=None, description="Only learners of this group (trusted header).")
    dates: Span | None = Field(default=None, description="Only between these days of the place, both included.")


class PlaceSection(PolicyKeys):
    """What a region and a site within it may both say; the site's word holds, key by key."""

    title: TextSection | None = Field(default=None, description="Its name for people.")
    timezone: Zone | None = Field(default=None, description="The learners' time zone, as Asia/Kamchatka.")
    language: Annotated[Literal["ru", "en"], word("ru", "en")] | None = Field(
        default=None, description="The language of cards and pages: ru or en."
    )
    networks: Annotated[list[Network], Listed] = Field(default=[], description="Networks its learners come from.")
    listeners: Annotated[list[Id], Listed] = Field(default=[], description="Listeners that only its learners use.")
    selectable: Truth = Field(default=False, description="Learners may say themselves that they are here.")
    link: LinkSection | None = Field(default=None, description="The link.")
    tariff: TariffSection | None = Field(default=None, description="What it costs.")
    costly_hop: Annotated[CostlyHop, word(*CostlyHop)] = Field(
        default=CostlyHop.LEARNER_LINK, description="Which hop is paid for: learner_link, site_uplink or none."
    )
    store: Annotated[Store, word(*Store)] = Field(
        default=Store.NONE, description="The store on the learner's side of it: none, school-box or browser."
    )
    night: NightSection | None = Field(default=None, description="What is fetched in the free hours.")
    institute: InstituteSection | None = Field(default=None, description="Whom a teacher may ask.")
    exceptions: list[ExceptionSection] = Field(default=[], description="Narrower places with another policy.")


class SiteSection(PlaceSection):
    """A school or centre within a region."""


class RegionSection(PlaceSection):
    """A region."""

    sites: dict[Id, SiteSection] = Field(default={}, description="Schools and centres that differ from the region.")


__all__ = [
    "AllowanceSection", "ExceptionSection", "InstituteSection", "LinkSection", "PlaceSection",
    "RegionSection", "SiteSection", "TariffSection",
]  # fmt: skip
