"""Every case file: a page, a spec, the page that comes out, what was counted; whole, and cut at every byte."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from policies.treatments import Action
from proxy.transforms.spec import HtmlSpec, PageChanges
from tests.unit.proxy.transforms.html.html_pages import SPECS, cut_everywhere, in_pieces

CASES = sorted((Path(__file__).parents[4] / "cases" / "html").glob("*.txt"))


def _read(path: Path) -> tuple[HtmlSpec, bytes, bytes, dict[str, Any]]:
    _, spec_part, page, out, changes = path.read_text(encoding="utf-8").split("\n===== ")
    _, kind, fields = spec_part.split(" ", 2)
    given = {name: _value(value) for name, value in json.loads(fields).items()}
    return (
        SPECS[kind](**given),
        page.removeprefix("input\n").encode(),
        out.removeprefix("output\n").encode(),
        json.loads(changes.removeprefix("changes\n")),
    )


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(value)
    return Action(value) if isinstance(value, str) else value


def _counted(changes: PageChanges) -> dict[str, Any]:
    """What was done; what the page still asks for is no change."""
    return {name: value for name, value in asdict(changes).items() if value and name != "shell_urls"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_page_comes_out_as_its_case_says(path: Path) -> None:
    html_spec, page, expected, changes = _read(path)
    out, counted = in_pieces([page], html_spec, prefix=page)
    assert out.decode() == expected.decode()
    assert _counted(counted) == changes


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_where_it_is_cut_changes_nothing(path: Path) -> None:
    html_spec, page, expected, changes = _read(path)
    for pieces in cut_everywhere(page):
        out, counted = in_pieces(pieces, html_spec, prefix=page)
        assert out == expected, pieces[0][-40:]
        assert _counted(counted) == changes


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_bytes_one_at_a_time_change_nothing(path: Path) -> None:
    html_spec, page, expected, _ = _read(path)
    assert in_pieces([page[at : at + 1] for at in range(len(page))], html_spec, prefix=page)[0] == expected


def test_there_are_cases() -> None:
    assert len(CASES) >= 38
