"""Origins as written, with what their presets know of them.

Law: what is wrong leaves a fault at its place and something to go on with, so that all faults are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from policies.compile.night import compile_service
from policies.compile.outbox import compile_outbox, refuse_assessment
from policies.compile.policy import compile_alternatives
from policies.compile.presets import PresetLibrary, ordered_rules, paths_of
from policies.compile.spot import Spot
from policies.faults import FaultList
from policies.model import NoTransform, Origin, OwnStore, Preset
from policies.schema.check import check
from policies.schema.origin import OriginSection
from policies.values import Text
from policies.yaml_marks import MarkedMap

_LEAST_STORE_BYTES = 1_000_000


def compile_origins(
    written: Mapping[str, MarkedMap], presets: PresetLibrary, folder: Path, faults: FaultList
) -> dict[str, Origin]:
    """folder: where relative certificate paths begin."""
    origins: dict[str, Origin] = {}
    for name, raw in written.items():
        checked = check(OriginSection, raw, faults)
        if checked is not None:
            section, whole = checked
            if whole is raw:  # else what is missing may have been left out for its own fault
                _check_complete(section, Spot(raw, faults))
            origins[name] = _origin(name, section, Spot(whole, faults), presets, folder)
    _report_shared_hosts(origins, written, faults)
    return origins


def _check_complete(section: OriginSection, spot: Spot) -> None:
    if not section.hosts and section.upstream is None:
        spot.fault("has neither hosts nor upstream", "add hosts: [lms.example.org]")
    if section.rename and section.upstream is None:
        spot.at("rename").fault("names can't be mapped without an upstream", "add upstream:")


def _origin(name: str, section: OriginSection, spot: Spot, presets: PresetLibrary, folder: Path) -> Origin:
    for index, wanted in enumerate(section.preset):
        presets.known(wanted, spot.at("preset", index).mark)
    mount = mount_of(section, spot)
    preset = presets.compiled(tuple(section.preset), mount)
    rules = ordered_rules(section.rules, spot.at("rules"), mount)
    outbox = compile_outbox(section.outbox, spot.at("outbox"), mount)
    refuse_assessment(outbox, (*rules, *preset.rules), spot.at("outbox"))
    return Origin(
        id=name,
        title=Text(ru=section.title.ru, en=section.title.en) if section.title else Text(ru=name),
        hosts=tuple(section.hosts) or _host_of(section.upstream),
        upstream=section.upstream,
        preset=preset,
        rules=rules,
        no_transform=section.no_transform or preset.no_transform,
        forward_no_transform=section.no_transform or NoTransform.HONOUR,
        learner_address=section.learner_address,
        rename=section.rename,
        allow_private=section.allow_private,
        cache=section.cache,
        ca_file=str(folder / section.ca_file) if section.ca_file else None,
        verify_tls=section.verify_tls,
        ports=frozenset(section.ports),
        alternatives={key: compile_alternatives(value) for key, value in section.alternatives.items()},
        service=compile_service(section, spot, folder),
        outbox=outbox,
        own_store=_own_store(section, spot, preset),
        source=spot.source,
    )


def _own_store(section: OriginSection, spot: Spot, preset: Preset) -> OwnStore:
    store = section.own_store
    if store is None:
        return OwnStore()
    at = spot.at("own_store")
    if store.enabled and section.upstream is None:
        at.fault("a browser keeps nothing of a site without an upstream", "add upstream:, or take own_store out")
    if store.enabled and store.max < _LEAST_STORE_BYTES:
        at.at("max").fault("holds hardly a page", "write at least 1 MB, or own_store: off")
    never = paths_of(store.never, at.at("never"), mount_of(section, spot))
    return OwnStore(
        enabled=store.enabled,
        max_bytes=store.max,
        keep_s=store.keep,
        patience_s=store.patience,
        never=(*never, *preset.never_kept),
    )


def mount_of(section: OriginSection, spot: Spot) -> str:
    """The folder without a slash at its end; "" for the root."""
    mount = section.mount.rstrip("/")
    if mount and (not mount.startswith("/") or set("*{}^?#") & set(mount)):
        spot.at("mount").fault(f"expected a folder like /moodle, got {section.mount!r}", "begin it with /")
        return ""
    return mount


def _host_of(upstream: str | None) -> tuple[str, ...]:
    host = urlsplit(upstream).hostname if upstream else None
    return (host,) if host else ()


def _report_shared_hosts(origins: Mapping[str, Origin], written: Mapping[str, MarkedMap], faults: FaultList) -> None:
    owners: dict[str, str] = {}
    for name, origin in origins.items():
        for index, host in enumerate(origin.hosts):
            if host in owners and owners[host] != name:
                problem = f"the host {host} belongs to origin {owners[host]} already"
                Spot(written[name], faults, ("hosts", index)).fault(problem, "name each host at one origin")
            owners.setdefault(host, name)
