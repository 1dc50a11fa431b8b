"""Windows against a brute force that looks at every minute's wall clock, in all of Russia's zones and in DST zones."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policies.model import Allowance, Calendar, Period, Window, Windows
from policies.money import period_bounds
from policies.values import Scope
from policies.windows import current_close, is_open, next_change, next_opening

RUSSIA = [
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Simferopol",
    "Europe/Kirov",
    "Europe/Volgograd",
    "Europe/Astrakhan",
    "Europe/Saratov",
    "Europe/Ulyanovsk",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Novosibirsk",
    "Asia/Barnaul",
    "Asia/Tomsk",
    "Asia/Novokuznetsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Chita",
    "Asia/Yakutsk",
    "Asia/Khandyga",
    "Asia/Vladivostok",
    "Asia/Ust-Nera",
    "Asia/Magadan",
    "Asia/Sakhalin",
    "Asia/Srednekolymsk",
    "Asia/Kamchatka",
    "Asia/Anadyr",
]
# Half-hour DST, DST at midnight, the southern hemisphere, Ramadan's pause, a two-hour step, a skipped day.
DST = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "Asia/Beirut",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/Havana",
    "Asia/Gaza",
    "Pacific/Apia",
]
TURNS = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "Europe/London": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Pacific/Chatham": [date(2026, 4, 5), date(2026, 9, 27)],
    "America/Santiago": [date(2026, 4, 5), date(2026, 9, 6)],
    "Asia/Beirut": [date(2026, 3, 29), date(2026, 10, 25)],
    "Africa/Cairo": [date(2026, 4, 24), date(2026, 10, 30)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "Antarctica/Troll": [date(2026, 3, 29), date(2026, 10, 25)],
    "Pacific/Apia": [date(2011, 12, 30), date(2011, 9, 24)],
    "Europe/Moscow": [date(2011, 3, 27), date(2014, 10, 26)],
    "Asia/Kamchatka": [date(2010, 3, 28), date(2011, 3, 27)],
    "Asia/Magadan": [date(2014, 10, 26), date(2016, 4, 24)],
    "Asia/Sakhalin": [date(2016, 3, 27)],
    "Europe/Volgograd": [date(2018, 10, 28), date(2020, 12, 27)],
}
MINUTE = timedelta(minutes=1)
SPAN_DAYS = 5  # days before and after the middle that the brute force sees
COUNT = (2 * SPAN_DAYS + 1) * 1440
EPOCH = datetime(1970, 1, 1)


def first_instant(middle: date) -> datetime:
    """Where the timeline around a day begins."""
    return datetime(middle.year, middle.month, middle.day, tzinfo=UTC) - timedelta(days=SPAN_DAYS)


@lru_cache(maxsize=64)
def timeline(zone: str, middle: date) -> tuple[int, ...]:
    """What the wall clock shows at every minute of the timeline, in minutes since 1970.

    Asked of the zone once an hour, and every minute of the hours in which it was turned.
    """
    start, info = first_instant(middle), ZoneInfo(zone)

    def shown(minute: int) -> int:
        return wall((start + minute * MINUTE).astimezone(info).replace(tzinfo=None))

    found: list[int] = []
    for hour in range(0, COUNT, 60):
        first = shown(hour)
        steady = shown(hour + 60) == first + 60
        found += range(first, first + 60) if steady else [shown(minute) for minute in range(hour, hour + 60)]
    return tuple(found)


def wall(local: datetime) -> int:
    return (local - EPOCH) // MINUTE


@lru_cache(maxsize=64)
def occurrences(zone: str, middle: date) -> tuple[dict[int, int], dict[int, int]]:
    """Wall clock -> the first minute that shows it, and the last."""
    shown = timeline(zone, middle)
    last = {clock: minute for minute, clock in enumerate(shown)}
    first = {clock: minute for minute, clock in zip(range(COUNT - 1, -1, -1), reversed(shown), strict=True)}
    return first, last


def minute_of(local: datetime, zone: str, middle: date, *, last: bool) -> int | None:
    """The minute that shows this wall clock; for one that is skipped, the first that shows a later one."""
    shown, wanted = timeline(zone, middle), wall(local)
    if not shown[0] <= wanted <= shown[-1]:
        return None
    found = occurrences(zone, middle)[last].get(wanted)
    if found is not None:
        return found
    return next(minute for minute, clock in enumerate(shown) if clock > wanted)


def brute_minutes(windows: Windows, zone: str, middle: date) -> bytes:
    """Whether each minute of the timeline is open: 1 or 0."""
    is_open_at = bytearray([windows.always]) * COUNT
    for window in windows.windows:
        for offset in range(-SPAN_DAYS - 1, SPAN_DAYS + 2):
            day = middle + timedelta(days=offset)
            if not runs_on(window, day):
                continue
            end_day = day if window.end is not None and window.end > window.start else day + timedelta(days=1)
            start = minute_of(datetime.combine(day, window.start), zone, middle, last=False)
            end = minute_of(datetime.combine(end_day, window.end or time(0)), zone, middle, last=True)
            if start is None and end is None:
                continue
            first, after = start or 0, COUNT if end is None else end
            if first < after:
                is_open_at[first:after] = b"\1" * (after - first)
    return bytes(is_open_at)


def runs_on(window: Window, day: date) -> bool:
    inside = [any(first <= day <= last for first, last in calendar.spans) for calendar in window.only]
    outside = [any(first <= day <= last for first, last in calendar.spans) for calendar in window.not_on]
    dated = window.dates is None or window.dates[0] <= day <= window.dates[1]
    return day.weekday() in window.weekdays and dated and (not inside or any(inside)) and not any(outside)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, date]:
    zone = draw(st.sampled_from(RUSSIA + DST))
    near = TURNS.get(zone)
    if near and draw(st.booleans()):
        return zone, draw(st.sampled_from(near))
    return zone, date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 40)) * 9)


clocks = st.one_of(
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 45, 59])),
    st.sampled_from([time(0), time(1), time(1, 30), time(2), time(2, 30), time(3), time(23, 30)]),
)


@st.composite
def some_windows(draw: st.DrawFn, zone: str, middle: date) -> Windows:
    def day() -> date:
        return middle + timedelta(days=draw(st.integers(-4, 4)))

    def calendar() -> Calendar:
        first = day()
        return Calendar(name="term", spans=((first, first + timedelta(days=draw(st.integers(0, 4)))),))

    found = []
    for _ in range(draw(st.integers(0, 3))):
        first = day()
        found.append(
            Window(
                zone=ZoneInfo(zone),
                weekdays=frozenset(draw(st.sets(st.integers(0, 6), min_size=1))) if draw(st.booleans()) else EVERY_DAY,
                start=draw(clocks),
                end=draw(st.one_of(st.none(), clocks)),
                only=(calendar(),) if draw(st.integers(0, 4)) == 0 else (),
                not_on=(calendar(),) if draw(st.integers(0, 4)) == 0 else (),
                dates=(first, first + timedelta(days=2)) if draw(st.integers(0, 4)) == 0 else None,
            )
        )
    return Windows(windows=tuple(found))


EVERY_DAY = frozenset(range(7))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, date, Windows, int, int]:
    zone, middle = draw(places())
    windows = draw(some_windows(zone, middle))
    minute = draw(st.integers(SPAN_DAYS * 1440 - 1440, SPAN_DAYS * 1440 + 2880))
    edges = [edge for edge in edges_of(brute_minutes(windows, zone, middle)) if FIRST < edge < LAST]
    if edges and draw(st.booleans()):
        minute = draw(st.sampled_from(edges)) + draw(st.sampled_from([-1, 0, 0, 1]))
    return zone, middle, windows, minute, draw(st.sampled_from([0, 0, 1, 30, 59]))


FIRST, LAST = (SPAN_DAYS - 2) * 1440, (SPAN_DAYS + 3) * 1440


def edges_of(minutes: bytes) -> list[int]:
    """The minutes at which open turns to closed or back."""
    return [edge.start() + 1 for edge in re.finditer(rb"\x00(?=\x01)|\x01(?=\x00)", minutes)]


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_windows_agree_with_a_look_at_every_minute(case: tuple[str, date, Windows, int, int]) -> None:
    zone, middle, windows, minute, second = case
    agree(zone, middle, windows, brute_minutes(windows, zone, middle), minute, second)


HALF_HOURS = [time(minute // 60, minute % 60) for minute in range(0, 270, 30)]


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in TURNS.items() for day in days])
def test_windows_around_a_turn_of_the_clock_agree_with_a_look_at_every_minute(zone: str, day: date) -> None:
    for start in HALF_HOURS:
        for end in (*HALF_HOURS, None):
            if start == end:
                continue
            window = Window(zone=ZoneInfo(zone), weekdays=EVERY_DAY, start=start, end=end)
            windows = Windows(windows=(window,))
            minutes = brute_minutes(windows, zone, day)
            for edge in (edge for edge in edges_of(minutes) if FIRST + 1440 < edge < LAST - 2880):
                agree(zone, day, windows, minutes, edge, 0)
                agree(zone, day, windows, minutes, edge - 1, 59)


def agree(zone: str, middle: date, windows: Windows, minutes: bytes, minute: int, second: int) -> None:
    start = first_instant(middle)
    now = start + minute * MINUTE + timedelta(seconds=second)
    last = len(minutes) - 1440 * 2  # an occurrence that ends after the timeline is cut there
    open_now = bool(minutes[minute])

    def next_where(wanted: bool) -> datetime | None:
        turn = minutes.find(b"\0\1" if wanted else b"\1\0", minute, last)
        return start + (turn + 1) * MINUTE if turn >= 0 else None

    horizon = start + last * MINUTE

    def seen(found: datetime | None) -> datetime | None:
        return found if found is not None and found < horizon else None

    assert is_open(windows, now) is open_now
    assert seen(next_opening(windows, now)) == next_where(True)
    assert seen(current_close(windows, now)) == (next_where(False) if open_now else None)
    assert seen(next_change(windows, now)) == next_where(not open_now)


@settings(max_examples=300)
@given(cases())
def test_nothing_changes_between_now_and_the_next_change(case: tuple[str, date, Windows, int, int]) -> None:
    _, middle, windows, minute, second = case
    now = first_instant(middle) + minute * MINUTE + timedelta(seconds=second)
    change = next_change(windows, now)
    assume(change is not None)
    assert change is not None and change > now
    assert is_open(windows, change) is not is_open(windows, now)
    just_before = change - timedelta(microseconds=1)
    assert is_open(windows, just_before) is is_open(windows, now)
    assert is_open(windows, now + (change - now) / 2) is is_open(windows, now)


@settings(max_examples=300)
@given(
    places(),
    st.sampled_from(Period),
    st.integers(0, 6),
    st.integers(1, 31),
    clocks,
    st.integers(0, 2 * 1440 * 60),
)
def test_a_period_holds_now_and_the_next_one_begins_where_it_ends(
    place: tuple[str, date], period: Period, weekday: int, month_day: int, clock: time, second: int
) -> None:
    zone, middle = place
    now = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) + timedelta(seconds=second)
    allowance = Allowance(
        scope=Scope.SITE,
        amount_bytes=1,
        period=period,
        zone=ZoneInfo(zone),
        renew_day=weekday if period is Period.WEEK else month_day,
        renew_time=clock,
    )
    start, end = period_bounds(allowance, now)
    assert start <= now < end
    assert period_bounds(allowance, end)[0] == end
    assert period_bounds(allowance, end - timedelta(seconds=1)) == (start, end)
    longest = {Period.DAY: timedelta(hours=50), Period.WEEK: timedelta(days=8), Period.MONTH: timedelta(days=32)}
    assert end - start <= longest[period]
