"""Origins and presets as they are written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from policies.faults import Wrong
from policies.model import LearnerAddress, NoTransform
from policies.schema.base import (
    Bytes,
    Count,
    Host,
    Id,
    Line,
    Listed,
    Seconds,
    Section,
    TextSection,
    Truth,
    Upstream,
    described,
    word,
)
from policies.schema.night import ServiceSection
from policies.schema.outbox import OutboxSection
from policies.schema.policy import Alternatives, ClassWord
from policies.values import MediaKind


def _read_query(value: object) -> object:
    if not isinstance(value, dict):
        raise Wrong(f"expected parameters like {{action: join}}, got {described(value)}", "write name: value in braces")
    return value


NoTransformWord = Annotated[NoTransform, word(*NoTransform)]
Methods = Annotated[list[Annotated[str, word("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")]], Listed]
Query = Annotated[dict[str, Line], BeforeValidator(_read_query), WithJsonSchema({"type": "object"})]


class RuleSection(Section):
    """What requests below a path are for. Of several that match, the one with the longest fixed beginning holds."""

    path: Line = Field(description="/mod/quiz/ and all below; * within a segment, ** across, {a,b}; or ^regex.")
    traffic_class: ClassWord = Field(alias="class", description="The traffic class.")
    kind: Annotated[MediaKind, word(*MediaKind)] | None = Field(
        default=None, description="What comes back, where it is known."
    )
    methods: Methods = Field(default=[], description="Only these methods.")
    query: Query = Field(
        default={}, description="Only with these parameters in the address; `*` is any characters, {a,b} one of both."
    )
    required_for_credit: Truth = Field(default=False, description="Its cards say that it counts for credit.")


class OwnStoreSection(Section):
    """What a learner's own browser keeps for her, for the hours without a link. Short form: on or off."""

    enabled: Truth = Field(default=True, description="off: nothing is kept, and what was kept before goes.")
    max: Bytes = Field(default=50_000_000, description="How much is kept on one device; the oldest goes first.")
    keep: Seconds = Field(default=30 * 86400.0, description="How long a thing is kept, as 30 days.")
    patience: Seconds = Field(
        default=8.0, description="After how long without an answer a kept page is shown in the meantime."
    )
    never: Annotated[list[Line], Listed] = Field(
        default=[], description="Paths that are never kept, beside the preset's own."
    )

    @classmethod
    def longhand(cls, value: object) -> object:
        return {"enabled": value} if isinstance(value, str) else value


class OriginSection(Section):
    """A source of course content."""

    title: TextSection | None = Field(default=None, description="Its name for people.")
    hosts: Annotated[list[Host], Listed] = Field(
        default=[], description="Its public names; *.example.org for all below."
    )
    upstream: Upstream | None = Field(
        default=None, description="Where it really is, as http://10.0.0.5:8080; left out: forward mode only."
    )
    preset: Annotated[list[Id], Listed] = Field(
        default=["web"], description="What is known of its kind; one or several."
    )
    mount: Line = Field(default="", description="The folder it lives in, as /moodle; the preset's paths begin there.")
    rules: list[RuleSection] = Field(default=[], description="Its own classes by path, before the preset's.")
    no_transform: NoTransformWord | None = Field(
        default=None,
        description="honour or ignore its Cache-Control: no-transform; left out: as the preset says, and in forward "
        "mode honour.",
    )
    learner_address: Annotated[LearnerAddress, word(*LearnerAddress)] = Field(
        default=LearnerAddress.X_FORWARDED_FOR, description="How it learns the learner's address."
    )
    rename: Truth = Field(
        default=False, description="Its public name differs from its own: names in answers are mapped."
    )
    cache: Truth = Field(
        default=True,
        description="Whether what it answers may be stored for the next one who asks, as HTTP lets a shared cache.",
    )
    allow_private: Truth = Field(default=False, description="Its address may be private or loopback.")
    ca_file: Line | None = Field(default=None, description="Certificates to trust for it beside the system's.")
    verify_tls: Truth = Field(default=True, description="Whether its certificate is checked.")
    ports: Annotated[list[Count], Listed] = Field(default=[80, 443], description="Its ports in forward mode.")
    alternatives: dict[ClassWord, Alternatives] = Field(
        default={}, description="For each class, where its substitutes are: {consultation: {forum: /mod/forum/}}."
    )
    service: ServiceSection | None = Field(
        default=None, description="An account of the institute's, for what is fetched at night and needs a login."
    )
    outbox: list[OutboxSection] = Field(
        default=[], description="Its own forms that are kept while it is out of reach, before the preset's."
    )
    own_store: OwnStoreSection | None = Field(
        default=None, description="What a learner's own browser keeps for her; left out: nothing."
    )


