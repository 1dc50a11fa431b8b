"""The section tropa: what the process is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from policies.schema.base import (
    Address,
    Bytes,
    Count,
    HeaderName,
    Id,
    Line,
    Listed,
    Network,
    Seconds,
    Section,
    Truth,
    Upstream,
    Zone,
    word,
)
from policies.schema.night import MailSection
from policies.values import Place

Networks = Annotated[list[Network], Listed]


class TlsSection(Section):
    """Certificate and key of a listener; relative paths begin at the folder of regions.yaml."""

    certificate: Line = Field(description="PEM file with the chain.")
    key: Line = Field(description="PEM file with the key.")


class ListenerSection(Section):
    """One address to accept on."""

    mode: Annotated[Literal["reverse", "forward"], word("reverse", "forward")] = Field(
        default="reverse", description="reverse: in front of a site; forward: an explicit proxy."
    )
    listen: Address = Field(description="Address and port, as 127.0.0.1:8101.")
    tls: TlsSection | None = Field(default=None, description="Its own TLS; left out: plain HTTP behind a front.")
    proxy_protocol_from: Networks = Field(default=[], description="Fronts whose PROXY protocol header is required.")
    clients: Networks = Field(default=[], description="forward: who may use it; left out: the regions' networks.")
    origin: Id | None = Field(default=None, description="reverse: the one origin behind it; left out: by Host.")
    region: Line | None = Field(default=None, description="The place of whoever comes in: region or region/site.")


class HeadersSection(Section):
    """Headers believed from trusted_proxies only."""

    region: HeaderName | None = Field(default=None, description="Names the region.")
    site: HeaderName | None = Field(default=None, description="Names the site.")
    learner: HeaderName | None = Field(default=None, description="Names the learner.")
    groups: HeaderName | None = Field(default=None, description="Names the learner's groups, with commas.")


class TimeoutsSection(Section):
    """How long each phase may take."""

    connect: Seconds = Field(default=20.0, description="Connecting to an origin.")
    tls: Seconds = Field(default=20.0, description="Its TLS handshake.")
    response_head: Seconds = Field(default=120.0, description="Its first answer.")
    upstream_idle: Seconds = Field(default=120.0, description="Silence of an origin in mid-body.")
    client_idle: Seconds = Field(default=180.0, description="Silence of a learner in mid-body.")
    request_head: Seconds = Field(default=75.0, description="A learner's request head.")
    keep_alive: Seconds = Field(default=120.0, description="An idle connection.")
    tunnel_idle: Seconds = Field(default=600.0, description="An idle tunnel or WebSocket.")


class LimitsSection(Section):
    """Limits of everything unbounded."""

    max_header: Bytes = Field(default=32768, description="A message's head.")
    max_body: Bytes = Field(default=8 * 1024**3, description="A message's body.")
    max_html_rewrite: Bytes = Field(default=16 * 1024**2, description="Larger pages pass unchanged.")
    max_image: Bytes = Field(default=32 * 1024**2, description="Larger images pass unchanged or become cards.")
    max_image_pixels: Count = Field(default=80_000_000, description="So do images of more pixels.")
    max_connections: Count = Field(default=8000, description="Client connections at once, idle ones included.")
    max_exchanges: Count = Field(default=2000, description="Exchanges at once.")
    max_tunnels: Count = Field(default=1000, description="Tunnels and WebSockets at once.")
    image_workers: Count = Field(default=0, description="Encoders at once; 0: the number of cores.")
    image_queue: Count = Field(default=64, description="Images that may wait for one.")
    hold: Seconds = Field(default=3.0, description="How long a response may wait for its smaller variant.")
    cache: Bytes = Field(
        default=10 * 10**9, description="Disk for what origins have answered, to serve the next one who asks."
    )
    variant_store: Bytes = Field(default=5 * 1024**3, description="Disk for variants.")
    media_workers: Count = Field(
        default=0, description="Films and recordings worked on at once; 0: the number of cores less one, at least one."
    )
    media_queue: Count = Field(default=256, description="Films and recordings that may wait for one.")
    media_store: Bytes = Field(default=20 * 1024**3, description="Disk for their smaller versions.")
    media_source_store: Bytes = Field(default=20 * 1024**3, description="Disk for what they are made of.")
    max_media_source: Bytes = Field(default=4 * 1024**3, description="Larger files aren't taken in.")
    max_media: Seconds = Field(default=4 * 3600.0, description="Nor are longer ones, in playing time.")
    media_deadline: Seconds = Field(default=2 * 3600.0, description="How long one piece of that work may take.")
    upload_store: Bytes = Field(default=5 * 1024**3, description="Disk for uploads that come in pieces.")
    max_upload: Bytes = Field(default=2 * 1024**3, description="Larger ones go as the browser sends them.")
    uploads_per_learner: Count = Field(default=20, description="Uploads in pieces that one learner may have open.")
    log: Bytes = Field(default=512 * 1024**2, description="Disk for the log.")
    log_days: Count = Field(default=7, description="Days that the log is kept.")
    hourly_sums_days: Count = Field(default=400, description="Days that the hourly sums of `tropa report` are kept.")
    daily_sums_days: Count = Field(default=1100, description="Days that their daily sums are kept.")
    weekly_sums_days: Count = Field(default=3660, description="Days that their weekly sums are kept.")
    night_wishes: Count = Field(default=2000, description="Things that may wait for the free hours, of each kind.")
    night_texts: Bytes = Field(default=20 * 10**6, description="Texts of one course that are kept from a night.")
    max_night_file: Bytes = Field(default=1024**3, description="Larger files aren't fetched in the free hours.")
    outbox_form: Bytes = Field(default=1024**2, description="A larger form isn't kept while a link is down.")
    outbox_messages: Count = Field(default=50, description="Messages of one learner that may wait at once.")
    outbox_days: Count = Field(default=30, description="Days that a message waits, and that a failed one is kept.")
    own_pages_days: Count = Field(default=14, description="Days that a learner's own pages are kept for an outage.")


class ReportsSection(Section):
    """Reports for IT staff that are written by themselves, into the folder reports/ of the state."""

    every: Annotated[Literal["never", "day", "week"], word("never", "day", "week")] = Field(
        default="never", description="Of each day or each week that is over; never: only by `tropa report`."
    )
    keep_days: Count = Field(default=60, description="Days that such a report is kept.")
    language: Annotated[Literal["ru", "en"], word("ru", "en")] = Field(default="ru", description="Its language.")
    timezone: Zone | None = Field(default=None, description="Whose days they are; left out: the first region's.")


class OutageSection(Section):
    """When the link to an origin counts as down."""

    deadline: Seconds | None = Field(
        default=None,
        description="An answer that doesn't begin within it is a bad link's; left out: 8 s in a school, 15 s in a "
        "centre, 30 s at the origin.",
    )
    probe_first: Seconds = Field(default=2.0, description="How soon a link that is down is tried again.")
    probe_slowest: Seconds = Field(default=60.0, description="How seldom it is tried at most.")


class PacSection(Section):
    """The proxy configuration that browsers fetch."""

    proxy_address: Line | None = Field(default=None, description="host:port as browsers reach it; left out: as asked.")
    fail: Annotated[Literal["open", "closed"], word("open", "closed")] = Field(
        default="open", description="open: direct when the proxy is dead."
    )
    others: Annotated[Literal["direct", "proxy"], word("direct", "proxy")] = Field(
        default="direct", description="The way of hosts that are no origin's."
    )


class TropaSection(Section):
    """What the process is told."""

    name: Id = Field(default="tropa", description="Its name in the header Via.")
    place: Annotated[Place, word(*Place)] = Field(
        default=Place.ORIGIN, description="Where it stands: origin, centre, school."
    )
    listeners: dict[Id, ListenerSection] = Field(default={}, description="Addresses to accept on.")
    trusted_proxies: Networks = Field(default=[], description="Fronts whose forwarding headers are believed.")
    trusted_headers: HeadersSection = Field(default=HeadersSection(), description="Headers believed from them.")
    upstream_proxy: Upstream | None = Field(default=None, description="An existing proxy to go through.")
    upstream_proxy_login_file: Line | None = Field(
        default=None,
        description="File (mode 0600) with its login, as user:password; relative paths begin at the folder.",
    )
    ca_file: Line | None = Field(default=None, description="Certificates to trust beside the system's.")
    timeouts: TimeoutsSection = Field(default=TimeoutsSection(), description="Patience with each phase of an exchange.")
    limits: LimitsSection = Field(default=LimitsSection(), description="The most of everything that could grow.")
    reports: ReportsSection = Field(default=ReportsSection(), description="Reports that are written by themselves.")
    outage: OutageSection = Field(
        default=OutageSection(), description="When a link counts as down, and how often it is tried then."
    )
    pac: PacSection = Field(default=PacSection(), description="What /proxy.pac tells browsers.")
    default_region: Id | None = Field(default=None, description="The region of whoever comes from nowhere else.")
    site_table: Line | None = Field(default=None, description="CSV file with login,region,site.")
    metrics_listen: Address | None = Field(default=None, description="Address of the Prometheus metrics.")
    mail: MailSection | None = Field(default=None, description="Who takes letters; left out: none are sent.")
    decision_header: Truth = Field(default=True, description="Answers carry the decision in a header.")
