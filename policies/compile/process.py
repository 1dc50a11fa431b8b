"""The process's settings as written, with their defaults for where it stands.

Law: what is wrong leaves a fault at its place and something to go on with, so that all faults are told at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from pathlib import Path

from policies.compile.night import compile_mail
from policies.compile.spot import Spot
from policies.faults import FaultList, did_you_mean
from policies.model import Limits, Listener, Outage, PacSettings, Reports, Settings, Timeouts, TrustedHeaders
from policies.schema.check import check
from policies.schema.process import (
    LimitsSection,
    ListenerSection,
    OutageSection,
    ReportsSection,
    TimeoutsSection,
    TropaSection,
)
from policies.values import Place
from policies.yaml_marks import MarkedMap

Claims = Mapping[str, tuple[str, str | None]]


def check_process(written: MarkedMap | None, faults: FaultList) -> tuple[TropaSection, Spot] | None:
    if written is None:
        return None
    checked = check(TropaSection, written, faults)
    return None if checked is None else (checked[0], Spot(checked[1], faults))


def compile_settings(
    section: TropaSection,
    spot: Spot,
    *,
    folder: Path,
    origins: Collection[str],
    places: Collection[tuple[str, str | None]],
    claims: Claims,
    site_table: Mapping[str, tuple[str, str]],
) -> Settings:
    """folder: where relative paths begin. claims: the places that name a listener as theirs."""
    listeners = tuple(
        _listener(name, item, spot.at("listeners", name), folder=folder, origins=origins, places=places, claims=claims)
        for name, item in section.listeners.items()
    )
    _report_collisions(section, spot)
    regions = [region for region, site in places if site is None]
    if section.default_region is not None and section.default_region not in regions:
        cure = did_you_mean(section.default_region, regions)
        spot.at("default_region").fault(f"unknown region {section.default_region}", cure)
    metrics = section.metrics_listen
    headers = section.trusted_headers
    if any(headers.model_dump().values()) and not section.trusted_proxies:
        spot.at("trusted_headers").warn("believed from nobody", "add trusted_proxies: with the front's address")
    if section.upstream_proxy_login_file and section.upstream_proxy is None:
        spot.at("upstream_proxy_login_file").warn("told to nobody", "add upstream_proxy: with the proxy's address")
    return Settings(
        place=section.place,
        listeners=listeners,
        trusted_proxies=tuple(section.trusted_proxies),
        trusted_headers=TrustedHeaders(
            region=headers.region, site=headers.site, learner=headers.learner, groups=headers.groups
        ),
        upstream_proxy=section.upstream_proxy,
        upstream_proxy_login_file=_file(section.upstream_proxy_login_file, folder),
        ca_file=_file(section.ca_file, folder),
        timeouts=_timeouts(section.timeouts),
        limits=_limits(section.limits),
        reports=_reports(section.reports),
        outage=_outage(section.outage, section.place, spot.at("outage")),
        pac=PacSettings(proxy_address=section.pac.proxy_address, fail=section.pac.fail, others=section.pac.others),
        decision_header=section.decision_header,
        default_region=section.default_region,
        site_table=site_table,
        metrics_listen=_joined(metrics) if metrics else None,
        name=section.name,
        mail=compile_mail(section.mail, spot.at("mail"), folder),
    )


def _file(written: str | None, folder: Path) -> str | None:
    return str(folder / written) if written else None


def _joined(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _timeouts(section: TimeoutsSection) -> Timeouts:
    return Timeouts(**{f"{name}_s": getattr(section, name) for name in TimeoutsSection.model_fields})


_LIMIT_NAMES: Mapping[str, str] = {
    "max_header": "max_header_bytes",
    "max_body": "max_body_bytes",
    "max_html_rewrite": "max_html_rewrite_bytes",
    "max_image": "max_image_bytes",
    "hold": "hold_s",
    "cache": "cache_bytes",
    "variant_store": "variant_store_bytes",
    "upload_store": "upload_store_bytes",
    "max_upload": "max_upload_bytes",
    "log": "log_bytes",
    "night_texts": "night_texts_bytes",
    "max_night_file": "max_night_file_bytes",
    "media_store": "media_store_bytes",
    "media_source_store": "media_source_store_bytes",
    "max_media_source": "max_media_source_bytes",
    "max_media": "max_media_s",
    "media_deadline": "media_deadline_s",
    "outbox_form": "outbox_form_bytes",
}
_DEADLINE_S: Mapping[Place, float] = {Place.SCHOOL: 8.0, Place.CENTRE: 15.0, Place.ORIGIN: 30.0}


def _limits(section: LimitsSection) -> Limits:
    return Limits(**{_LIMIT_NAMES.get(name, name): getattr(section, name) for name in LimitsSection.model_fields})


def _reports(section: ReportsSection) -> Reports:
    return Reports(every=section.every, keep_days=section.keep_days, language=section.language, zone=section.timezone)


def _outage(section: OutageSection, place: Place, spot: Spot) -> Outage:
    """A school's link is the one that fails, and its learners wait before an empty page; an origin's neighbour is slow
    rather than away."""
    if section.probe_slowest < section.probe_first:
        spot.at("probe_slowest").fault("is shorter than probe_first", "write a longer one, such as 60 s")
    return Outage(
        deadline_s=section.deadline if section.deadline is not None else _DEADLINE_S[place],
        probe_first_s=section.probe_first,
        probe_slowest_s=section.probe_slowest,
    )


def _listener(
    name: str,
    section: ListenerSection,
    spot: Spot,
    *,
    folder: Path,
    origins: Collection[str],
    places: Collection[tuple[str, str | None]],
    claims: Claims,
) -> Listener:
    if section.origin is not None and section.origin not in origins:
        spot.at("origin").fault(
            f"unknown origin {section.origin}", did_you_mean(section.origin, origins) or "add it under origins:"
        )
    if section.mode == "forward" and section.origin is not None:
        spot.at("origin").fault("a forward proxy has no origin behind it", "remove it, or write mode: reverse")
    if section.mode == "reverse" and section.clients:
        spot.at("clients").fault("only a forward proxy is closed to others", "remove it, or write mode: forward")
    region, site = _place(section, spot.at("region"), places)
    claimed = claims.get(name)
    if region is not None and claimed is not None and claimed != (region, site):
        spot.at("region").fault(f"the listener belongs to {_named(claimed)} already", "name it at one place")
    if region is None and claimed is not None:
        region, site = claimed
    host, port = section.listen
    return Listener(
        name=name,
        mode=section.mode,
        host=host,
        port=port,
        tls_certificate=_file(section.tls.certificate, folder) if section.tls else None,
        tls_key=_file(section.tls.key, folder) if section.tls else None,
        proxy_protocol_from=tuple(section.proxy_protocol_from),
        clients=tuple(section.clients),
        origin=section.origin,
        region=region,
        site=site,
    )


def place_of(written: str) -> tuple[str, str | None]:
    """(region, site) of "koryak" or "koryak/tigil-school"."""
    region, _, site = written.partition("/")
    return region, site or None


def _named(place: tuple[str, str | None]) -> str:
    return "/".join(part for part in place if part)


def _place(
    section: ListenerSection, spot: Spot, places: Collection[tuple[str, str | None]]
) -> tuple[str | None, str | None]:
    if section.region is None:
        return None, None
    place = place_of(section.region)
    if place not in places:
        spot.fault(f"unknown region {section.region}", did_you_mean(section.region, map(_named, places)))
        return None, None
    return place


def _report_collisions(section: TropaSection, spot: Spot) -> None:
    """Two that listen on one port of the same address, or of all addresses."""
    taken: list[tuple[str, tuple[str, int]]] = []
    wanted = [
        (f"listeners.{name}", item.listen, spot.at("listeners", name, "listen"))
        for name, item in section.listeners.items()
    ]
    if section.metrics_listen:
        wanted.append(("metrics_listen", section.metrics_listen, spot.at("metrics_listen")))
    for name, address, place in wanted:
        for other, held in taken:
            if _same_address(address, held):
                place.fault(f"{_joined(address)} is taken by {other} already", "choose another port")
                break
        taken.append((name, address))


def _same_address(one: tuple[str, int], other: tuple[str, int]) -> bool:
    if one[1] != other[1] or one[1] == 0:
        return False
    return one[0] == other[0] or _is_every_address(one[0]) or _is_every_address(other[0])


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
