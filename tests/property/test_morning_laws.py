"""Laws of the morning's report: each night that ends between two looks is found, once, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policies.model import Window, Windows
from policies.units import as_time
from policies.zones import zone
from scheduler.mornings import Noted, look
from scheduler.night import NightSpan, night_at
from tests.property.test_night_laws import CHANGING, DAYS, RUSSIAN, months

ZONES = st.sampled_from(RUSSIAN + CHANGING)
SPAN = timedelta(days=8)
# Each example walks through days by minutes: shrinking one takes longer than reading it.
QUICK = settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
BACK = timedelta(days=2)  # the most that a clock is set back in one's right mind
FINE = timedelta(minutes=5)  # no window of these is shorter, and all begin on such a minute


@st.composite
def hours(draw: st.DrawFn) -> tuple[Windows, str]:
    """One or two windows a day, some days only, from five minutes to nearly a day; or none that ever closes."""
    name = draw(ZONES)
    if draw(st.integers(0, 9)) == 0:
        return Windows(windows=(), always=True), name
    windows = []
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, 287)) * 5
        end = (start + draw(st.integers(1, 280)) * 5) % 1440
        days = draw(st.sampled_from([DAYS, frozenset({0, 5}), frozenset({6})]))
        windows.append(Window(zone=zone(name), weekdays=days, start=as_time(start), end=as_time(end)))
    return Windows(windows=tuple(windows)), name


def nights_of(free: Windows, name: str, since: datetime) -> list[NightSpan]:
    """Every night of the span, found by looking at each five minutes of it."""
    found: dict[str, NightSpan] = {}
    at = since
    while at <= since + SPAN:
        if (night := night_at(free, zone(name), at)) is not None:
            found[night.key] = night
        at += FINE
    return sorted(found.values(), key=lambda night: night.closes)


def seen(noted: Noted | None, free: Windows, name: str, now: datetime) -> tuple[Noted, str]:
    one = look(noted, free, zone(name), night_at(free, zone(name), now), now)
    return one.noted, one.owes


gaps = st.lists(st.integers(1, 40 * 60), min_size=4, max_size=30)  # minutes between two looks


@QUICK
@given(hours(), months, gaps)
def test_the_last_night_that_ended_between_two_looks_owes_its_report_and_no_other(
    place: tuple[Windows, str], month: datetime, minutes: list[int]
) -> None:
    free, name = place
    nights = nights_of(free, name, month)
    noted, _ = seen(None, free, name, month)
    for gap in minutes:
        before, now = noted.at, noted.at + timedelta(minutes=gap)
        if now > month + SPAN:
            break
        ended = [night.key for night in nights if before < night.closes <= now]
        noted, owes = seen(noted, free, name, now)
        assert owes == (ended[-1] if ended else "")


@QUICK
@given(hours(), months, st.integers(5, 600))
def test_looks_that_come_often_find_every_night_once(place: tuple[Windows, str], month: datetime, late_s: int) -> None:
    free, name = place
    found, at = [], month
    noted, _ = seen(None, free, name, month)
    while at <= month + SPAN / 2:
        at += timedelta(minutes=4, seconds=late_s % 59)  # below the shortest window
        noted, owes = seen(noted, free, name, at)
        found += [owes] if owes else []
    assert found == [night.key for night in nights_of(free, name, month) if month < night.closes <= at]


@QUICK
@given(hours(), months, st.lists(st.integers(-30 * 60, 40 * 60), min_size=4, max_size=40))
def test_a_clock_that_leaps_makes_no_night_end_twice(
    place: tuple[Windows, str], month: datetime, leaps_min: list[int]
) -> None:
    free, name = place
    noted, found, now = None, [], month + SPAN / 2
    for leap in leaps_min:
        now += timedelta(minutes=leap)
        if noted is not None:  # set back by more it had been wrong, and its nights are told anew: the next test
            now = max(now, noted.at - BACK)
        noted, owes = seen(noted, free, name, now)
        found += [owes] if owes else []
    if noted is not None and noted.at - month <= SPAN:
        assert len(found) == len(set(found))


def test_a_clock_that_had_gone_far_ahead_is_believed_again() -> None:
    free = Windows(windows=(Window(zone=zone("Europe/Moscow"), weekdays=DAYS, start=as_time(1380), end=as_time(420)),))
    now = datetime(2026, 11, 23, 20, tzinfo=UTC)
    noted, owes = seen(Noted(at=now + timedelta(days=3000)), free, "Europe/Moscow", now)
    assert (noted.at, owes) == (now, "")
    assert seen(noted, free, "Europe/Moscow", now + timedelta(hours=12))[1] == "2026-11-23T20:00Z"
