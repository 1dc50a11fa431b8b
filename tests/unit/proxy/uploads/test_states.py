from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.uploads.states import TABLE, Event, State, after, answered, may_send

EVENTS = [event for event in Event if event is not Event.SENT]


@pytest.mark.parametrize(("state", "event"), [*product(State, Event)])
def test_every_state_says_of_every_event_what_follows_or_that_it_cannot_happen(state: State, event: Event) -> None:
    assert after(state, event) in (*State, None)


def test_an_accepted_upload_is_never_sent_again() -> None:
    assert set(TABLE[State.ACCEPTED]) == {Event.RESTARTED}


def test_a_restart_in_mid_sending_leaves_a_question_and_nothing_else_changes() -> None:
    assert after(State.SENDING, Event.RESTARTED) is State.IN_DOUBT
    assert all(after(state, Event.RESTARTED) is state for state in State if state is not State.SENDING)


def test_only_the_origins_own_answer_accepts() -> None:
    into = {(state, event) for state in State for event, then in TABLE[state].items() if then is State.ACCEPTED}
    assert into - {(State.ACCEPTED, Event.RESTARTED)} == {(State.SENDING, Event.TAKEN)}


@pytest.mark.parametrize(
    ("status", "event"),
    [
        *((200, Event.TAKEN), (303, Event.TAKEN), (403, Event.TURNED_DOWN), (413, Event.TURNED_DOWN)),
        *((500, Event.TURNED_DOWN), (503, Event.TURNED_DOWN), (502, Event.LOST), (504, Event.LOST)),
    ],
)
def test_a_gateways_word_for_its_origin_is_no_answer(status: int, event: Event) -> None:
    assert answered(status) is event


@given(st.lists(st.one_of(st.sampled_from(EVENTS), st.integers(1, 6)), max_size=40))
def test_no_attempt_begins_twice_and_none_after_it_was_accepted(story: list[Event | int]) -> None:
    """Numbers are requests to send, as often and as late as a broken link repeats them."""
    state, attempts = State.READY, 0
    begun: list[int] = []
    for step in story:
        if isinstance(step, int):
            if may_send(state, attempts, step):
                assert state is not State.ACCEPTED and state is not State.SENDING
                state, attempts = State.SENDING, attempts + 1
                begun.append(step)
        else:
            state = after(state, step) or state
    assert begun == list(range(1, len(begun) + 1))
