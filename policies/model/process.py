"""Settings of the process: listeners, limits, time-outs, whom it believes."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from msgspec import field

from policies.frozen import Frozen
from policies.model.places import IPNetwork
from policies.values import Place


class Listener(Frozen, frozen=True, kw_only=True):
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


class Timeouts(Frozen, frozen=True, kw_only=True):
    """Seconds for each phase; a real 2G client stalls for 60 s and moves 500 B/s."""

    connect_s: float = 20.0
    tls_s: float = 20.0
    response_head_s: float = 120.0
    upstream_idle_s: float = 120.0
    client_idle_s: float = 180.0
    request_head_s: float = 75.0
    keep_alive_s: float = 120.0
    tunnel_idle_s: float = 600.0


class Limits(Frozen, frozen=True, kw_only=True):
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


class Outage(Frozen, frozen=True, kw_only=True):
    """When a link counts as down, and how often it is tried then.

    deadline_s  an answer that doesn't begin within it is a bad link's
    """

    deadline_s: float = 30.0
    probe_first_s: float = 2.0
    probe_slowest_s: float = 60.0


class PacSettings(Frozen, frozen=True, kw_only=True):
    """fail: "open" adds DIRECT behind the proxy, "closed" doesn't. others: "direct" or "proxy"."""

    proxy_address: str | None = None
    fail: str = "open"
    others: str = "direct"


class TrustedHeaders(Frozen, frozen=True, kw_only=True):
    """Headers believed only from trusted_proxies. Names lower case; None: not used."""

    region: str | None = None
    site: str | None = None
    learner: str | None = None
    groups: str | None = None


class Mail(Frozen, frozen=True, kw_only=True):
    """The post office that takes letters. tls: "starttls", "tls" or "none"."""

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    user: str | None = None
    password_file: str | None = None


class Reports(Frozen, frozen=True, kw_only=True):
    """Reports that are written by themselves. every: "never", "day" or "week"; zone None: the first region's."""

    every: str = "never"
    keep_days: int = 60
    language: str = "ru"
    zone: ZoneInfo | None = None


class Settings(Frozen, frozen=True, kw_only=True):
    """What the process is told, from the `tropa:` section of regions.yaml."""

    place: Place = Place.ORIGIN
    listeners: tuple[Listener, ...] = ()
    trusted_proxies: tuple[IPNetwork, ...] = ()
    trusted_headers: TrustedHeaders = TrustedHeaders()
    upstream_proxy: str | None = None  # chain to an existing (filtering) proxy
    upstream_proxy_login_file: str | None = None
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
