"""Requests for the free hours: their states as a table, and the only moves between them.

Laws of this file: pure; a state that is over stays as it is; a move that the table doesn't know isn't made.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RequestState(StrEnum):
    """How far a request for the free hours is."""

    QUEUED = "queued"  # written down; its turn hasn't come
    WAITING = "waiting"  # for the free hours to begin, or to come again
    FETCHING = "fetching"
    MAKING = "making"  # the lighter version of what was fetched
    READY = "ready"
    FAILED = "failed"  # it can't be had; its reason says why
    CANCELLED = "cancelled"  # by its learner
    EXPIRED = "expired"  # it waited too long


_Q, _W, _F, _M = RequestState.QUEUED, RequestState.WAITING, RequestState.FETCHING, RequestState.MAKING
_ENDS = frozenset((RequestState.READY, RequestState.FAILED, RequestState.CANCELLED, RequestState.EXPIRED))

MOVES: Mapping[RequestState, frozenset[RequestState]] = {
    _Q: _ENDS | {_W, _F, _M},
    _W: _ENDS | {_Q, _F, _M},
    _F: _ENDS | {_Q, _W, _M},  # back to waiting: the window ended, the link broke, the process was stopped
    _M: _ENDS | {_Q, _W, _F},  # back to fetching: what it is made of had gone meanwhile
    RequestState.READY: frozenset(),
    RequestState.FAILED: frozenset(),
    RequestState.CANCELLED: frozenset(),
    RequestState.EXPIRED: frozenset(),
}
"""State -> the states that may follow. A state may always be told again (with another reason) while it is open."""

OPEN = frozenset(state for state, after in MOVES.items() if after)


def may_move(before: RequestState, after: RequestState) -> bool:
    """Whether a request in `before` may come into `after`."""
    return after in MOVES[before] or (before is after and before in OPEN)


def after_restart(state: RequestState) -> RequestState:
    """Where a request stands when the process that worked on it is gone: nothing is under way any more."""
    return RequestState.WAITING if state in (_F, _M) else state
