"""Which learners reach which place: claims that contradict each other, and places that nobody reaches."""

from __future__ import annotations

from collections.abc import Mapping

from policies.compile.spot import Spot
from policies.faults import FaultList, did_you_mean
from policies.frozen import Frozen
from policies.model import IPNetwork, Territory
from policies.schema.process import TropaSection
from policies.yaml_marks import MarkedMap

Place = tuple[str, str | None]


class Reached(Frozen, frozen=True, kw_only=True):
    """A place with the keys it was written with."""

    territory: Territory
    keys: MarkedMap

    @property
    def name(self) -> str:
        return "/".join(part for part in (self.territory.region, self.territory.site) if part)

    @property
    def place(self) -> Place:
        return self.territory.region, self.territory.site


def report_shared_networks(places: list[Reached], faults: FaultList) -> None:
    """A network may lie within another place's, but not be the same."""
    owners: dict[IPNetwork, Reached] = {}
    for reached in places:
        for index, network in enumerate(reached.territory.networks):
            owner = owners.setdefault(network, reached)
            if owner is not reached:
                spot = Spot(reached.keys, faults, ("networks", index))
                spot.fault(f"{network} belongs to {owner.name} already", "give each place networks of its own")


def listener_claims(places: list[Reached], section: TropaSection, faults: FaultList) -> dict[str, Place]:
    """Listener -> the place that names it."""
    claims: dict[str, Place] = {}
    owners: dict[str, str] = {}
    for reached in places:
        written = reached.keys.get("listeners") or ()
        for index, name in enumerate([written] if isinstance(written, str) else written):
            spot = Spot(reached.keys, faults, ("listeners", index))
            if name not in section.listeners:
                cure = did_you_mean(name, section.listeners) or "add it under tropa.listeners:"
                spot.fault(f"unknown listener {name}", cure)
            elif name in owners:
                spot.fault(f"the listener {name} belongs to {owners[name]} already", "name it at one place")
            else:
                owners[name], claims[name] = reached.name, reached.place
    return claims


def warn_of_unreachable(
    places: list[Reached],
    section: TropaSection,
    listeners: Mapping[str, Place],
    site_table: Mapping[str, tuple[str, str]],
    faults: FaultList,
) -> None:
    """listeners: every listener's place. A trusted header may name any place."""
    if section.trusted_headers.region is not None and section.trusted_proxies:
        return
    by_name = {
        *listeners.values(),
        *((region, site or None) for region, site in site_table.values()),
        (section.default_region, None),
    }
    inner = {reached.territory.region for reached in places if _is_reached(reached, by_name)}
    for reached in places:
        region_of_reached_site = reached.territory.site is None and reached.territory.region in inner
        if not _is_reached(reached, by_name) and not region_of_reached_site:
            problem = "nobody comes from here: no network, listener, login or choice leads to it"
            Spot(reached.keys, faults).warn(problem, "add networks: or selectable: true")


def _is_reached(reached: Reached, by_name: set[tuple[str | None, str | None]]) -> bool:
    territory = reached.territory
    return bool(territory.networks) or territory.selectable or reached.place in by_name
