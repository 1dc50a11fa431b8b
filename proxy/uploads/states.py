"""What may become of an upload, as a table.

Laws of this file: pure; whatever isn't in the table can't happen. Only the origin's own answer makes an upload accepted
or refused. Once a form may have reached the origin and nobody knows what it said, the upload is in doubt, and only the
learner's own word sends it again: never twice by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    RECEIVING = "receiving"  # some of its bytes are here
    READY = "ready"  # all are, and the origin has none
    SENDING = "sending"  # the form is on its way to the origin
    ACCEPTED = "accepted"  # the origin said so
    REFUSED = "refused"  # the origin said no; the bytes stay
    IN_DOUBT = "in-doubt"  # the origin may have the form; its answer was lost


class Event(StrEnum):
    COMPLETED = "completed"  # the last byte is here
    SENT = "sent"  # the learner's form asked for it
    TAKEN = "taken"  # the origin answered below 400
    TURNED_DOWN = "turned-down"  # the origin answered that it didn't take it
    NOT_SENT = "not-sent"  # the origin can't have had all of it
    LOST = "lost"  # it can, and there is no answer to believe
    RESTARTED = "restarted"  # the process ended meanwhile


TABLE: Mapping[State, Mapping[Event, State]] = {
    State.RECEIVING: {Event.COMPLETED: State.READY, Event.RESTARTED: State.RECEIVING},
    State.READY: {Event.SENT: State.SENDING, Event.RESTARTED: State.READY},
    State.SENDING: {
        Event.TAKEN: State.ACCEPTED,
        Event.TURNED_DOWN: State.REFUSED,
        Event.NOT_SENT: State.READY,
        Event.LOST: State.IN_DOUBT,
        Event.RESTARTED: State.IN_DOUBT,
    },
    State.REFUSED: {Event.SENT: State.SENDING, Event.RESTARTED: State.REFUSED},
    State.IN_DOUBT: {Event.SENT: State.SENDING, Event.RESTARTED: State.IN_DOUBT},
    State.ACCEPTED: {Event.RESTARTED: State.ACCEPTED},
}

ANSWERED = frozenset({State.ACCEPTED, State.REFUSED})
_IN_DOUBT_STATUSES = frozenset({502, 504})  # a gateway's word: what stands behind it may have taken the form


def after(state: State, event: Event) -> State | None:
    """The state that follows; None where this can't happen."""
    return TABLE[state].get(event)


def may_send(state: State, attempts: int, attempt: int) -> bool:
    """Whether the attempt of that number begins now.

    attempts  how many began so far. A form that is asked for again under its old number is the same attempt: a learner
              whose link broke asks what became of it.
    """
    return attempt == attempts + 1 and after(state, Event.SENT) is not None


def answered(status: int) -> Event:
    """What the origin's answer means."""
    if status in _IN_DOUBT_STATUSES:
        return Event.LOST
    return Event.TAKEN if status < 400 else Event.TURNED_DOWN
