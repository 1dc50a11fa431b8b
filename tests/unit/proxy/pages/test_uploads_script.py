"""The scripts for what learners send, as they are put together."""

import re

import brotli
import pytest

from proxy.pages.phrases import LANGUAGES, phrases
from proxy.pages.static import static_file, static_href
from proxy.pages.uploads_script import PARTS, script_name, source

# What they may weigh on the wire: the first comes with every page where a file can be chosen.
MOST_BYTES = {"": 3_300, "panel": 1_200, "pieces": 4_000, "smaller": 2_500, "recordings": 4_000}


def script(part: str, language: str) -> str:
    found = static_file(script_name(part, language))
    assert found is not None
    assert found[1].startswith("text/javascript")
    return found[0].decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", MOST_BYTES)
def test_each_is_small_on_the_wire(part: str, language: str) -> None:
    assert len(brotli.compress(script(part, language).encode())) <= MOST_BYTES[part]


def test_every_part_has_a_limit() -> None:
    assert set(MOST_BYTES) == {"", *PARTS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_that_they_say_is_there_and_each_is_said(language: str) -> None:
    code = "".join(source(part) for part in MOST_BYTES)
    known = {key.removeprefix("uploads.") for key in phrases(language).texts if key.startswith("uploads.")}
    said = set(re.findall(r"\bsays\.(\w+)", code)) - {"lang", "css", "mb", "kb", "parts"}
    begun = tuple(re.findall(r"\bsays\[\"(\w+)\" \+", code))
    assert said <= known
    assert {name for name in known - said if not name.startswith(begun)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", MOST_BYTES)
def test_none_has_comments_and_each_has_its_own_sentences(part: str, language: str) -> None:
    text = script(part, language)
    assert not re.search(r"^\s*//", text, re.MULTILINE)
    for name in re.findall(r"\bsays\.(\w+)", text):
        assert f'"{name}":' in text, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_names_the_others_by_their_content(language: str) -> None:
    for part in PARTS:
        assert static_href(script_name(part, language)) in script("", language)
    assert static_href("uploads.css") in script("panel", language)
