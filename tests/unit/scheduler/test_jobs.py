"""What is due is arithmetic on instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.jobs import Job, due, expired, next_expiry, next_run

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def nothing() -> None:
    """A job that does nothing."""


def a_job(name: str = "sweep", every: timedelta = 5 * MINUTE, **more: timedelta) -> Job:
    return Job(name=name, every=every, run=nothing, **more)


def test_the_first_turn_comes_after_the_start_not_after_a_whole_period() -> None:
    assert next_run(a_job(first=timedelta(seconds=10)), None, NOON) == NOON + timedelta(seconds=10)


def test_the_next_turn_is_a_period_after_the_last() -> None:
    assert next_run(a_job(), NOON, NOON + MINUTE) == NOON + 5 * MINUTE


def test_turns_missed_in_sleep_fall_together_into_the_latest() -> None:
    assert next_run(a_job(), NOON, NOON + 63 * MINUTE) == NOON + 60 * MINUTE


def test_a_turn_that_is_exactly_now_is_not_skipped() -> None:
    assert next_run(a_job(), NOON, NOON + 5 * MINUTE) == NOON + 5 * MINUTE


def test_jitter_only_delays() -> None:
    job = a_job(jitter=2 * MINUTE)
    assert next_run(job, NOON, NOON, spread=0.5) == NOON + 6 * MINUTE
    assert next_run(job, None, NOON, spread=0.5) == NOON + timedelta(seconds=10) + MINUTE


@given(
    every_s=st.integers(1, 100_000),
    jitter_s=st.integers(0, 1000),
    passed_s=st.integers(0, 10_000_000),
    spread=st.floats(0, 1, exclude_max=True),
)
def test_a_turn_always_moves_on_and_lags_less_than_a_period(
    every_s: int, jitter_s: int, passed_s: int, spread: float
) -> None:
    job = a_job(every=timedelta(seconds=every_s), jitter=timedelta(seconds=jitter_s))
    now = NOON + timedelta(seconds=passed_s)
    turn = next_run(job, NOON, now, spread=spread)
    assert turn > NOON
    assert now - turn < job.every


def test_what_never_ran_is_due_first_then_the_longest_overdue() -> None:
    jobs = [a_job("recent"), a_job("late"), a_job("later"), a_job("new")]
    last = {"recent": NOON - MINUTE, "late": NOON - 6 * MINUTE, "later": NOON - 9 * MINUTE}
    assert [job.name for job in due(jobs, last, NOON)] == ["new", "later", "late"]


def test_a_job_is_due_at_the_first_instant_of_its_turn() -> None:
    job = a_job()
    assert due([job], {"sweep": NOON}, NOON + 5 * MINUTE) == (job,)
    assert due([job], {"sweep": NOON}, NOON + 5 * MINUTE - timedelta(microseconds=1)) == ()


def test_what_ends_now_has_ended_and_what_has_no_end_never_does() -> None:
    ends = {"override": NOON, "bypass": NOON - MINUTE, "grant": NOON + MINUTE, "endless": None}
    assert expired(ends, NOON) == ("bypass", "override")
    assert next_expiry(ends.values(), NOON) == NOON + MINUTE
    assert next_expiry([None, NOON], NOON) is None


@pytest.mark.parametrize(
    "wrong", [{"every": timedelta(0)}, {"jitter": timedelta(seconds=-1)}, {"first": timedelta(seconds=-1)}]
)
def test_a_job_that_can_not_be_timed_is_refused_by_name(wrong: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError, match="sweep"):
        a_job(**wrong)
