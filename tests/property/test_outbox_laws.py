"""The table of states, by any walk through it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.outbox.form import Field, Form, read_form, words
from proxy.outbox.states import ALLOWED, OPEN, OVER, State, WrongMove, after_restart, checked
from tests.outbox_course import an_item

NOW = datetime(2026, 11, 24, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(lambda s: "%" not in s)


@given(st.lists(st.sampled_from(State), max_size=12))
def test_a_walk_stays_in_the_table_and_ends_at_its_ends(walk: list[State]) -> None:
    item = an_item("m", "слова")
    seen = [item.state]
    for state in walk:
        try:
            item = item.moved(state, NOW)
        except WrongMove:
            assert state not in ALLOWED[item.state]
        else:
            seen.append(state)
    assert all(then in ALLOWED[now] for now, then in pairwise(seen))
    assert not any(state in OVER for state in seen[:-1])


@given(st.sampled_from(State))
def test_what_may_have_left_is_never_simply_sent_again(state: State) -> None:
    """From a sending that a restart met, the way to another sending leads past the learner's own word."""
    if after_restart(state) is State.UNCONFIRMED:
        assert ALLOWED[State.UNCONFIRMED] == {State.DONE, State.QUESTION}
    assert after_restart(state) is state or state is State.SENDING
    assert State.SENDING not in ALLOWED[State.QUESTION] | ALLOWED[State.UNCONFIRMED]


def test_every_state_is_in_the_table_and_every_open_one_has_a_way_out() -> None:
    assert set(ALLOWED) == set(State)
    assert all(ALLOWED[state] for state in OPEN)
    assert all(checked(now, then) is then for now, allowed in ALLOWED.items() for then in allowed)


@given(st.lists(st.tuples(names, texts), min_size=1, max_size=8), st.booleans())
def test_a_form_written_again_reads_the_same(pairs: list[tuple[str, str]], multipart: bool) -> None:
    form = Form(fields=tuple(Field(name=name, value=value.encode()) for name, value in pairs), multipart=multipart)
    body, content_type = form.encoded()
    assert read_form(body, content_type) == form


@given(st.binary(max_size=4000), names)
def test_a_file_keeps_its_bytes(data: bytes, name: str) -> None:
    file = Field(name="f", value=data, filename=name.replace("\\", ""), content_type="image/jpeg")
    form = Form(fields=(file, Field(name="t", value=b"x")), multipart=True)
    body, content_type = form.encoded()
    assert read_form(body, content_type) == form


@given(st.binary(max_size=400), st.sampled_from(["multipart/form-data; boundary=x", "text/plain", "", "multipart/x"]))
def test_any_body_is_a_form_or_none(body: bytes, content_type: str) -> None:
    read_form(body, content_type)


@given(texts)
def test_words_are_the_same_whatever_the_gaps(text: str) -> None:
    assert words(words(text)) == words(text) or "&" in text or "<" in text
