"""Catalogues built from model values, for tests that need no YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from policies.compile.patterns import value_pattern
from policies.decision import Alternative
from policies.facts import RequestFacts
from policies.model import (
    After,
    Allowance,
    Calendar,
    Catalogue,
    ClassRule,
    EmbedHost,
    Institute,
    LearnerAddress,
    Link,
    NoTransform,
    Origin,
    PathRule,
    Period,
    Policy,
    PolicyException,
    PolicyTest,
    Preset,
    Settings,
    Tariff,
    Territory,
    When,
    Window,
    Windows,
)
from policies.treatments import PASS_ALL, Treatments
from policies.values import CostlyHop, MediaKind, Scope, Store, Text, TrafficClass

KAMCHATKA = ZoneInfo("Asia/Kamchatka")
MOSCOW = ZoneInfo("Europe/Moscow")
EVERY_DAY = frozenset(range(7))


def clock(text: str) -> time | None:
    """ "24:00" is None, as in the model."""
    return None if text == "24:00" else time.fromisoformat(text)


def a_window(
    start: str = "23:00",
    end: str = "07:00",
    *,
    zone: ZoneInfo = MOSCOW,
    weekdays: Iterable[int] = EVERY_DAY,
    only: tuple[Calendar, ...] = (),
    not_on: tuple[Calendar, ...] = (),
    dates: tuple[date, date] | None = None,
    price_per_mb: str | None = None,
    down_bps: int | None = None,
    up_bps: int | None = None,
    rate_share: float | None = None,
    source: str = "regions.yaml:20",
) -> Window:
    return Window(
        zone=zone,
        weekdays=frozenset(weekdays),
        start=time.fromisoformat(start),
        end=clock(end),
        only=only,
        not_on=not_on,
        dates=dates,
        price_per_mb=None if price_per_mb is None else Decimal(price_per_mb),
        down_bps=down_bps,
        up_bps=up_bps,
        rate_share=rate_share,
        source=source,
    )


def windows_of(*windows: Window) -> Windows:
    return Windows(windows=windows)


def an_allowance(
    amount_bytes: int = 300_000_000,
    *,
    scope: Scope = Scope.SITE,
    period: Period = Period.DAY,
    zone: ZoneInfo = MOSCOW,
    renew_day: int = 1,
    renew_time: str = "00:00",
    after: After = After.STOP,
    throttle_bps: int | None = None,
    counts_when_free: bool = False,
) -> Allowance:
    return Allowance(
        scope=scope,
        amount_bytes=amount_bytes,
        period=period,
        zone=zone,
        renew_day=renew_day,
        renew_time=time.fromisoformat(renew_time),
        after=after,
        throttle_bps=throttle_bps,
        counts_when_free=counts_when_free,
        source="regions.yaml:18",
    )


def a_tariff(
    *,
    price: str = "0.40",
    free: Windows | None = None,
    price_windows: tuple[Window, ...] = (),
    allowances: tuple[Allowance, ...] = (),
    zone: ZoneInfo = MOSCOW,
    free_origins: frozenset[str] = frozenset(),
    overhead_factor: float = 1.06,
) -> Tariff:
    return Tariff(
        zone=zone,
        price_per_mb=Decimal(price),
        free=windows_of(a_window()) if free is None else free,
        price_windows=price_windows,
        allowances=allowances,
        free_origins=free_origins,
        overhead_factor=overhead_factor,
        source="regions.yaml:16",
    )


def a_policy(
    *,
    name: str = "satellite-metered",
    treatments: Treatments = PASS_ALL,
    classes: Mapping[TrafficClass, ClassRule] | None = None,
    consultations: When = When.FREE,
    original_max_bytes: int | None = 0,
    save_data: Treatments | None = None,
    narrow_below_bps: int | None = None,
    narrowed: Treatments | None = None,
    observe: bool = False,
    sources: Mapping[str, str] | None = None,
) -> Policy:
    rules = {of: ClassRule(treatments=treatments, source=f"policy.yaml:{n}") for n, of in enumerate(TrafficClass, 1)}
    rules[TrafficClass.CONSULTATION] = ClassRule(when=consultations, treatments=treatments, source="policy.yaml:30")
    rules.update(classes or {})
    return Policy(
        name=name,
        title=Text(ru=name, en=name),
        classes=rules,
        original_max_bytes=original_max_bytes,
        save_data_treatments=save_data,
        narrow_below_bps=narrow_below_bps,
        narrowed=narrowed,
        observe=observe,
        sources=sources or {},
    )


def a_territory(
    region: str = "koryak",
    site: str | None = None,
    *,
    policy: Policy | None = None,
    exceptions: tuple[PolicyException, ...] = (),
    tariff: Tariff | None = None,
    networks: tuple[str, ...] = (),
    listeners: frozenset[str] = frozenset(),
    zone: ZoneInfo = KAMCHATKA,
    link: Link | None = None,
    costly_hop: CostlyHop = CostlyHop.LEARNER_LINK,
    store: Store = Store.NONE,
) -> Territory:
    return Territory(
        region=region,
        site=site,
        title=Text(ru=region, en=region),
        zone=zone,
        language="ru",
        networks=tuple(ip_network(network) for network in networks),
        listeners=listeners,
        policy=policy or a_policy(),
        exceptions=exceptions,
        tariff=tariff or a_tariff(),
        link=link or Link(down_bps=256_000, up_bps=64_000, rtt_ms=700),
        costly_hop=costly_hop,
        store=store,
        institute=Institute(),
        source="regions.yaml:9",
    )


def a_rule(
    pattern: str,
    traffic_class: TrafficClass,
    *,
    kind: MediaKind | None = None,
    methods: Iterable[str] = (),
    query: tuple[tuple[str, str], ...] = (),
    required_for_credit: bool = False,
    source: str = "",
) -> PathRule:
    return PathRule(
        pattern=re.compile(pattern),
        traffic_class=traffic_class,
        kind=kind,
        methods=frozenset(methods),
        query=tuple((name, value_pattern(value)) for name, value in query),
        required_for_credit=required_for_credit,
        source=source or f"presets/moodle.yaml:{len(pattern)}",
    )


MOODLE = Preset(
    name="moodle",
    rules=(
        a_rule("^/mod/quiz/", TrafficClass.ASSESSMENT, source="presets/moodle.yaml:10"),
        a_rule("^/mod/forum/", TrafficClass.FORUM, source="presets/moodle.yaml:11"),
        a_rule("^/mod/chat/", TrafficClass.CONSULTATION, source="presets/moodle.yaml:12"),
        a_rule("^/course/", TrafficClass.LESSON, required_for_credit=True, source="presets/moodle.yaml:13"),
    ),
    logout=(re.compile("^/login/logout"),),
    edit_paths=(re.compile("/draftfile.php/"),),
    player_paths=(re.compile("^/mod/videotime/"),),
    source="presets/moodle.yaml:1",
)


def an_origin(
    origin_id: str = "lms",
    *,
    hosts: tuple[str, ...] = ("lms.example.org",),
    preset: Preset = MOODLE,
    rules: tuple[PathRule, ...] = (),
    no_transform: NoTransform = NoTransform.IGNORE,
    forward_no_transform: NoTransform = NoTransform.HONOUR,
    alternatives: Mapping[TrafficClass, tuple[Alternative, ...]] | None = None,
) -> Origin:
    return Origin(
        id=origin_id,
        title=Text(ru=origin_id, en=origin_id),
        hosts=hosts,
        upstream="http://127.0.0.1:8081",
        preset=preset,
        rules=rules,
        no_transform=no_transform,
        forward_no_transform=forward_no_transform,
        learner_address=LearnerAddress.NONE,
        alternatives=alternatives or {},
        source="regions.yaml:60",
    )


def a_catalogue(
    *territories: Territory,
    origins: tuple[Origin, ...] | None = None,
    settings: Settings | None = None,
    embed_hosts: tuple[EmbedHost, ...] = (),
    bypassed_origins: frozenset[str] = frozenset(),
    tests: tuple[PolicyTest, ...] = (),
) -> Catalogue:
    places = territories or (a_territory(),)
    return Catalogue(
        settings=settings or Settings(),
        territories={(place.region, place.site): place for place in places},
        origins={origin.id: origin for origin in (origins if origins is not None else (an_origin(),))},
        embed_hosts=embed_hosts,
        policies={place.policy.name: place.policy for place in places},
        tests=tests,
        fingerprint="test",
        bypassed_origins=bypassed_origins,
    )


def a_request(path: str = "/course/view.php", **facts: object) -> RequestFacts:
    """A learner's navigation in the Koryak region to the LMS; any fact may be given."""
    known: dict[str, object] = {"region": "koryak", "host": "lms.example.org", "origin": "lms", "path": path}
    return RequestFacts(**(known | facts))  # type: ignore[arg-type]
