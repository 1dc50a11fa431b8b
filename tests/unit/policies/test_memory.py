"""A bounded memory forgets what is oldest, and never more than an eighth of itself at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.memory import remember


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(1, 24))
def test_it_is_bounded_keeps_the_newest_and_says_what_was_put_in_last(keys: list[int], most: int) -> None:
    memory: dict[int, int] = {}
    for place, key in enumerate(keys):
        before = dict(memory)
        remember(memory, key, place, most)
        assert memory[key] == place
        assert len(memory) <= most
        gone = [old for old in before if old not in memory]
        assert len(gone) <= max(1, most // 8)
        assert gone == list(before)[: len(gone)], "the oldest go first"


def test_what_is_there_already_makes_nothing_else_go() -> None:
    memory = {number: number for number in range(8)}
    remember(memory, 0, 100, 8)
    assert memory == {0: 100, **{number: number for number in range(1, 8)}}
