"""The reference pages are what the code's tables say, and their links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from policies.explain import codes
from policies.schema.files import json_schema
from proxy.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("command-line.md", "policy-language.md", "reasons.md", "capabilities.md")


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "tools" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = tool()


def test_the_pages_are_current() -> None:
    assert MADE.stale() == (), "run .venv/bin/python tools/make_reference.py"


def test_a_page_that_was_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    for name, text in MADE.pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert MADE.stale(tmp_path) == ()
    (tmp_path / "reasons.md").write_text("mine", encoding="utf-8")
    assert MADE.stale(tmp_path) == ("reasons.md",)


@pytest.mark.parametrize("name", PAGES)
def test_links_within_a_page_lead_somewhere(name: str) -> None:
    text = MADE.pages()[name]
    headings = {re.sub(r"[^\w -]", "", line[3:].lower()).replace(" ", "-") for line in re.findall(r"## .+", text)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_every_command_argument_code_and_key_is_told() -> None:
    pages = MADE.pages()
    for command in COMMANDS:
        assert f"## tropa {command.name}\n" in pages["command-line.md"]
        for argument in command.arguments:
            assert argument.names[-1] in pages["command-line.md"]
    for code in codes():
        assert f"| `{code}` |" in pages["reasons.md"]
    for definition in json_schema()["$defs"].values():
        for key in definition.get("properties", {}):
            assert f"`{key}`" in pages["policy-language.md"], key


def test_rows_have_as_many_cells_as_their_heading() -> None:
    for name, text in MADE.pages().items():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(widths) == 1, (name, table.splitlines()[0])
