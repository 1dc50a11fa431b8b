"""Balances: scopes, periods, reservations, corrections, restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policies.model import After, Period, Territory
from policies.values import Scope
from proxy.account.allowances import Allowances
from proxy.account.state import AddUse, Claim, DropClaim, UseKey
from tests.builders import a_tariff, a_territory, a_window, an_allowance, windows_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # 15:00 in Moscow: the day's renewal was at 21:00 UTC
NIGHT = datetime(2026, 3, 2, 20, 30, tzinfo=UTC)  # 23:30 in Moscow: the free window is open
RENEWED = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def a_place(*allowances: object, site: str | None = "tigil", **tariff: object) -> Territory:
    return a_territory("koryak", site, tariff=a_tariff(allowances=tuple(allowances), **tariff))  # type: ignore[arg-type]


LEARNERS = an_allowance(1000, scope=Scope.LEARNER)
SITES = an_allowance(5000, scope=Scope.SITE)
REGIONS = an_allowance(9000, scope=Scope.REGION)


def used(allowances: Allowances, place: Territory, learner: str, now: datetime = NOON) -> list[int]:
    return [use.used_bytes for use in allowances.usage(place, learner, now).allowances]


def test_each_scope_counts_its_own_holder() -> None:
    counting, place, other = (
        Allowances("r"),
        a_place(LEARNERS, SITES, REGIONS),
        a_place(LEARNERS, SITES, REGIONS, site="x"),
    )
    counting.count(place, "olga", 100, NOON)
    counting.count(place, "ivan", 10, NOON)
    counting.count(other, "olga", 1, NOON)
    assert used(counting, place, "olga") == [101, 110, 111]
    assert used(counting, place, "ivan") == [10, 110, 111]
    assert used(counting, other, "anna") == [0, 1, 111]


def test_usage_says_the_amount_and_the_next_renewal_by_the_operators_clock() -> None:
    (use,) = Allowances("r").usage(a_place(LEARNERS), "olga", NOON).allowances
    assert (use.scope, use.amount_bytes, use.renews_at) == (Scope.LEARNER, 1000, RENEWED)


def test_a_territory_without_allowances_has_no_usage() -> None:
    assert Allowances("r").usage(a_place(), "olga", NOON).allowances == ()


def test_a_renewal_begins_at_its_first_instant() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, free=windows_of())
    counting.count(place, "olga", 100, RENEWED - timedelta(microseconds=1))
    assert used(counting, place, "olga", RENEWED - timedelta(microseconds=1)) == [100]
    assert used(counting, place, "olga", RENEWED) == [0]


def test_a_day_and_a_month_count_the_same_bytes_apart() -> None:
    month = an_allowance(10_000, scope=Scope.LEARNER, period=Period.MONTH)
    counting, place = Allowances("r"), a_place(LEARNERS, month, free=windows_of())
    counting.count(place, "olga", 100, NOON)
    assert used(counting, place, "olga", RENEWED) == [0, 100]


def test_bytes_of_a_free_window_count_only_where_the_allowance_says_so() -> None:
    greedy = an_allowance(5000, scope=Scope.SITE, counts_when_free=True)
    counting, place = Allowances("r"), a_place(LEARNERS, greedy)
    counting.count(place, "olga", 100, NIGHT)
    assert used(counting, place, "olga", NIGHT) == [0, 100]


def test_a_free_window_is_seen_at_its_first_second_and_over_at_its_last() -> None:
    place = a_place(LEARNERS, free=windows_of(a_window("18:00", "18:05")))
    counting, opens = Allowances("r"), datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    for at in (-1, 0, 299, 300):
        counting.count(place, "olga", 10 ** (at % 5), opens + timedelta(seconds=at))
    assert used(counting, place, "olga", opens + timedelta(minutes=10)) == [10**4 + 10**0]


def test_what_is_set_aside_counts_as_used_and_is_free_again_after_settling() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS)
    held = counting.reserve(place, "olga", 600, NOON)
    assert used(counting, place, "olga") == [600]
    assert counting.reserve(place, "olga", 600, NOON).short
    counting.settle(held, 50)
    counting.settle(held, 50)
    assert used(counting, place, "olga") == [50]


def test_nothing_is_set_aside_where_any_stopping_allowance_lacks_room() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, an_allowance(100, scope=Scope.SITE))
    assert counting.reserve(place, "olga", 101, NOON).short
    assert used(counting, place, "olga") == [0, 0]
    assert not counting.reserve(place, "olga", 100, NOON).short


def test_an_allowance_that_throttles_or_is_paid_on_never_lacks_room() -> None:
    for after in (After.THROTTLE, After.PAY):
        counting, place = Allowances("r"), a_place(replace(LEARNERS, after=after))
        assert not counting.reserve(place, "olga", 10**9, NOON).short
        assert counting.room(place, "olga", NOON) is None


def test_assessment_is_set_aside_even_without_room() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS)
    assert not counting.reserve(place, "olga", 10**6, NOON, forced=True).short
    assert used(counting, place, "olga") == [10**6]


def test_room_is_that_of_the_tightest() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, an_allowance(700, scope=Scope.SITE))
    counting.count(place, "ivan", 600, NOON)
    assert counting.room(place, "olga", NOON) == 100
    counting.count(place, "ivan", 600, NOON)
    assert counting.room(place, "olga", NOON) == 0


def test_a_correction_adds_takes_away_and_stops_at_nothing() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, REGIONS)
    counting.count(place, "olga", 100, NOON)
    assert counting.correct(place, Scope.REGION, "koryak", 50, NOON)
    assert used(counting, place, "olga") == [100, 150]
    assert counting.correct(place, Scope.REGION, "koryak", -500, NOON)
    assert used(counting, place, "olga") == [100, 0]
    assert not counting.correct(place, Scope.SITE, "koryak/tigil", 50, NOON)


def test_what_changed_is_told_once_with_its_sum() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS)
    counting.count(place, "olga", 100, NOON)
    counting.settle(counting.reserve(place, "olga", 500, NOON), 7)
    (change,) = counting.changes()
    assert isinstance(change, AddUse)
    assert (change.use.holder, change.nbytes) == ("olga", 107)
    assert counting.changes() == []


def test_a_restart_takes_over_what_was_kept_and_what_a_killed_process_had_drawn() -> None:
    place = a_place(LEARNERS)
    use = UseKey(scope=Scope.LEARNER, holder="olga", period=Period.DAY, start=RENEWED - timedelta(days=1))
    counting = Allowances("new")
    counting.load([AddUse(use=use, nbytes=100)], [Claim(id="old-1", uses=(use,), reserved_bytes=500, drawn_bytes=40)])
    assert used(counting, place, "olga") == [140]
    assert counting.changes() == [AddUse(use=use, nbytes=40), DropClaim("old-1")]


def test_open_draws_are_journalled_when_they_move_and_dropped_when_they_end() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS)
    held, idle = counting.reserve(place, "olga", 500, NOON), counting.reserve(place, "ivan", 500, NOON)
    held.drawn_bytes = 30
    (claim,) = counting.claims()
    assert (claim.id, claim.drawn_bytes, claim.uses[0].holder) == (held.id, 30, "olga")
    assert counting.claims() == []
    counting.settle(held, 60)
    counting.settle(idle, 0)
    assert [change for change in counting.changes() if isinstance(change, DropClaim)] == [DropClaim(held.id)]


def test_a_sweep_forgets_past_periods_and_keeps_what_is_not_yet_saved() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS)
    counting.count(place, "olga", 100, NOON)
    later = RENEWED + timedelta(days=2)  # a clock that was wrong may come back until then
    counting.sweep(later)
    assert len(counting.changes()) == 1
    counting.sweep(later)
    assert counting.changes() == []
    assert not counting._balances


def test_who_is_forgotten_counts_anew_within_the_same_minute_and_nobody_else_does() -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, SITES)
    counting.count(place, "olga", 100, NOON)
    counting.count(place, "ivan", 30, NOON)
    assert counting.forget("olga") == 1
    assert used(counting, place, "olga") == [0, 130] and used(counting, place, "ivan") == [30, 130]
    counting.count(place, "olga", 7, NOON)
    assert used(counting, place, "olga") == [7, 137]
    assert {change.nbytes for change in counting.changes() if isinstance(change, AddUse)} == {7, 30, 137}


def test_a_new_catalogue_with_another_amount_keeps_what_was_used() -> None:
    counting = Allowances("r")
    counting.count(a_place(LEARNERS), "olga", 100, NOON)
    (use,) = counting.usage(a_place(replace(LEARNERS, amount_bytes=7)), "olga", NOON).allowances
    assert (use.used_bytes, use.amount_bytes) == (100, 7)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.integers(0, 400)), max_size=40))
def test_reserved_and_settled_bytes_never_leak(moves: list[tuple[int, int, int]]) -> None:
    counting, place = Allowances("r"), a_place(LEARNERS, SITES)
    open_ones, settled = [], 0
    for what, reserve, use in moves:
        if what == 0 and open_ones:
            held = open_ones.pop()
            counting.settle(held, use)
            settled += use
        else:
            held = counting.reserve(place, "olga", reserve, NOON)
            if not held.short:
                open_ones.append(held)
    assert used(counting, place, "olga") == [settled + sum(held.reserved_bytes for held in open_ones)] * 2
    for held in open_ones:
        counting.settle(held, 0)
    assert used(counting, place, "olga") == [settled] * 2
