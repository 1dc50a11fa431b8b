"""What becomes of content is told in Russian for every ready-made policy; the policy's own words stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies import words
from policies.load import read_catalogue
from policies.phrasebook import Phrasebook
from policies.words_ru import treatment_in_russian

REGIONS = Path(__file__).parents[3] / "regions.yaml"
POLICIES = read_catalogue(REGIONS).policies


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_ready_made_policy_is_told_in_russian(name: str) -> None:
    rules = POLICIES[name].classes.values()
    for kind, told in {pair for rule in rules for pair in words.plain(rule.treatments).items()}:
        russian = treatment_in_russian(told)
        glue = re.search(r"\b(at most|also|offered|without|above|quality|light copies|sizes|nothing)\b", russian)
        assert glue is None, (kind, russian)
        assert re.findall(r"\d+", russian) == re.findall(r"\d+", told)


def test_the_policys_own_words_stay() -> None:
    assert treatment_in_russian("adapt as sound, at most 110 kbit/s") == "adapt as sound, не больше 110 kbit/s"


def test_a_part_that_somebody_wrote_is_never_taken_for_a_sentence() -> None:
    book = Phrasebook(
        {"unknown key {}": "неизвестный ключ {}", "add {}": "добавьте {}", "x: {!}": "у: {!}"}, {"a list": "список"}
    )
    assert book.told("unknown key add hosts") == "неизвестный ключ add hosts"
    assert book.told("unknown key a list") == "неизвестный ключ список"
    assert book.told("x: add hosts") == "у: добавьте hosts"
    assert book.told("something else") == "something else"
