"""Regions, sites and exceptions as `Territory` values.

Laws of this file: a site inherits its region's keys one by one, but not its name, networks, listeners or being
selectable; exceptions hold on top of the place's own policy, a site's before its region's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.compile.library import PolicyLibrary
from policies.compile.merge import class_refinements, overlay
from policies.compile.money import compile_tariff
from policies.compile.night import compile_night
from policies.compile.patterns import path_pattern
from policies.compile.policy import Circumstances, compile_policy
from policies.compile.spot import Spot
from policies.compile.time import Clockwork
from policies.faults import FaultList, Wrong, did_you_mean, nearest
from policies.frozen import Frozen
from policies.model import (
    Calendar,
    Institute,
    Link,
    Policy,
    PolicyException,
    Tariff,
    Territory,
    Windows,
)
from policies.schema.base import TextSection
from policies.schema.check import check
from policies.schema.place import ExceptionSection, LinkSection, PlaceSection, RegionSection, TariffSection
from policies.values import Text
from policies.yaml_marks import MarkedList, MarkedMap
from policies.zones import zone

_NEEDED = ("policy", "timezone")
_NOT_INHERITED = ("sites", "title", "networks", "listeners", "selectable", "exceptions")
Place = tuple[str, str | None]


class Surroundings(Frozen, frozen=True, kw_only=True):
    """What places refer to. overrides: (region, site) -> the policy that replaces theirs; site None: all of it."""

    library: PolicyLibrary
    calendars: Mapping[str, Calendar]
    origins: frozenset[str]
    diets: frozenset[str]
    overrides: Mapping[Place, str]
    faults: FaultList


class WrittenPlace(Frozen, frozen=True, kw_only=True):
    """A region or site with what it inherits laid under it; faulty where something of it was left out.

    left_out  which of the keys that it can't be without were written, and had a fault of their own
    """

    region: str
    site: str | None
    keys: MarkedMap
    exceptions: tuple[MarkedMap, ...]
    faulty: bool = False
    left_out: frozenset[str] = frozenset()


def written_places(regions: Mapping[str, MarkedMap], faults: FaultList) -> Iterator[WrittenPlace]:
    """Regions and their sites, each once; what is faulty is reported and left out."""
    for region, raw in regions.items():
        checked = check(RegionSection, raw, faults)
        if checked is None:
            continue
        whole, faulty = checked[1], checked[1] is not raw
        keys = whole.without("sites", "exceptions")
        exceptions = _exceptions(whole)
        lost = _left_out(raw, whole)
        yield WrittenPlace(region=region, site=None, keys=keys, exceptions=exceptions, faulty=faulty, left_out=lost)
        for site, own in (whole.get("sites") or {}).items():
            merged = overlay(whole.without(*_NOT_INHERITED), own.without("exceptions"))
            merged.mark = own.mark
            both = _exceptions(own) + exceptions
            lost_here = lost | _left_out(raw["sites"][site], own)
            yield WrittenPlace(
                region=region, site=site, keys=merged, exceptions=both, faulty=faulty, left_out=lost_here
            )


def _left_out(written: MarkedMap, understood: MarkedMap) -> frozenset[str]:
    """By their right names: a key that was misspelt isn't missing as well."""
    return frozenset(nearest(key, _NEEDED) or "" for key in written if key not in understood)


def _exceptions(place: MarkedMap) -> tuple[MarkedMap, ...]:
    found = place.get("exceptions")
    return tuple(found) if isinstance(found, MarkedList) else ()


