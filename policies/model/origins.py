"""Where courses are: what is known of an origin, and what presets add to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import field

from policies.decision import Alternative
from policies.frozen import Frozen
from policies.values import MediaKind, Text, TrafficClass


class NoTransform(StrEnum):
    HONOUR = "honour"
    IGNORE = "ignore"


class LearnerAddress(StrEnum):
    """How the origin learns the learner's address."""

    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"
    NONE = "none"


class PathRule(Frozen, frozen=True, kw_only=True):
    """A preset's or origin's classification: the most specific match wins (longest literal prefix, then order)."""

    pattern: re.Pattern[str]
    traffic_class: TrafficClass
    kind: MediaKind | None = None
    methods: frozenset[str] = frozenset()
    query: tuple[tuple[str, re.Pattern[str]], ...] = ()  # parameters whose values must match
    required_for_credit: bool = False
    source: str = ""


class DietItem(Frozen, frozen=True, kw_only=True):
    """One thing a first visit can do without.

    name     "fonts", "polyfills", "formulas", "trackers", …
    pattern  matched against the absolute URL of a script, style, font or preload
    unless   a page whose bytes contain this literal keeps the item (formulas: "\\(", "<math"); "" never keeps it
    """

    name: str
    pattern: re.Pattern[str]
    unless: tuple[str, ...] = ()


class EmbedHost(Frozen, frozen=True, kw_only=True):
    """A video host whose players are recognised in pages and by script.

    pattern  matched against the absolute URL of an iframe, object, embed or link
    """

    name: str
    pattern: re.Pattern[str]
    csp_hosts: tuple[str, ...] = ()  # what an added CSP keeps out of frame-src


class OutboxForm(Frozen, frozen=True, kw_only=True):
    """A form that is kept while the origin is out of reach and sent once when it is back; never one of assessment.

    pattern       of the path that it is posted to
    token         the field that proves the session, "" for none
    text          fields that hold what she wrote, the first that isn't blank counts; subject: its title
    pages         where the form can be had anew, with {field} in them; the first whose fields are all filled
    look          where it stands when it has arrived, in the same way
    unless        fields that, filled, make it another thing (an edit, a cancel button): then it isn't kept
    done          paths that the origin leads to when it took the form, with a fragment where that alone says so
    refused_with  parameters of that address which say that it didn't
    login         paths that the origin leads to when nobody is logged in
    calls         of scripts, posted as JSON: then the token stands in the address, and an answer says itself what it is
    person        what its pages say of who reads them, the first group; empty: they don't
    """

    name: str
    pattern: re.Pattern[str]
    token: str
    text: tuple[str, ...]
    subject: str
    pages: tuple[str, ...]
    look: tuple[str, ...]
    unless: tuple[str, ...]
    done: tuple[re.Pattern[str], ...]
    refused_with: tuple[str, ...]
    login: tuple[re.Pattern[str], ...]
    person: tuple[re.Pattern[str], ...] = ()
    calls: frozenset[str] = frozenset()
    source: str = ""


class Preset(Frozen, frozen=True, kw_only=True):
    """What is known of a kind of site."""

    name: str
    rules: tuple[PathRule, ...] = ()
    diet: tuple[DietItem, ...] = ()
    session_cookies: tuple[str, ...] = ()
    logout: tuple[re.Pattern[str], ...] = ()
    app_paths: tuple[re.Pattern[str], ...] = ()
    app_error: str = ""  # "moodle": refusals as {"exception", "errorcode", "message"}
    volatile_query: frozenset[str] = frozenset()  # parameters that don't change the content
    edit_paths: tuple[re.Pattern[str], ...] = ()  # documents here keep their bytes
    no_transform: NoTransform = NoTransform.HONOUR
    socket_close: bool = False  # a refused WebSocket gets 101, then close 4503
    script_players: tuple[str, ...] = ()  # CSS selectors that a site's scripts turn into players
    person_attribute: str = ""  # of an element of its pages: whose they are
    never_kept: tuple[re.Pattern[str], ...] = ()  # pages that no browser's own store may hold
    player_paths: tuple[re.Pattern[str], ...] = ()  # players here must be seen to the end for the part to count
    outbox: tuple[OutboxForm, ...] = ()  # forms that are kept while the origin is out of reach
    source: str = ""


class Service(Frozen, frozen=True, kw_only=True):
    """The institute's own account at an origin.

    kind        "moodle"
    site        where learners find it, its folder included, without a slash at the end
    token_file  where its token is read from
    """

    kind: str
    site: str
    token_file: str


class OwnStore(Frozen, frozen=True, kw_only=True):
    """What a learner's own browser keeps of an origin. enabled False: nothing, and what was kept before goes.

    patience_s  after so long without an answer a kept page is shown meanwhile
    never       paths that are never kept, the preset's among them
    """

    enabled: bool = False
    max_bytes: int = 50_000_000
    keep_s: float = 30 * 86400.0
    patience_s: float = 8.0
    never: tuple[re.Pattern[str], ...] = ()


class Origin(Frozen, frozen=True, kw_only=True):
    """A source of course content.

    upstream        "http://127.0.0.1:8081" or "https://lms.example.org"; for forward-only origins None
    hosts           public names, lower case; "*.example.org" allowed
    rename          the public name differs from the upstream's: names are mapped in headers and bodies
    cache           its answers may be stored for the next learner
    allow_private   its address may be private, loopback … (the SSRF guard's only exception)
    """

    id: str
    title: Text
    hosts: tuple[str, ...]
    upstream: str | None
    preset: Preset
    rules: tuple[PathRule, ...]  # the origin's own, before the preset's
    no_transform: NoTransform  # in reverse mode, where Tropa acts for the owner: its own word, else the preset's
    learner_address: LearnerAddress
    forward_no_transform: NoTransform = NoTransform.HONOUR  # in forward mode only its own word can lift it
    rename: bool = False
    allow_private: bool = False
    cache: bool = True
    ca_file: str | None = None
    verify_tls: bool = True
    ports: frozenset[int] = frozenset({80, 443})
    alternatives: Mapping[TrafficClass, tuple[Alternative, ...]] = field(default_factory=dict)
    service: Service | None = None
    outbox: tuple[OutboxForm, ...] = ()  # its own, before the preset's
    own_store: OwnStore = OwnStore()
    source: str = ""
