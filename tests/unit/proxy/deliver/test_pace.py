"""Rates: bursts pass, what lasts is slowed, learners don't slow each other."""

from __future__ import annotations

import pytest

from proxy.deliver.pace import Pacer

RATE_BPS = 64_000  # 8 kB a second


def test_a_seconds_worth_goes_at_once() -> None:
    assert Pacer().delay_s("a", 8000, RATE_BPS, 100.0) == 0


def test_what_lasts_is_slowed_to_the_rate() -> None:
    pacer, now_s, sent = Pacer(), 100.0, 0
    while sent < 80_000:
        sent += 1000
        now_s += pacer.delay_s("a", 1000, RATE_BPS, now_s)
    assert now_s - 100.0 == pytest.approx(9.0)  # ten seconds' worth, the first of them at once


def test_all_exchanges_of_a_learner_share_one_rate_and_others_have_their_own() -> None:
    pacer = Pacer()
    pacer.delay_s("a", 8000, RATE_BPS, 100.0)
    assert pacer.delay_s("a", 8000, RATE_BPS, 100.0) == pytest.approx(1.0)
    assert pacer.delay_s("b", 8000, RATE_BPS, 100.0) == 0


def test_time_that_was_not_used_is_not_saved_up() -> None:
    pacer = Pacer()
    pacer.delay_s("a", 8000, RATE_BPS, 100.0)
    assert pacer.delay_s("a", 16_000, RATE_BPS, 4000.0) == pytest.approx(1.0)


def test_a_rate_that_changes_holds_from_then_on() -> None:
    pacer = Pacer()
    pacer.delay_s("a", 8000, RATE_BPS, 100.0)
    assert pacer.delay_s("a", 8000, RATE_BPS * 2, 100.0) == pytest.approx(0.5)


def test_who_has_not_been_seen_longest_is_forgotten_first() -> None:
    pacer = Pacer(max_keys=2)
    for key in ("a", "b", "a", "c"):
        pacer.delay_s(key, 16_000, RATE_BPS, 100.0)
    assert pacer.delay_s("a", 0, RATE_BPS, 100.0) > 0
    assert pacer.delay_s("b", 0, RATE_BPS, 100.0) == 0
