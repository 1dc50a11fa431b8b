"""Who used what, until it is saved."""

from __future__ import annotations

from proxy.cache.use_notes import UseNotes, learner_mark


def test_what_was_taken_is_noted_no_more() -> None:
    notes = UseNotes[str, float]()
    notes.note("a", 1.0)
    notes.note("a", 2.0)
    notes.note_learner("a", "anna")
    assert notes.use_of("a") == 2.0
    assert notes.taken() == ({"a": 2.0}, {("a", learner_mark("a", "anna"))})
    assert notes.taken() == ({}, set())
    assert notes.use_of("a") is None


def test_nobody_is_not_a_learner() -> None:
    notes = UseNotes[int, float]()
    notes.note_learner(1, "")
    assert notes.taken() == ({}, set())


def test_more_than_fits_is_forgotten_and_what_is_noted_goes_on_being() -> None:
    notes = UseNotes[int, int]()
    for key in range(5000):
        notes.note(key, 1)
        notes.note_learner(key, "anna")
    notes.note(0, 2)
    uses, marks = notes.taken()
    assert len(uses) == len(marks) == 2000
    assert uses[0] == 2


def test_a_mark_tells_two_learners_of_one_thing_apart_and_joins_no_two_things_of_one() -> None:
    marks = {learner_mark(key, learner) for key in ("a", "b", 1) for learner in ("anna", "boris")}
    assert len(marks) == 6
    assert learner_mark("a", "anna") == learner_mark("a", "anna")
