"""Who got an adapted form of what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from proxy.deliver.sticky import Sticky

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://lms.example.org/a.jpg"


def test_it_is_one_learners_and_one_urls_and_lasts_a_day() -> None:
    sticky = Sticky()
    sticky.note("a", URL, NOW)
    assert sticky.was_adapted("a", URL, NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert not sticky.was_adapted("a", URL, NOW + timedelta(hours=24))
    assert not sticky.was_adapted("b", URL, NOW)
    assert not sticky.was_adapted("a", URL + "?x", NOW)


def test_another_delivery_begins_the_day_anew() -> None:
    sticky = Sticky()
    sticky.note("a", URL, NOW)
    sticky.note("a", URL, NOW + timedelta(hours=20))
    assert sticky.was_adapted("a", URL, NOW + timedelta(hours=40))


def test_the_oldest_is_forgotten_first_and_no_more_than_the_limit_is_kept() -> None:
    sticky = Sticky(max_entries=2)
    for learner in ("a", "b", "a", "c"):
        sticky.note(learner, URL, NOW)
    assert [sticky.was_adapted(learner, URL, NOW) for learner in "abc"] == [True, False, True]
