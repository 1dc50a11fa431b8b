"""Which night it is, what comes first, what fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from policies.model import Window, Windows
from policies.units import as_time
from policies.zones import zone
from scheduler.night import (
    Flow,
    Later,
    NightLimits,
    NightSpan,
    Planned,
    Stop,
    Why,
    Wish,
    again_at,
    grant,
    in_order,
    next_night,
    night_at,
    plan,
    rate_of,
    tally,
)

MOSCOW = zone("Europe/Moscow")
OPENS = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 23:00 in Moscow
CLOSES = OPENS + timedelta(hours=8)
NIGHT = NightSpan(opens=OPENS, closes=CLOSES)
FREE = Windows(
    windows=(
        Window(
            zone=MOSCOW, weekdays=frozenset(range(7)), start=as_time(23 * 60), end=as_time(7 * 60), down_bps=256_000
        ),
    )
)
SECOND = timedelta(seconds=1)


def wish(key: str, why: Why = Why.QUEUED, *, size: int | None = 1000, minutes: int = 0, **more: object) -> Wish:
    since = OPENS - timedelta(days=1) + timedelta(minutes=minutes)
    return Wish(key=key, why=why, since=since, size_bytes=size, **more)  # type: ignore[arg-type]


def keys(planned: tuple[Planned, ...]) -> list[str]:
    return [item.wish.key for item in planned]


# -- which night -------------------------------------------------------------------------------------------------------


def test_a_night_is_known_to_the_second() -> None:
    assert night_at(FREE, MOSCOW, OPENS - SECOND) is None
    assert night_at(FREE, MOSCOW, OPENS) == NIGHT
    assert night_at(FREE, MOSCOW, CLOSES - SECOND) == NIGHT
    assert night_at(FREE, MOSCOW, CLOSES) is None
    assert next_night(FREE, CLOSES) == OPENS + timedelta(days=1)


def test_where_traffic_is_always_free_each_local_day_has_a_budget_of_its_own() -> None:
    night = night_at(Windows(always=True), MOSCOW, OPENS)
    assert night == NightSpan(opens=OPENS - timedelta(hours=23), closes=OPENS + timedelta(hours=1))


def test_a_free_weekend_is_two_nights() -> None:
    weekend = Windows(windows=(Window(zone=MOSCOW, weekdays=frozenset({5, 6}), start=as_time(0), end=None),))
    saturday = datetime(2026, 11, 28, 12, tzinfo=MOSCOW)
    first, second = night_at(weekend, MOSCOW, saturday), night_at(weekend, MOSCOW, saturday + timedelta(days=1))
    assert first is not None and second is not None
    assert first.closes == second.opens and first.key != second.key


# -- how quick ---------------------------------------------------------------------------------------------------------


def test_the_windows_own_speed_holds_and_a_link_measured_slower_is_believed() -> None:
    assert rate_of(FREE, OPENS, link_bps=1_000_000, share=0.5) == 128_000
    assert rate_of(FREE, OPENS, link_bps=1_000_000, share=0.5, measured_bps=100_000) == 50_000
    assert rate_of(FREE, OPENS, link_bps=1_000_000, share=0.5, measured_bps=900_000) == 128_000
    assert rate_of(Windows(always=True), OPENS, link_bps=None, share=0.5) is None


# -- what comes first --------------------------------------------------------------------------------------------------


def test_learners_take_turns_and_come_before_what_is_followed_and_opened_often() -> None:
    wishes = [
        wish("often", Why.OFTEN),
        wish("followed", Why.FOLLOWED),
        wish("a1", owner="a"),
        wish("a2", owner="a", minutes=1),
        wish("b1", owner="b", minutes=2),
    ]
    assert [one.key for one in in_order(wishes)] == ["a1", "b1", "a2", "followed", "often"]


def test_what_is_needed_tomorrow_comes_before_what_is_not_and_what_was_begun_goes_on_first() -> None:
    wishes = [
        wish("new", Why.FOLLOWED),
        wish("begun", Why.FOLLOWED, minutes=5, held_bytes=10),
        wish("tomorrow", Why.FOLLOWED, minutes=9, urgent_at=CLOSES),
    ]
    assert [one.key for one in in_order(wishes)] == ["tomorrow", "begun", "new"]


def test_the_same_thing_wanted_twice_is_fetched_once_for_the_better_reason() -> None:
    assert [one.why for one in in_order([wish("x", Why.OFTEN), wish("x", Why.QUEUED)])] == [Why.QUEUED]


# -- what fits ---------------------------------------------------------------------------------------------------------


def test_small_things_go_before_a_film_that_the_night_is_too_short_for() -> None:
    limits = NightLimits(rate_bps=8000)  # 1000 bytes a second, 28.8 MB a night
    film, page = wish("film", size=40_000_000), wish("page", Why.FOLLOWED, size=100_000)
    found = plan([film, page], NIGHT, limits, OPENS)
    assert keys(found) == ["page", "film"]
    assert found[0].ends == OPENS + timedelta(seconds=100)
    assert (found[1].later, found[1].bytes) == (Later.TIME, 28_700_000)


def test_a_begun_film_needs_only_what_is_left_of_it() -> None:
    film = wish("film", size=40_000_000, held_bytes=28_700_000)
    assert plan([film], NIGHT, NightLimits(rate_bps=8000), OPENS)[0].later is None


def test_a_nights_megabytes_end_what_comes_last() -> None:
    limits = NightLimits(limit_bytes=1500)
    found = plan([wish("a"), wish("b", minutes=1)], NIGHT, limits, OPENS, spent_bytes=200)
    assert [(item.wish.key, item.bytes, item.later) for item in found] == [("a", 1000, None), ("b", 300, Later.LIMIT)]


def test_what_is_opened_often_has_a_smaller_budget_within_the_nights() -> None:
    limits = NightLimits(often_bytes=1500)
    found = plan([wish("a", Why.OFTEN), wish("b", Why.OFTEN, minutes=1)], NIGHT, limits, OPENS)
    assert [item.is_due for item in found] == [True, False]


def test_what_failed_waits_and_what_is_too_large_never_comes() -> None:
    limits = NightLimits(max_file_bytes=1000)
    found = plan([wish("failed", not_before=OPENS + SECOND), wish("huge", size=1001)], NIGHT, limits, OPENS)
    assert {item.wish.key: item.later for item in found} == {"failed": Later.RETRY, "huge": Later.TOO_LARGE}


def test_tries_grow_rarer_and_end() -> None:
    waits = [again_at(tries, OPENS) for tries in range(1, 13)]
    assert waits[0] == OPENS + timedelta(minutes=1)
    assert waits[10] == OPENS + timedelta(hours=3) and waits[11] is None


# -- while it runs -----------------------------------------------------------------------------------------------------


def test_chunks_wait_for_their_turn_on_a_link_of_the_given_rate() -> None:
    flow, first = grant(Flow(night=NIGHT), 1000, OPENS, 8000)
    flow, second = grant(flow, 1000, OPENS, 8000)
    assert (first, second, flow.spent_bytes) == (0.0, 1.0, 2000)


def test_nothing_is_granted_at_the_windows_end_nor_beyond_the_limit() -> None:
    assert grant(Flow(night=NIGHT), 1, CLOSES, None)[1] is Stop.CLOSED
    assert grant(Flow(night=NIGHT, free_at=CLOSES), 1, CLOSES - SECOND, 8000)[1] is Stop.CLOSED
    assert grant(Flow(night=NIGHT, limit_bytes=5, spent_bytes=5), 1, OPENS, None)[1] is Stop.LIMIT


def test_the_morning_counts_what_is_here_and_the_rest_by_its_reason() -> None:
    found = tally([("ready", 10, ""), ("waiting", 0, "time"), ("failed", 0, "origin-404"), ("queued", 0, "")])
    assert (found.here, found.here_bytes) == (1, 10)
    assert found.missing == {"time": 1, "origin-404": 1, "queued": 1}
