"""The benches' own arithmetic."""

from __future__ import annotations

import json

import pytest

from bench.figures import WRK_MARK, growth_each, load_of, paired_ratio, percentile, ratio, shown, verdict


def wrk_said(**changes: int) -> str:
    said = {"requests": 3000, "duration_us": 2_000_000, "p50_us": 900, "p95_us": 2100, "p99_us": 4000, "errors": 2}
    return "Running 2s test\n" + WRK_MARK + json.dumps({**said, **changes}) + "\n"


def test_what_wrk_printed_becomes_requests_a_second_and_milliseconds() -> None:
    load = load_of(wrk_said())
    assert (load.requests, load.requests_per_s, load.errors) == (3000, 1500, 2)
    assert (load.p50_ms, load.p95_ms, load.p99_ms) == (0.9, 2.1, 4.0)


def test_wrk_without_figures_is_an_error() -> None:
    with pytest.raises(ValueError, match="no figures"):
        load_of("unable to connect to 127.0.0.1:1")


def test_a_run_of_no_length_has_no_speed() -> None:
    assert load_of(wrk_said(duration_us=0)).requests_per_s == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.0, 1), (1.0, 10), (0.11, 2)])
def test_a_percentile_is_the_nearest_rank(share: float, expected: int) -> None:
    assert percentile(range(10, 0, -1), share) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_paired_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The machine was half as fast in the second round: for both.
    assert paired_ratio([70, 35, 60], [100, 50, 100]) == 0.7


def test_a_round_in_which_the_other_did_nothing_is_left_out() -> None:
    assert paired_ratio([70, 35], [100, 0]) == 0.7
    assert paired_ratio([1], [0]) is None


def test_rounds_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_ratio([1, 2], [1])


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio(3, 0) is None
    assert ratio(3, 4) == 0.75


def test_growth_is_the_peak_less_the_start_shared_among_clients() -> None:
    assert growth_each(100, [110, 180, 120], 4) == 20
    assert growth_each(100, [90, 80], 4) == 0


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "said"),
    [
        (0.6, 0.6, False, "reached"),
        (0.61, 0.6, False, "missed"),
        (0.7, 0.7, True, "reached"),
        (0.69, 0.7, True, "missed"),
        (None, 0.7, True, "-"),
    ],
)
def test_a_target_is_reached_at_its_limit(value: float | None, limit: float, at_least: bool, said: str) -> None:
    assert verdict(value, limit, at_least=at_least) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.36549, "0.365"), (12345.6, "12,346"), (13.84, "13.8"), (0, "0"), (None, "-"), ("relay", "relay")],
)
def test_figures_are_shown_with_three_digits(value: object, said: str) -> None:
    assert shown(value) == said
