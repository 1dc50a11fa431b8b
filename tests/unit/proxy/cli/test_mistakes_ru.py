"""What is said of a mistyped command is said in Russian too, with what was typed as it was typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.cli.mistakes_ru import told
from tests.unit.proxy.cli.commands import regions_file, tropa

MISTYPED = (
    ("nope",),
    ("explain",),
    ("explain", "foo", "--region", "koryak"),
    ("explain", "https://lms.example.org/", "--region", "koriak"),
    ("explain", "https://lms.example.org/", "--region", "koryak/x"),
    ("explain", "https://lms.example.org/", "--region", "koryak", "--at", "noon"),
    ("explain", "https://lms.example.org/", "--region", "koryak", "--mode", "revers"),
    ("explain", "https://lms.example.org/", "--region", "koryak", "--used", "abc"),
    ("why", "!!"),
    ("why", "K7Q-4M2", "--state", "nowhere"),
    ("report", "--since", "tomorrow"),
    ("report", "--by", "colour"),
    ("report", "--json", "--csv"),
    ("rollback", "--state", "nowhere"),
    ("rollback", "last"),
    ("override", "--region", "koryak", "--policy", "open", "--for", "48"),
    ("override", "--state", "nowhere"),
    ("bypass", "on"),
    ("bypass", "maybe"),
    ("learner", "export"),
    ("cache", "inspect", "--state", "nowhere"),
    ("history", "--state", "regions.yaml/state"),
    ("serve", "--state", "regions.yaml"),
    ("pac", "--region", "koryak", "--proxy", "foo"),
)


@pytest.mark.parametrize("words", MISTYPED, ids=" ".join)
def test_a_mistake_is_told_in_russian(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    regions_file(tmp_path)
    ran = tropa("--lang", "ru", *words)
    assert ran.code in (1, 2)
    said = re.sub(r"'[^']*'|\([^)]*\)|--[\w-]+", "", ran.err + ran.out)
    assert re.search("[а-яё]", said), said
    assert not re.search(r"\b(expected|got|say|give|write|there is|choose|shows|known)\b", said), said


def test_what_was_typed_stays_and_english_stays_english() -> None:
    assert told("there is no region 'nrth'; did you mean north?", "ru") == "нет региона 'nrth'; может быть, north?"
    assert (
        told("there is no region 'nrth'; did you mean north?", "en") == "there is no region 'nrth'; did you mean north?"
    )
    assert told("a sentence of tomorrow", "ru") == "a sentence of tomorrow"