class PlaceCompiler:
    """Compiles places; equal policies in equal circumstances are compiled once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._policies: dict[tuple[int, str, Windows | None], tuple[MarkedMap, Policy | None]] = {}

    def territory(self, place: WrittenPlace) -> Territory | None:
        """None when it lacks what it can't be without; the faults then say so."""
        faults = self._around.faults
        checked = check(PlaceSection, place.keys, faults)
        if checked is None:
            return None
        section, keys = checked
        spot = Spot(keys, faults)
        written_policy = self._written_policy(place, keys, spot)
        if section.timezone is None and "timezone" not in place.left_out:
            spot.fault("timezone is missing", "add timezone: Europe/Moscow")
        clockwork = Clockwork(zone=section.timezone or zone("UTC"), calendars=self._around.calendars)
        tariff_spot = spot.at("tariff")
        tariff = compile_tariff(section.tariff or TariffSection(), tariff_spot, clockwork, self._around.origins)
        circumstances = self._circumstances(clockwork, tariff, place.faulty)
        policy = self._policy(written_policy, circumstances)
        exceptions = self._compiled_exceptions(place, written_policy, circumstances)
        if policy is None:
            return None
        return _territory(place, section, spot, policy, exceptions, tariff, clockwork)

    def _circumstances(self, clockwork: Clockwork, tariff: Tariff, faulty: bool) -> Circumstances:
        costs = tariff.price_per_mb or tariff.price_windows or tariff.allowances
        free = tariff.free if costs or tariff.free.windows else Windows(always=True)
        # A faulty tariff may have lost its free windows: that they are missing isn't the reader's mistake then.
        known = None if faulty and not free.windows else free
        around = self._around
        return Circumstances(clockwork=clockwork, free=known, diets=around.diets, faults=around.faults)

    def _written_policy(self, place: WrittenPlace, keys: MarkedMap, spot: Spot) -> tuple[str, MarkedMap] | None:
        override = self._around.overrides.get((place.region, place.site))
        override = override or self._around.overrides.get((place.region, None))
        if override is not None:
            written: object = override
        elif keys.get("policy") is not None:
            written = keys["policy"]
        else:
            if "policy" not in place.left_out:
                names = did_you_mean("", self._around.library.names, wish="its name:")
                spot.fault("policy is missing", names)
            return None
        return self._with_refinements(written, None, keys, spot.at("policy"))

    def _with_refinements(
        self, written: object, base: tuple[str, MarkedMap] | None, keys: MarkedMap, spot: Spot
    ) -> tuple[str, MarkedMap] | None:
        """A policy's name and keys: what `policy:` says on top of what it extends, and the place's refinements."""
        extends = written.get("extends") if isinstance(written, MarkedMap) else written
        if isinstance(extends, str):
            at = spot.at("extends").mark if isinstance(written, MarkedMap) else spot.mark
            found = self._around.library.get(extends, at)
            base = (extends, found) if found is not None else None
            if base is None:
                return None
        if base is None:
            spot.fault("refines no policy", "add extends: satellite-metered")
            return None
        name, whole = base
        if isinstance(written, MarkedMap):
            whole = overlay(whole, written.without("extends"))
        refinements = class_refinements(keys)
        return name, overlay(whole, refinements) if refinements is not None else whole

    def _policy(self, written: tuple[str, MarkedMap] | None, around: Circumstances) -> Policy | None:
        if written is None:
            return None
        name, keys = written
        identity = (id(keys), str(around.clockwork.zone), around.free)
        if identity not in self._policies:
            self._policies[identity] = (keys, compile_policy(name, keys, around))
        return self._policies[identity][1]

    def _compiled_exceptions(
        self, place: WrittenPlace, base: tuple[str, MarkedMap] | None, around: Circumstances
    ) -> tuple[PolicyException, ...]:
        found = (self._exception(raw, base, around) for raw in place.exceptions)
        return tuple(exception for exception in found if exception is not None)

    def _exception(
        self, raw: MarkedMap, base: tuple[str, MarkedMap] | None, around: Circumstances
    ) -> PolicyException | None:
        checked = check(ExceptionSection, raw, self._around.faults)
        if checked is None:
            return None
        section, keys = checked
        spot = Spot(keys, self._around.faults)
        self._check_matchers(section, spot)
        policy = self._policy(self._with_refinements(keys.get("policy"), base, keys, spot.at("policy")), around)
        return _policy_exception(section, spot, policy) if policy is not None else None

    def _check_matchers(self, section: ExceptionSection, spot: Spot) -> None:
        matchers = (section.origin, section.host, section.path, section.group, section.dates)
        if all(matcher is None for matcher in matchers):
            spot.fault("matches everything", "add origin, host, path, group or dates")
        if section.origin is not None and section.origin not in self._around.origins:
            cure = did_you_mean(section.origin, self._around.origins) or "add it under origins:"
            spot.at("origin").fault(f"unknown origin {section.origin}", cure)


def _policy_exception(section: ExceptionSection, spot: Spot, policy: Policy) -> PolicyException | None:
    try:
        pattern = path_pattern(section.path) if section.path else None
    except Wrong as wrong:
        spot.at("path").fault(wrong.problem, wrong.cure)
        return None
    return PolicyException(
        policy=policy,
        origin=section.origin,
        host=section.host,
        path=pattern,
        group=section.group,
        dates=section.dates,
        source=spot.source,
    )


def _territory(
    place: WrittenPlace,
    section: PlaceSection,
    spot: Spot,
    policy: Policy,
    exceptions: tuple[PolicyException, ...],
    tariff: Tariff,
    clockwork: Clockwork,
) -> Territory:
    link = section.link or LinkSection()
    title = _text(section.title)
    return Territory(
        region=place.region,
        site=place.site,
        title=title if title != Text() else Text(ru=place.site or place.region),
        zone=clockwork.zone,
        language=section.language or "ru",
        networks=tuple(section.networks),
        listeners=frozenset(section.listeners),
        policy=policy,
        exceptions=exceptions,
        tariff=tariff,
        link=Link(down_bps=link.down, up_bps=link.up, rtt_ms=link.rtt),
        costly_hop=section.costly_hop,
        store=section.store,
        institute=_institute(section),
        selectable=section.selectable,
        night=compile_night(section.night, spot.at("night")),
        source=spot.source,
    )


def _institute(section: PlaceSection) -> Institute:
    written = section.institute
    if written is None:
        return Institute()
    return Institute(name=_text(written.name), phone=written.phone or "", email=written.email or "")


def _text(section: TextSection | None) -> Text:
    return Text() if section is None else Text(ru=section.ru, en=section.en)