class DietSection(Section):
    """One thing that a first visit can do without."""

    name: Id = Field(description="The word that pages.diet names it by.")
    urls: Annotated[list[Line], Listed] = Field(description="host/path of scripts, styles, fonts; /path on any host.")
    unless: Annotated[list[Line], Listed] = Field(
        default=[], description="A page that holds one of these texts keeps it."
    )


class EmbedHostSection(Section):
    """A video host whose players are recognised."""

    name: Line = Field(description="Its name, as the card shows it.")
    urls: Annotated[list[Line], Listed] = Field(description="host/path of its players and pages.")
    csp_hosts: Annotated[list[Line], Listed] = Field(default=[], description="Hosts kept out of frames while withheld.")


class PresetSection(Section):
    """What is known of a kind of site: a file in policies/presets/."""

    title: TextSection | None = Field(default=None, description="Its name for people.")
    extends: Annotated[list[Id], Listed] = Field(default=[], description="Presets whose lists are added to this one's.")
    rules: list[RuleSection] = Field(default=[], description="Classes by path.")
    diet: list[DietSection] = Field(default=[], description="What a first visit can do without.")
    session_cookies: Annotated[list[Line], Listed] = Field(default=[], description="Cookies of a login; * at the end.")
    logout: Annotated[list[Line], Listed] = Field(default=[], description="Paths that end a login.")
    app_paths: Annotated[list[Line], Listed] = Field(default=[], description="Paths that a native app calls.")
    app_error: Annotated[Literal["", "moodle"], word("", "moodle")] | None = Field(
        default=None, description="The form of refusals to an app: moodle."
    )
    volatile_query: Annotated[list[Line], Listed] = Field(
        default=[], description="Parameters that don't change the content."
    )
    edit_paths: Annotated[list[Line], Listed] = Field(default=[], description="Paths where documents keep their bytes.")
    never_kept: Annotated[list[Line], Listed] = Field(
        default=[], description="Pages that a learner's browser never keeps: logins, accounts, payments."
    )
    person_attribute: Line | None = Field(
        default=None,
        description="The attribute by which pages name whose they are, as data-userid: the same person's next login "
        "finds what her browser kept.",
    )
    no_transform: NoTransformWord | None = Field(
        default=None, description="honour or ignore Cache-Control: no-transform; in forward mode it is honoured."
    )
    socket_close: Truth | None = Field(
        default=None, description="A refused WebSocket is accepted, then closed with 4503."
    )
    script_players: Annotated[list[Line], Listed] = Field(
        default=[], description="CSS selectors that scripts turn into players."
    )
    player_paths: Annotated[list[Line], Listed] = Field(
        default=[],
        description="Paths whose players must be seen to the end for the course part to count: a film there stays a "
        "player, and where it is withheld its card says so.",
    )
    outbox: list[OutboxSection] = Field(
        default=[], description="Forms that are kept while the site is out of reach, and sent once."
    )
    embed_hosts: list[EmbedHostSection] = Field(default=[], description="Video hosts; known to every origin.")


LIST_KEYS: tuple[str, ...] = tuple(
    name for name, field in PresetSection.model_fields.items() if name != "extends" and field.default == []
)
"""The keys of a preset that add up along `extends`."""
