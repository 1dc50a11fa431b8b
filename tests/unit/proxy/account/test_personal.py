"""All holders as one: asked in turn, and none keeps the others from answering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.account.personal import Holding, PersonalData


@dataclass
class Book:
    """A holder with something under each learner's name."""

    name: str
    held: dict[str, list[str]] = field(default_factory=dict)

    async def export(self, learner: str) -> Mapping[str, Any]:
        return {"things": self.held[learner]} if learner in self.held else {}

    async def erase(self, learner: str) -> int:
        return len(self.held.pop(learner, []))


async def _settled() -> None:
    return None


async def _broken(learner: str) -> Any:
    raise OSError("the disk is gone")


async def test_an_export_names_each_holder_that_has_something_and_no_other() -> None:
    data = PersonalData((Book("films", {"anna": ["a", "b"]}), Book("notes", {"boris": ["c"]})), _settled)
    assert await data.export("anna") == {"films": {"things": ["a", "b"]}}
    assert await data.export("nobody") == {}


async def test_erasing_leaves_the_other_learner_and_is_harmless_twice() -> None:
    films = Book("films", {"anna": ["a", "b"], "boris": ["c"]})
    data = PersonalData((films,), _settled)
    assert (await data.erase("anna")).counts == {"films": 2}
    assert (await data.erase("anna")).total == 0
    assert films.held == {"boris": ["c"]}


async def test_a_holder_that_fails_is_named_and_the_others_answer() -> None:
    films = Book("films", {"anna": ["a"]})
    data = PersonalData((Holding("broken", _broken, _broken), films), _settled)
    assert await data.export("anna") == {"films": {"things": ["a"]}, "unanswered": ["broken"]}
    erased = await data.erase("anna")
    assert (erased.counts, erased.failed) == ({"films": 1}, ("broken",))


async def test_a_holder_may_be_left_out() -> None:
    films, notes = Book("films", {"anna": ["a"]}), Book("notes", {"anna": ["n"]})
    await PersonalData((films, notes), _settled).erase("anna", but=frozenset({"notes"}))
    assert (films.held, notes.held) == ({}, {"anna": ["n"]})


def test_two_holders_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="films"):
        PersonalData((Book("films"), Book("films")), _settled)
