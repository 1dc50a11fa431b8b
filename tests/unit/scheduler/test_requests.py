"""The table of a request's states."""

from __future__ import annotations

import pytest

from scheduler.requests import MOVES, OPEN, RequestState, after_restart, may_move


@pytest.mark.parametrize("state", [state for state in RequestState if state not in OPEN])
def test_what_is_over_stays_over(state: RequestState) -> None:
    assert not any(may_move(state, after) for after in RequestState)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_whatever_is_open_can_end_in_every_way(state: RequestState) -> None:
    ends = {RequestState.READY, RequestState.FAILED, RequestState.CANCELLED, RequestState.EXPIRED}
    assert ends <= MOVES[state]


def test_what_was_under_way_when_the_process_died_waits_again() -> None:
    assert after_restart(RequestState.FETCHING) is RequestState.WAITING
    assert after_restart(RequestState.MAKING) is RequestState.WAITING
    assert after_restart(RequestState.QUEUED) is RequestState.QUEUED
    assert after_restart(RequestState.READY) is RequestState.READY


def test_every_state_has_its_row() -> None:
    assert set(MOVES) == set(RequestState)
