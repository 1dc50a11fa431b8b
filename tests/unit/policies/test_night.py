"""Where fetching in the free hours is of use, and what is said where it isn't."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue, Followed, Window, Windows
from policies.night import Idle, idle_because, idle_nights
from policies.windows import current_opening
from policies.zones import zone

SITE = """
tropa: {{place: {place}, mail: {{smtp: "[::1]:25", from: tropa@school.example, tls: none}}}}
origins:
  lms:
    hosts: [lms.example.org]
    upstream: http://10.0.0.5
    service: {{token_file: moodle.token}}
regions:
  tundra:
    timezone: Asia/Krasnoyarsk
    networks: [10.0.0.0/8]
    policy: open
    tariff: {{price: 1 RUB/MB, free: {free}}}
    night: {{limit: 600 MB, follow: {{origin: lms, course: 5, what: files}}, report_to: it@school.example}}
    costly_hop: {hop}
    store: {store}
    sites:
      village: {{networks: [10.1.0.0/16], night: {{limit: 100 MB}}}}
"""


def catalogue(folder: Path, **words: str) -> Catalogue:
    told = {"place": "school", "free": "23:00-07:00", "hop": "site_uplink", "store": "school-box"} | words
    path = folder / "regions.yaml"
    path.write_text(SITE.format(**told), encoding="utf-8")
    return read_catalogue(path)


def test_a_site_takes_its_regions_night_key_by_key(tmp_path: Path) -> None:
    found = catalogue(tmp_path)
    night = found.territories["tundra", "village"].night
    assert night.limit_bytes == 100_000_000
    assert [(one.origin, one.course, one.what) for one in night.follow] == [("lms", 5, {Followed.FILES})]
    assert night.report_to == ("it@school.example",)
    service, mail = found.origins["lms"].service, found.settings.mail
    assert service is not None and service.token_file == str(tmp_path / "moodle.token")
    assert mail is not None and (mail.host, mail.port) == ("::1", 25)


def test_at_a_schools_own_box_it_is_of_use(tmp_path: Path) -> None:
    assert idle_nights(catalogue(tmp_path)) == ()


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ({"place": "centre"}, Idle.NOT_THE_BOX),
        ({"store": "none"}, Idle.NO_STORE),
        ({"hop": "learner_link"}, Idle.NO_HOP),
        ({"free": "never"}, Idle.NO_WINDOW),
    ],
)
def test_elsewhere_it_is_told_why_not(tmp_path: Path, words: dict[str, str], because: Idle) -> None:
    found = catalogue(tmp_path, **words)
    territory = found.territories["tundra", None]
    assert idle_because(territory, found.settings) is because
    assert (territory, because) in idle_nights(found)


def test_the_opening_that_holds_an_instant_is_told_whole(tmp_path: Path) -> None:
    free = catalogue(tmp_path).territories["tundra", None].tariff.free
    opens = datetime(2026, 11, 23, 16, tzinfo=UTC)  # 23:00 in Krasnoyarsk
    for late in (timedelta(0), timedelta(hours=8) - timedelta(seconds=1)):
        assert current_opening(free, opens + late) == (opens, opens + timedelta(hours=8))
    assert current_opening(free, opens + timedelta(hours=8)) is None
    assert current_opening(Windows(always=True), opens) is None


def test_an_opening_of_windows_that_follow_one_another_begins_where_the_first_of_them_does() -> None:
    evening = Window(zone=zone("Europe/Moscow"), weekdays=frozenset(range(7)), start=time(23), end=time(3))
    night = Window(zone=zone("Europe/Moscow"), weekdays=frozenset(range(7)), start=time(2), end=time(7))
    opens = datetime(2026, 11, 23, 20, tzinfo=UTC)
    free = Windows(windows=(night, evening))
    for hour in (0, 3, 4, 7):
        assert current_opening(free, opens + timedelta(hours=hour)) == (opens, opens + timedelta(hours=8))
    assert current_opening(free, opens + timedelta(hours=8)) is None
