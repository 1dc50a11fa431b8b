"""The script for what learners send, as it is put together."""

import re
from pathlib import Path

import brotli
import pytest

import proxy.pages
from proxy.pages.phrases import LANGUAGES, phrases
from proxy.pages.static import static_file, static_href
from proxy.pages.uploads_script import PARTS

FOLDER = Path(proxy.pages.__file__).parent / "static"


def script(language: str) -> str:
    found = static_file(f"uploads.{language}.js")
    assert found is not None
    assert found[1].startswith("text/javascript")
    return found[0].decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_small_on_the_wire(language: str) -> None:
    assert len(brotli.compress(script(language).encode())) <= 7_500


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_that_it_says_is_there_and_each_is_said(language: str) -> None:
    code = "".join((FOLDER / part).read_text("utf-8") for part in PARTS)
    said = set(re.findall(r"\bsays\.(\w+)", code)) - {"lang", "css", "mb", "kb"}
    known = {key.removeprefix("uploads.") for key in phrases(language).texts if key.startswith("uploads.")}
    assert said == known


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_has_no_comments_and_names_its_style_sheet_by_its_content(language: str) -> None:
    text = script(language)
    assert not re.search(r"^\s*//", text, re.MULTILINE)
    assert static_href("uploads.css") in text
