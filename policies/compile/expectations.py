"""Policy tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from policies.compile.spot import Spot
from policies.faults import FaultList, did_you_mean
from policies.model import Origin, PolicyTest, Territory
from policies.schema.check import check
from policies.schema.files import TestSection
from policies.yaml_marks import MarkedMap

Place = tuple[str, str | None]


def compile_tests(
    written: list[MarkedMap],
    territories: Mapping[Place, Territory],
    places: Collection[Place],
    origins: Mapping[str, Origin],
    faults: FaultList,
) -> tuple[PolicyTest, ...]:
    found = (_test(raw, territories, places, origins, faults) for raw in written)
    return tuple(test for test in found if test is not None)


def _test(
    raw: MarkedMap,
    territories: Mapping[Place, Territory],
    places: Collection[Place],
    origins: Mapping[str, Origin],
    faults: FaultList,
) -> PolicyTest | None:
    checked = check(TestSection, raw, faults)
    if checked is None:
        return None
    section, spot = checked[0], Spot(checked[1], faults)
    if (section.region, section.site) not in places:
        _report_unknown_place(section, spot, places)
        return None
    territory = territories.get((section.region, section.site))
    if territory is None:
        return None
    _warn_of_unknown_host(section, spot, origins)
    expect = section.expect
    if expect.verdict is None and expect.traffic_class is None and not expect.treatments:
        spot.at("expect").fault("expects nothing", "add verdict: allow, class: lesson or video: card")
    return PolicyTest(
        url=section.url,
        region=section.region,
        site=section.site,
        at=section.at if section.at.tzinfo else section.at.replace(tzinfo=territory.zone),
        mode=section.mode,
        expect_verdict=expect.verdict,
        expect_class=expect.traffic_class,
        expect_treatments=expect.treatments,
        source=spot.source,
        column=spot.mark.column,
        key=spot.mark.key,
    )


def _report_unknown_place(section: TestSection, spot: Spot, places: Collection[Place]) -> None:
    regions = {region for region, _ in places}
    if section.region not in regions:
        spot.at("region").fault(
            f"unknown region {section.region}", did_you_mean(section.region, regions) or "add it under regions:"
        )
        return
    sites = [site for region, site in places if region == section.region and site]
    spot.at("site").fault(f"unknown site {section.site} in {section.region}", did_you_mean(str(section.site), sites))


def _warn_of_unknown_host(section: TestSection, spot: Spot, origins: Mapping[str, Origin]) -> None:
    if section.mode != "reverse":
        return
    host = urlsplit(section.url).hostname or ""
    known = {name for origin in origins.values() for name in origin.hosts}
    if host not in known and not any(name.startswith("*.") and host.endswith(name[1:]) for name in known):
        spot.at("url").warn(f"no origin has the host {host}", "add it to an origin's hosts, or write mode: forward")
