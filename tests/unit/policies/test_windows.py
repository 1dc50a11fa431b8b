from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from policies.model import Calendar, Windows
from policies.windows import current_close, is_open, next_change, next_opening
from tests.builders import KAMCHATKA, MOSCOW, a_window, windows_of

NIGHT = windows_of(a_window("23:00", "07:00", zone=MOSCOW))
BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


def berlin_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_that_crosses_midnight_is_open_at_its_first_instant() -> None:
    assert is_open(NIGHT, moscow("2026-11-23T23:00:00"))
    assert not is_open(NIGHT, moscow("2026-11-23T23:00:00") - timedelta(microseconds=1))


def test_a_window_is_closed_at_its_end() -> None:
    assert is_open(NIGHT, moscow("2026-11-24T07:00:00") - timedelta(microseconds=1))
    assert not is_open(NIGHT, moscow("2026-11-24T07:00:00"))


def test_the_next_opening_is_told_to_the_second_from_any_zone() -> None:
    noon_in_kamchatka = datetime(2026, 11, 23, 12, 0, 1, tzinfo=KAMCHATKA)
    assert next_opening(NIGHT, noon_in_kamchatka) == moscow("2026-11-23T23:00:00")


def test_an_opening_now_is_not_the_next() -> None:
    assert next_opening(NIGHT, moscow("2026-11-23T23:00:00")) == moscow("2026-11-24T23:00:00")


def test_while_open_the_next_opening_comes_after_the_close() -> None:
    assert next_opening(NIGHT, moscow("2026-11-24T01:00:00")) == moscow("2026-11-24T23:00:00")


def test_adjacent_and_overlapping_windows_are_one() -> None:
    parts = windows_of(a_window("08:00", "10:00"), a_window("10:00", "12:00"), a_window("11:00", "13:00"))
    assert current_close(parts, moscow("2026-11-23T08:30:00")) == moscow("2026-11-23T13:00:00")
    assert next_change(parts, moscow("2026-11-23T07:00:00")) == moscow("2026-11-23T08:00:00")


def test_the_weekday_is_the_starts_also_after_midnight() -> None:
    friday_night = windows_of(a_window("23:00", "07:00", weekdays=[4]))
    assert is_open(friday_night, moscow("2026-11-28T06:59:59"))  # Saturday morning
    assert not is_open(friday_night, moscow("2026-11-27T06:59:59"))  # Friday morning


def test_twenty_four_hundred_is_the_days_end() -> None:
    evening = windows_of(a_window("20:00", "24:00", weekdays=[0]))
    assert is_open(evening, moscow("2026-11-23T23:59:59"))
    assert current_close(evening, moscow("2026-11-23T21:00:00")) == moscow("2026-11-24T00:00:00")


def test_days_outside_the_calendars_are_closed() -> None:
    term = Calendar(name="term", spans=((date(2026, 11, 1), date(2026, 11, 25)),))
    holiday = Calendar(name="holiday", spans=((date(2026, 11, 24), date(2026, 11, 24)),))
    lessons = windows_of(a_window("08:00", "14:00", only=(term,), not_on=(holiday,)))
    assert is_open(lessons, moscow("2026-11-23T09:00:00"))
    assert not is_open(lessons, moscow("2026-11-24T09:00:00"))
    assert next_opening(lessons, moscow("2026-11-23T15:00:00")) == moscow("2026-11-25T08:00:00")
    assert next_opening(lessons, moscow("2026-11-25T15:00:00")) is None


def test_a_dated_window_includes_both_days() -> None:
    week = windows_of(a_window("22:00", "02:00", dates=(date(2026, 11, 23), date(2026, 11, 24))))
    assert not is_open(week, moscow("2026-11-23T01:00:00"))
    assert is_open(week, moscow("2026-11-25T01:59:59"))
    assert not is_open(week, moscow("2026-11-25T22:00:00"))


def test_a_start_in_a_gap_is_the_gaps_end() -> None:
    window = windows_of(a_window("02:30", "04:00", zone=BERLIN))  # 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC
    assert next_opening(window, berlin_utc("2026-03-29T00:00:00")) == berlin_utc("2026-03-29T01:00:00")


def test_a_window_within_a_gap_doesnt_open_that_day() -> None:
    window = windows_of(a_window("02:10", "02:50", zone=BERLIN))
    assert next_opening(window, berlin_utc("2026-03-28T12:00:00")) == berlin_utc("2026-03-30T00:10:00")


def test_a_fold_has_the_first_start_and_the_last_end() -> None:
    window = windows_of(a_window("02:15", "02:45", zone=BERLIN))  # 2026-10-25: 02:00-03:00 comes twice, from 00:00 UTC
    assert next_opening(window, berlin_utc("2026-10-25T00:00:00")) == berlin_utc("2026-10-25T00:15:00")
    assert current_close(window, berlin_utc("2026-10-25T00:30:00")) == berlin_utc("2026-10-25T01:45:00")


def test_what_is_always_open_never_changes() -> None:
    always, now = Windows(always=True), moscow("2026-11-23T12:00:00")
    assert is_open(always, now)
    assert (next_opening(always, now), current_close(always, now), next_change(always, now)) == (None, None, None)


def test_no_windows_are_never_open() -> None:
    now = moscow("2026-11-23T12:00:00")
    assert not is_open(Windows(), now)
    assert next_opening(Windows(), now) is None


def test_windows_that_join_into_one_without_end_have_no_close_in_sight() -> None:
    round_the_clock = windows_of(a_window("00:00", "12:00"), a_window("12:00", "24:00"))
    assert current_close(round_the_clock, moscow("2026-11-23T12:00:00")) is None
    assert next_change(round_the_clock, moscow("2026-11-23T12:00:00")) is None


def test_an_opening_beyond_the_horizon_is_not_told() -> None:
    far = windows_of(a_window("08:00", "10:00", dates=(date(2027, 2, 1), date(2027, 2, 1))))
    now = moscow("2026-11-23T12:00:00")
    assert next_opening(far, now) is None
    assert next_opening(far, now, horizon_days=90) == moscow("2027-02-01T08:00:00")


def test_the_ends_of_the_calendar_do_no_harm() -> None:
    for now in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert is_open(NIGHT, now) in (True, False)
        next_opening(NIGHT, now)
