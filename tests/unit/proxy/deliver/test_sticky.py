"""What went out in an adapted form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from proxy.deliver.sticky import Sticky

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://lms.example.org/a.jpg"


def test_it_is_one_urls_and_lasts_a_day() -> None:
    sticky = Sticky()
    sticky.note(URL, NOW)
    assert sticky.was_adapted(URL, NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert not sticky.was_adapted(URL, NOW + timedelta(hours=24))
    assert not sticky.was_adapted(URL + "?x", NOW)


def test_another_delivery_begins_the_day_anew() -> None:
    sticky = Sticky()
    sticky.note(URL, NOW)
    sticky.note(URL, NOW + timedelta(hours=20))
    assert sticky.was_adapted(URL, NOW + timedelta(hours=40))


def test_the_oldest_is_forgotten_first_and_no_more_than_the_limit_is_kept() -> None:
    sticky = Sticky(max_entries=2)
    for name in ("a", "b", "a", "c"):
        sticky.note(URL + name, NOW)
    assert [sticky.was_adapted(URL + name, NOW) for name in "abc"] == [True, False, True]
