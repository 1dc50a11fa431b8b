from __future__ import annotations

import pytest

from policies.model import Listener, Settings
from policies.place import OriginIndex, PlaceIndex
from tests.builders import a_catalogue, a_territory, an_origin

REGION = a_territory("koryak", networks=("10.41.0.0/16", "2001:db8::/32"), listeners=frozenset({"satellite"}))
SITE = a_territory("koryak", "tigil", networks=("10.41.7.0/24", "2001:db8:7::/48"))
OTHER = a_territory("tver", networks=("0.0.0.0/0",))
INDEX = PlaceIndex(
    a_catalogue(
        REGION,
        SITE,
        OTHER,
        settings=Settings(listeners=(Listener(name="door", mode="reverse", host="", port=1, region="tver"),)),
    )
)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.41.7.200", SITE),
        ("10.41.8.1", REGION),
        ("::ffff:10.41.7.1", SITE),
        ("2001:db8:7::1", SITE),
        ("2001:db8:8::1", REGION),
        ("8.8.8.8", OTHER),
        ("2001:4860::1", None),
        ("not an address", None),
        ("", None),
    ],
)
def test_the_longest_prefix_wins(address: str, place: object) -> None:
    assert INDEX.by_address(address) is place


def test_a_site_wins_where_its_region_has_the_same_network() -> None:
    region = a_territory("a", networks=("10.0.0.0/8",))
    site = a_territory("a", "b", networks=("10.0.0.0/8",))
    assert PlaceIndex(a_catalogue(site, region)).by_address("10.1.1.1") is site


def test_listeners_belong_to_places_by_either_side() -> None:
    assert INDEX.by_listener("satellite") is REGION
    assert INDEX.by_listener("door") is OTHER
    assert INDEX.by_listener("unknown") is None


def test_an_unknown_site_is_its_region() -> None:
    assert INDEX.get("koryak", "tigil") is SITE
    assert INDEX.get("koryak", "elsewhere") is REGION
    assert INDEX.get("nowhere", None) is None


def test_origins_are_found_by_exact_name_then_by_the_longest_pattern() -> None:
    wide = an_origin("wide", hosts=("*.example.org",))
    narrow = an_origin("narrow", hosts=("*.deep.example.org", "lms.example.org"))
    index = OriginIndex(a_catalogue(origins=(wide, narrow)))
    assert index.by_host("LMS.example.org") is narrow
    assert index.by_host("a.deep.example.org.") is narrow
    assert index.by_host("a.example.org") is wide
    assert index.by_host("example.org") is None
    assert index.by_host("example.net") is None
