"""Lengths of time and instants as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policies.faults import Wrong
from proxy.cli.spans import parse_instant, parse_moment, parse_span, told

KAMCHATKA = ZoneInfo("Asia/Kamchatka")
NOW = datetime(2026, 11, 23, 21, 30, tzinfo=KAMCHATKA)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("48h", 48), ("2h30m", 2.5), ("7d", 168), ("90 min", 1.5), ("1d 12h", 36), ("1w", 168), ("48ч", 48), ("2 Д", 48)],
)
def test_a_length_of_time_is_read_as_typed(text: str, hours: float) -> None:
    assert parse_span(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "48", "h", "-2h", "2x", "0h", "2h30", "9999d", "two hours", "1.5h"])
def test_what_is_no_length_of_time_says_how_to_write_one(text: str) -> None:
    with pytest.raises(Wrong, match="48h"):
        parse_span(text)


def test_an_instant_without_an_offset_is_the_place_s_own() -> None:
    assert parse_instant("2026-11-23T21:30", KAMCHATKA) == NOW
    assert parse_instant("2026-11-23T09:30Z", KAMCHATKA) == NOW


@pytest.mark.parametrize("text", ["tomorrow", "23.11.2026", "2026-13-01", "21:30"])
def test_what_is_no_instant_says_how_to_write_one(text: str) -> None:
    with pytest.raises(Wrong, match="2026-11-23T21:30"):
        parse_instant(text, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("today", datetime(2026, 11, 23, tzinfo=KAMCHATKA)),
        ("yesterday", datetime(2026, 11, 22, tzinfo=KAMCHATKA)),
        ("вчера", datetime(2026, 11, 22, tzinfo=KAMCHATKA)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=KAMCHATKA)),
        ("2026-11-01T12:00+00:00", datetime(2026, 11, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_of_the_past_is_a_day_a_span_or_an_instant(text: str, expected: datetime) -> None:
    assert parse_moment(text, NOW) == expected


def test_yesterday_began_at_midnight_even_across_a_change_of_the_clocks() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert parse_moment("yesterday", now).isoformat() == "2026-03-28T00:00:00+01:00"


def test_a_moment_that_is_none_names_the_choices() -> None:
    with pytest.raises(Wrong, match="yesterday, 7d"):
        parse_moment("last week", NOW)


@pytest.mark.parametrize(
    ("span", "text"),
    [(timedelta(hours=51), "2d 3h"), (timedelta(minutes=45), "45m"), (timedelta(0), "0s"), (timedelta(days=7), "7d")],
)
def test_a_length_of_time_is_told_by_its_two_largest_units(span: timedelta, text: str) -> None:
    assert told(span) == text
