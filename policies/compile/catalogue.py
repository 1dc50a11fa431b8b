"""The whole `Catalogue` from all that was read.

Laws of this file: everything that can be understood is checked, whatever else is wrong, so that one pass shows every
fault; with a fault there is no catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policies.compile.expectations import compile_tests
from policies.compile.library import PolicyLibrary
from policies.compile.night import report_nights
from policies.compile.origins import compile_origins
from policies.compile.place import PlaceCompiler, Surroundings, WrittenPlace, written_places
from policies.compile.policy import Circumstances, compile_policy
from policies.compile.presets import PresetLibrary
from policies.compile.process import check_process, compile_settings
from policies.compile.reach import Reached, listener_claims, report_shared_networks, warn_of_unreachable
from policies.compile.spot import Spot
from policies.compile.suspicions import warn_of_suspicions
from policies.compile.time import Clockwork
from policies.faults import Fault, FaultList, did_you_mean, name_cure
from policies.frozen import Frozen
from policies.model import Calendar, Catalogue, Policy, Settings, Territory
from policies.schema.base import Section, described
from policies.schema.check import check
from policies.schema.files import RegionsFile
from policies.schema.policy import PolicySection
from policies.schema.process import TropaSection
from policies.schema.time import Spans
from policies.yaml_marks import MarkedList, MarkedMap
from policies.zones import zone

Place = tuple[str, str | None]


class Written(Frozen, frozen=True, kw_only=True):
    """All that was read. Layers go from the shipped one to the nearest; site_table: login -> (region, site)."""

    regions_file: MarkedMap
    policy_layers: Sequence[Mapping[str, MarkedMap]]
    preset_layers: Sequence[Mapping[str, MarkedMap]]
    site_table: Mapping[str, tuple[str, str]]
    site_table_faults: Sequence[tuple[str, Fault]] = ()
    overrides: Mapping[Place, str]
    bypassed_origins: frozenset[str]
    folder: Path
    fingerprint: str


class _CalendarsSection(Section):
    calendars: dict[str, Spans]


def compile_catalogue(written: Written, faults: FaultList) -> Catalogue | None:
    """None exactly when there are faults."""
    root = written.regions_file
    _check_top_level(root, faults)
    presets = PresetLibrary(written.preset_layers, faults)
    written_origins = _mappings(root, "origins", faults)
    origins = compile_origins(written_origins, presets, written.folder, faults)
    origin_names = _names(root, "origins")
    layers = [*written.policy_layers, _mappings(root, "policies", faults)]
    library = PolicyLibrary(layers, faults)
    calendars = _calendars(root, faults)
    _check_policies(layers, faults)
    surroundings = Surroundings(
        library=library,
        calendars=calendars,
        origins=origin_names,
        diets=presets.diets,
        overrides=written.overrides,
        faults=faults,
    )
    places = list(written_places(_mappings(root, "regions", faults), faults))
    reached = _compiled_places(places, surroundings)
    names = _all_places(root)
    _check_overrides(written, names, library, faults)
    settings = _settings(root, reached, origin_names, names, written, faults)
    report_nights(reached, origins, origin_names, settings, faults)
    warn_of_suspicions(root, origins, written_origins, reached, settings, faults)
    territories = _with_listeners({item.place: item.territory for item in reached}, settings)
    tests = compile_tests(_test_mappings(root, faults), territories, names, origins, faults)
    policies = _by_themselves(library, calendars, presets, faults)
    if not places and not faults:
        faults.add(root.mark.fault("there is no region", "add regions: with at least one"))
    if faults:
        return None
    return Catalogue(
        settings=settings,
        territories=territories,
        origins=origins,
        embed_hosts=presets.embed_hosts(),
        policies=policies,
        tests=tests,
        fingerprint=written.fingerprint,
        bypassed_origins=written.bypassed_origins,
    )


# -- top level ---------------------------------------------------------------------------------------------------------


def _check_top_level(root: MarkedMap, faults: FaultList) -> None:
    known = list(RegionsFile.model_fields)
    for key in root:
        if key not in known and not key.startswith("x-"):
            cure = did_you_mean(key, known)
            faults.add(root.key_marks[key].fault(f"unknown key {key}", cure))


def _names(root: MarkedMap, section: str) -> frozenset[str]:
    """Every name of a section, also of a faulty entry: a reference to it is no second fault."""
    whole = root.get(section)
    return frozenset(whole) if isinstance(whole, MarkedMap) else frozenset()


def _mappings(root: MarkedMap, section: str, faults: FaultList) -> dict[str, MarkedMap]:
    """The entries of a top-level section that are mappings; others are faults."""
    whole = root.get(section)
    if whole is None:
        return {}
    if not isinstance(whole, MarkedMap):
        problem = f"expected names with keys below, got {described(whole)}"
        faults.add(root.value_marks[section].fault(problem, "write each name, a colon, and its keys indented below"))
        return {}
    found: dict[str, MarkedMap] = {}
    for name, value in whole.items():
        _check_name(name, whole, faults)
        if isinstance(value, MarkedMap):
            found[name] = value
        else:
            problem = f"expected keys with values, got {described(value)}"
            faults.add(whole.value_marks[name].fault(problem, "indent the keys below it"))
    return found


def _check_name(name: str, whole: MarkedMap, faults: FaultList) -> None:
    if not name.isascii() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > 64:
        faults.add(whole.key_marks[name].fault(f"{name!r} can't be a name here", name_cure(name)))


def _calendars(root: MarkedMap, faults: FaultList) -> dict[str, Calendar]:
    whole = root.get("calendars")
    if whole is None:
        return {}
    only = root.without(*(key for key in root if key != "calendars"))
    checked = check(_CalendarsSection, only, faults)
    names = set(whole) if isinstance(whole, MarkedMap) else set()
    spans: dict[str, list[Any]] = dict(checked[0].calendars) if checked else {}
    return {name: Calendar(name=name, spans=tuple(spans.get(name, ()))) for name in sorted(names | set(spans))}


def _test_mappings(root: MarkedMap, faults: FaultList) -> list[MarkedMap]:
    tests = root.get("tests")
    if tests is None:
        return []
    if not isinstance(tests, MarkedList):
        mark = root.value_marks["tests"]
        faults.add(mark.fault(f"expected a list, got {described(tests)}", "begin each item with -"))
        return []
    found = []
    for item, mark in zip(tests, tests.marks, strict=True):
        if isinstance(item, MarkedMap):
            found.append(item)
        else:
            faults.add(mark.fault(f"expected keys with values, got {described(item)}", "write - {url: …, region: …}"))
    return found


# -- policies by themselves --------------------------------------------------------------------------------------------


def _check_policies(layers: Sequence[Mapping[str, MarkedMap]], faults: FaultList) -> None:
    """Each as it is written, so that a fault in a base is shown once and where it stands."""
    for layer in layers:
        for raw in layer.values():
            check(PolicySection, raw, faults)


def _by_themselves(
    library: PolicyLibrary, calendars: Mapping[str, Calendar], presets: PresetLibrary, faults: FaultList
) -> dict[str, Policy]:
    clockwork = Clockwork(zone=zone("UTC"), calendars=calendars)
    around = Circumstances(clockwork=clockwork, free=None, diets=presets.diets, faults=faults)
    found: dict[str, Policy] = {}
    for name in sorted(library.names):
        raw = library.named(name)
        policy = compile_policy(name, raw, around) if raw is not None else None
        if policy is not None:
            found[name] = policy
    return found


# -- places ------------------------------------------------------------------------------------------------------------


def _compiled_places(places: Sequence[WrittenPlace], surroundings: Surroundings) -> list[Reached]:
    compiler = PlaceCompiler(surroundings)
    reached = []
    for place in places:
        territory = compiler.territory(place)
        if territory is not None:
            reached.append(Reached(territory=territory, keys=place.keys))
    report_shared_networks(reached, surroundings.faults)
    return reached


def _all_places(root: MarkedMap) -> list[Place]:
    """Every place that is named, also a faulty one: a reference to it is no second fault."""
    regions = root.get("regions")
    found: list[Place] = []
    for region, value in regions.items() if isinstance(regions, MarkedMap) else ():
        found.append((region, None))
        sites = value.get("sites") if isinstance(value, MarkedMap) else None
        found += [(region, site) for site in sites] if isinstance(sites, MarkedMap) else []
    return found


def _settings(
    root: MarkedMap,
    reached: list[Reached],
    origins: frozenset[str],
    names: list[Place],
    written: Written,
    faults: FaultList,
) -> Settings:
    raw = root.get("tropa")
    if raw is not None and not isinstance(raw, MarkedMap):
        problem = f"expected keys with values, got {described(raw)}"
        faults.add(root.value_marks["tropa"].fault(problem, "indent the keys below it"))
        raw = None
    checked = check_process(raw, faults)
    section, spot = checked if checked is not None else (TropaSection(), Spot(root, faults, ("tropa",)))
    complete = checked is not None or raw is None
    claims = listener_claims(reached, section, faults) if complete else {}
    _check_site_table(written, names, faults)
    settings = compile_settings(
        section,
        spot,
        folder=written.folder,
        origins=origins,
        places=names,
        claims=claims,
        site_table=written.site_table,
    )
    held = {item.name: (item.region, item.site) for item in settings.listeners if item.region is not None}
    if complete:
        warn_of_unreachable(reached, section, held, written.site_table, faults)
    return settings


def _check_site_table(written: Written, names: list[Place], faults: FaultList) -> None:
    for login, fault in written.site_table_faults:
        region, site = written.site_table[login]
        if (region, None) not in names:
            cure = did_you_mean(region, (name for name, _ in names))
            faults.add(replace(fault, problem=f"unknown region {region}", cure=cure))
        elif site and (region, site) not in names:
            known = [other for name, other in names if name == region and other]
            cure = did_you_mean(site, known) or "add it under the region's sites:"
            faults.add(replace(fault, problem=f"unknown site {site}", cure=cure))


def _check_overrides(written: Written, names: list[Place], library: PolicyLibrary, faults: FaultList) -> None:
    for (region, site), policy in written.overrides.items():
        mark = Fault(file="override", line=0, column=0, key="/".join(filter(None, (region, site))), problem="")
        if (region, site) not in names:
            known = ("/".join(filter(None, name)) for name in names)
            faults.add(replace(mark, problem="unknown place", cure=did_you_mean(mark.key, known)))
        if policy not in library.names:
            cure = did_you_mean(policy, library.names)
            faults.add(replace(mark, problem=f"unknown policy {policy}", cure=cure))


def _with_listeners(territories: dict[Place, Territory], settings: Settings) -> dict[Place, Territory]:
    """Each listener's place knows of it, whichever of both names the other."""
    for listener in settings.listeners:
        if listener.region is None:
            continue
        place = (listener.region, listener.site)
        if place in territories:
            held = territories[place]
            territories[place] = replace(held, listeners=held.listeners | {listener.name})
    return territories
