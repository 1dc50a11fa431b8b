"""What may become of a message in the outbox, as a table.

Laws of this file: pure; a move that isn't in the table raises; what was being sent when the process died is never sent
again by itself, it is looked for; `done` and `cancelled` are the end.

    accepted ──▶ sending ──▶ done
       ▲  ▲        │ │ └───▶ failed ──▶ accepted (tried again) │ cancelled
       │  └────────┘ └─────▶ unconfirmed ──▶ done │ question
       └── question ──▶ done │ cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a message is.

    ACCEPTED     kept; nothing of it has left
    SENDING      on its way: written down before the first byte leaves
    UNCONFIRMED  it may have arrived; nobody has looked yet
    DONE         the origin took it, or it was found there
    FAILED       the origin said no; her text is as she wrote it
    QUESTION     only she can decide: look, send again, or leave it
    CANCELLED    she took it back
    """

    ACCEPTED = "accepted"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    DONE = "done"
    FAILED = "failed"
    QUESTION = "question"
    CANCELLED = "cancelled"


ALLOWED: Mapping[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.SENDING, State.QUESTION, State.FAILED, State.CANCELLED}),
    # Back to accepted only where it is proven that nothing of it left, or that the origin took nothing without a login.
    State.SENDING: frozenset({State.DONE, State.FAILED, State.UNCONFIRMED, State.ACCEPTED}),
    State.UNCONFIRMED: frozenset({State.DONE, State.QUESTION}),
    State.QUESTION: frozenset({State.ACCEPTED, State.DONE, State.CANCELLED}),
    State.FAILED: frozenset({State.ACCEPTED, State.CANCELLED}),
    State.DONE: frozenset(),
    State.CANCELLED: frozenset(),
}

OPEN = frozenset({State.ACCEPTED, State.SENDING, State.UNCONFIRMED})  # something is still to be done by itself
OVER = frozenset({State.DONE, State.CANCELLED})


class WrongMove(Exception):
    """A move that the table doesn't have: a programmer's mistake, or two who decide at once."""


def checked(now: State, then: State) -> State:
    """`then`, if it may follow. Raises WrongMove."""
    if then not in ALLOWED[now]:
        raise WrongMove(f"{now} can't become {then}")
    return then


def after_restart(state: State) -> State:
    """What a message found in this state at the start is: nobody knows how far a sending came."""
    return State.UNCONFIRMED if state is State.SENDING else state
