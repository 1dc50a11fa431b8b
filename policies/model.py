"""The compiled catalogue: everything `regions.yaml`, `policies/` and the presets say, checked and ready to run.

Laws of this file: frozen values, no pydantic, no parsing; one `Catalogue` is swapped for another as a whole, so a
request sees one policy from its first byte to its last decision. Inheritance (catalogue policy, region, site,
exception) is resolved when the catalogue is compiled, not per request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from zoneinfo import ZoneInfo

from policies.decision import Alternative
from policies.treatments import Treatments
from policies.values import CostlyHop, MediaKind, Place, Scope, Store, Text, TrafficClass

IPNetwork = IPv4Network | IPv6Network


# -- time ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Named spans of days (terms, holidays): closed date intervals, both ends included."""

    name: str
    spans: tuple[tuple[date, date], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A recurring or dated interval [start, end) of local days.

    zone        the zone its clock runs in (a tariff's may differ from the learner's)
    weekdays    0=Monday … 6=Sunday; the start's weekday counts
    start, end  local times; end None means 24:00; end <= start crosses midnight
    only        the window's start day must lie in one of these calendars (empty: any day)
    not_on      … and in none of these
    dates       dated window: the start day must lie in [first, last] (None: any)
    """

    zone: ZoneInfo
    weekdays: frozenset[int]
    start: time
    end: time | None
    only: tuple[Calendar, ...] = ()
    not_on: tuple[Calendar, ...] = ()
    dates: tuple[date, date] | None = None
    price_per_mb: Decimal | None = None  # None: as the tariff says
    down_bps: int | None = None
    up_bps: int | None = None
    rate_share: float | None = None  # the part of the link Tropa may fill, 0..1
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """A union of windows. `always` is open at any time; no windows and not always: never open."""

    windows: tuple[Window, ...] = ()
    always: bool = False


# -- money -----------------------------------------------------------------------------------------------------


class After(StrEnum):
    """What happens when an allowance is spent."""

    STOP = "stop"
    THROTTLE = "throttle"
    PAY = "pay"


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """amount_bytes of metered traffic per period, renewed at `renews_at` in the operator's zone.

    renew_day     1..31 for a month (the month's last day where it is shorter), 0..6 for a week
    share         the part of the operator's amount that Tropa may spend (already applied to amount_bytes)
    throttle_bps  with THROTTLE
    """

    scope: Scope
    amount_bytes: int
    period: Period
    zone: ZoneInfo
    renew_day: int = 1
    renew_time: time = time(0)
    after: After = After.STOP
    throttle_bps: int | None = None
    counts_when_free: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """price_per_mb is per 1,000,000 bytes; overhead_factor turns payload into what the operator counts."""

    zone: ZoneInfo
    currency: str = "RUB"
    price_per_mb: Decimal = Decimal(0)
    price_windows: tuple[Window, ...] = ()  # several price levels; the first open one wins
    free: Windows = Windows()
    allowances: tuple[Allowance, ...] = ()
    overhead_factor: float = 1.06
    free_origins: frozenset[str] = frozenset()
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    down_bps: int | None = None
    up_bps: int | None = None
    rtt_ms: int | None = None


# -- what and how ----------------------------------------------------------------------------------------------


class When(StrEnum):
    """When a traffic class is open."""

    ALWAYS = "always"
    FREE = "free"  # in the tariff's free windows
    WINDOWS = "windows"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """What the policy says of one traffic class. close_grace_s: how long a live one may outlast its window."""

    when: When = When.ALWAYS
    windows: Windows = Windows(always=True)
    treatments: Treatments = Treatments()
    alternatives: tuple[Alternative, ...] = ()
    close_grace_s: int = 60
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Narrower treatments from `percent` of an allowance on.

    treatments  what this step and those before it narrow together
    live        the same for consultations and webinars, whose pages are programs: these stay whole
    """

    percent: int
    treatments: Treatments
    live: Treatments
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A complete policy: every class has its rule, each with its complete treatments.

    original_max_bytes  0: the original is not offered; None: without limit
    narrow_below_bps    measured or hinted links below this get `narrowed` treatments
    sources             dotted key ("video", "classes.webinar.video", "page.diet") -> `file:line` that set it,
                        so that a Reason can name its place
    """

    name: str
    title: Text
    classes: Mapping[TrafficClass, ClassRule]
    original_max_bytes: int | None = 0
    save_data_treatments: Treatments | None = None
    narrow_below_bps: int | None = None
    narrowed: Treatments | None = None
    steps: tuple[Step, ...] = ()  # by rising percent
    observe: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException:
    """A narrower place with a policy of its own: origin, host, path, learner group, dates. None matches all."""

    policy: Policy
    origin: str | None = None
    host: str | None = None  # exact, or "*.example.org"
    path: re.Pattern[str] | None = None
    group: str | None = None
    dates: tuple[date, date] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Institute:
    """Whom a teacher may ask: shown on every card and page of refusal."""

    name: Text = Text()
    phone: str = ""
    email: str = ""


# -- the free hours --------------------------------------------------------------------------------------------


class Followed(StrEnum):
    """What of a course is fetched before anybody asks."""

    SECTIONS = "sections"
    FORUMS = "forums"
    FILES = "files"
    RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """A course that a place follows. ahead: sections after the current one."""

    origin: str
    course: int
    what: frozenset[Followed] = frozenset(Followed)
    ahead: int = 2
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What a place fetches in its tariff's free windows.

    often_bytes  at most so much a night of what is opened often; 0: none
    limit_bytes  at most so much a night in all; None: as much as fits
    rate_share   the part of the link that it may fill, 0..1
    source       "": nothing was written, and only what learners asked for is fetched
    """

    follow: tuple[Follow, ...] = ()
    often_bytes: int = 0
    limit_bytes: int | None = None
    rate_share: float = 0.8
    concurrency: int = 2
    report_to: tuple[str, ...] = ()
    source: str = ""


# -- where -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """A region, or a site within one, with everything resolved. site None: the region itself.

    language  "ru" or "en": the language of its pages unless the browser asks for the other one
    """

    region: str
    site: str | None
    title: Text
    zone: ZoneInfo
    language: str
    networks: tuple[IPNetwork, ...]
    listeners: frozenset[str]
    policy: Policy
    exceptions: tuple[PolicyException, ...]
    tariff: Tariff
    link: Link
    costly_hop: CostlyHop
    store: Store
    institute: Institute
    selectable: bool = False
    night: Night = Night()
    source: str = ""


# -- origins ---------------------------------------------------------------------------------------------------


class NoTransform(StrEnum):
    HONOUR = "honour"
    IGNORE = "ignore"


class LearnerAddress(StrEnum):
    """How the origin learns the learner's address."""

    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """A preset's or origin's classification: the most specific match wins (longest literal prefix, then order)."""

    pattern: re.Pattern[str]
    traffic_class: TrafficClass
    kind: MediaKind | None = None
    methods: frozenset[str] = frozenset()
    query: tuple[tuple[str, str], ...] = ()  # parameters that must have these values
    required_for_credit: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DietItem:
    """One thing a first visit can do without.

    name     "fonts", "polyfills", "formulas", "trackers", …
    pattern  matched against the absolute URL of a script, style, font or preload
    unless   a page whose bytes contain this literal keeps the item (formulas: "\\(", "<math"); "" never keeps it
    """

    name: str
    pattern: re.Pattern[str]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedHost:
    """A video host whose players are recognised in pages and by script.

    pattern  matched against the absolute URL of an iframe, object, embed or link
    """

    name: str
    pattern: re.Pattern[str]
    csp_hosts: tuple[str, ...] = ()  # what an added CSP keeps out of frame-src


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxForm:
    """A form that is kept while the origin is out of reach and sent once when it is back; never one of assessment.

    pattern       of the path that it is posted to
    token         the field that proves the session, "" for none
    text          fields that hold what she wrote, the first that isn't blank counts; subject: its title
    pages         where the form can be had anew, with {field} in them; the first whose fields are all filled
    look          where it stands when it has arrived, in the same way
    unless        fields that, filled, make it another thing (an edit, a cancel button): then it isn't kept
    done          paths that the origin leads to when it took the form
    refused_with  parameters of that address which say that it didn't
    login         paths that the origin leads to when nobody is logged in
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
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The institute's own account at an origin.

    kind        "moodle"
    site        where learners find it, its folder included, without a slash at the end
    token_file  where its token is read from
    """

    kind: str
    site: str
    token_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStore:
    """What a learner's own browser keeps of an origin. enabled False: nothing, and what was kept before goes.

    patience_s  after so long without an answer a kept page is shown meanwhile
    never       paths that are never kept, the preset's among them
    """

    enabled: bool = False
    max_bytes: int = 50_000_000
    keep_s: float = 30 * 86400.0
    patience_s: float = 8.0
    never: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
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


# -- the process ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One address to accept on.

    proxy_protocol_from  peers whose PROXY protocol header is required and believed; empty: none is read
    """

    name: str
    mode: str  # "reverse" | "forward"
    host: str
    port: int
    tls_certificate: str | None = None
    tls_key: str | None = None
    proxy_protocol_from: tuple[IPNetwork, ...] = ()
    clients: tuple[IPNetwork, ...] = ()  # forward: who may use it; empty: the regions' networks
    origin: str | None = None  # reverse: the one origin behind it; None: chosen by Host
    region: str | None = None  # the place of whoever comes in here
    site: str | None = None  # within that region


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds for each phase; a real 2G client stalls for 60 s and moves 500 B/s."""

    connect_s: float = 20.0
    tls_s: float = 20.0
    response_head_s: float = 120.0
    upstream_idle_s: float = 120.0
    client_idle_s: float = 180.0
    request_head_s: float = 75.0
    keep_alive_s: float = 120.0
    tunnel_idle_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    max_header_bytes: int = 32768
    max_body_bytes: int = 8 * 1024**3
    max_html_rewrite_bytes: int = 16 * 1024**2
    max_image_bytes: int = 32 * 1024**2
    max_image_pixels: int = 80_000_000
    max_exchanges: int = 2000
    max_connections: int = 8000
    max_tunnels: int = 1000
    image_workers: int = 0  # 0: the number of cores
    image_queue: int = 64
    hold_s: float = 3.0
    variant_store_bytes: int = 5 * 1024**3
    cache_bytes: int = 10 * 10**9
    media_workers: int = 0  # 0: the number of cores less one, at least one
    media_queue: int = 256
    media_store_bytes: int = 20 * 1024**3
    media_source_store_bytes: int = 20 * 1024**3
    max_media_source_bytes: int = 4 * 1024**3
    max_media_s: float = 4 * 3600.0  # of playing time
    media_deadline_s: float = 2 * 3600.0  # of one piece of work
    upload_store_bytes: int = 5 * 1024**3
    max_upload_bytes: int = 2 * 1024**3
    uploads_per_learner: int = 20
    log_bytes: int = 512 * 1024**2
    log_days: int = 7
    hourly_sums_days: int = 400  # a school year and the one before it, to compare
    daily_sums_days: int = 1100
    weekly_sums_days: int = 3660
    night_wishes: int = 2000
    night_texts_bytes: int = 20 * 10**6
    max_night_file_bytes: int = 1024**3
    outbox_form_bytes: int = 1024**2
    outbox_messages: int = 50  # of one learner, open at once
    outbox_days: int = 30
    own_pages_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """When a link counts as down, and how often it is tried then.

    deadline_s  an answer that doesn't begin within it is a bad link's
    """

    deadline_s: float = 30.0
    probe_first_s: float = 2.0
    probe_slowest_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PacSettings:
    """fail: "open" adds DIRECT behind the proxy, "closed" doesn't. others: "direct" or "proxy"."""

    proxy_address: str | None = None
    fail: str = "open"
    others: str = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedHeaders:
    """Headers believed only from trusted_proxies. Names lower case; None: not used."""

    region: str | None = None
    site: str | None = None
    learner: str | None = None
    groups: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The post office that takes letters. tls: "starttls", "tls" or "none"."""

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    user: str | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Reports that are written by themselves. every: "never", "day" or "week"; zone None: the first region's."""

    every: str = "never"
    keep_days: int = 60
    language: str = "ru"
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the process is told, from the `tropa:` section of regions.yaml."""

    place: Place = Place.ORIGIN
    listeners: tuple[Listener, ...] = ()
    trusted_proxies: tuple[IPNetwork, ...] = ()
    trusted_headers: TrustedHeaders = TrustedHeaders()
    upstream_proxy: str | None = None  # chain to an existing (filtering) proxy
    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    reports: Reports = Reports()
    outage: Outage = Outage()
    pac: PacSettings = PacSettings()
    decision_header: bool = True
    default_region: str | None = None
    site_table: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # login -> (region, site)
    metrics_listen: str | None = None  # "127.0.0.1:9101"
    name: str = "tropa"  # the pseudonym in Via
    mail: Mail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One expectation that `tropa check` proves: a URL at an instant in a region."""

    url: str
    region: str
    site: str | None
    at: datetime
    mode: str
    expect_verdict: str | None
    expect_class: str | None
    expect_treatments: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything, swapped as one. territories is keyed by (region, site or None).

    fingerprint  hex digest of every byte that was read: two equal ones decide alike
    embed_hosts  all known video hosts, shared by every origin
    """

    settings: Settings
    territories: Mapping[tuple[str, str | None], Territory]
    origins: Mapping[str, Origin]
    embed_hosts: tuple[EmbedHost, ...]
    policies: Mapping[str, Policy]
    tests: tuple[PolicyTest, ...]
    fingerprint: str
    bypassed_origins: frozenset[str] = frozenset()
