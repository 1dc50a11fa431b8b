"""Every mistake in a configuration is shown with its place and cure; a case is a YAML file and the expected lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.faults import Fault, PolicyFaults, did_you_mean, nearest
from policies.faults_ru import in_russian
from policies.load import read_catalogue

TREE = Path(__file__).parents[3]
CASES = TREE / "tests" / "cases" / "policy_faults"


PRESET_LINE = re.compile(r"(policies/presets/\w+\.yaml):(\d+)")


def faults_of(path: Path) -> list[str]:
    try:
        read_catalogue(path)
    except PolicyFaults as faults:
        return [str(fault).replace(f"{path.parent}/", "") for fault in faults.faults]
    return []


def fault_lines(path: Path) -> list[str]:
    """As an operator reads them, but that a preset, which grows, is cited without the line."""
    return [PRESET_LINE.sub(r"\1:…", line) for line in faults_of(path)]


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_mistake_is_shown_with_its_place_and_cure(path: Path) -> None:
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    assert expected, "a case expects at least one fault"
    assert fault_lines(path) == expected


def test_a_preset_is_cited_by_the_line_of_the_rule_that_is_meant() -> None:
    cited = [PRESET_LINE.search(line) for line in faults_of(CASES / "outbox_of_an_assessment.yaml")]
    lines = [(TREE / found[1]).read_text(encoding="utf-8").splitlines()[int(found[2]) - 1] for found in cited if found]
    assert len(lines) == 2
    assert all("class: assessment" in line for line in lines)
    assert "/mod/quiz/" in lines[0], "the origin's path is this rule's"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_no_fault_is_told_without_its_cure(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "; " not in line] == []


def test_every_expectation_has_its_case() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == {path.stem for path in CASES.glob("*.yaml")}


def test_a_fault_reads_as_file_line_column_key_problem_cure() -> None:
    fault = Fault(file="regions.yaml", line=14, column=7, key="regions.a.to", problem="wrong", cure="write hours")
    assert str(fault) == "regions.yaml:14:7: regions.a.to: wrong; write hours"


def test_a_cure_names_the_nearest_or_lists_the_known() -> None:
    assert did_you_mean("satelite", ["satellite", "mobile"]) == "did you mean satellite?"
    assert did_you_mean("xyz", ["satellite", "mobile"]) == "write one of mobile, satellite"
    assert nearest("HONOUR", ["honour", "ignore"]) == "honour"
    assert nearest("zebra", ["honour", "ignore"]) is None


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_fault_is_told_in_russian_too(path: Path) -> None:
    with pytest.raises(PolicyFaults) as raised:
        read_catalogue(path)
    for fault in raised.value.faults:
        place, line = f"{fault.file}:{fault.line}:{fault.column}: ", fault.told("ru")
        assert line.startswith(place)
        for said in (in_russian(fault.problem), in_russian(fault.cure)):
            assert re.search("[а-яё]", said), f"{said!r} has no Russian"
            assert not re.search(r"\b(expected|got|write|add|the|is)\b", re.sub("'.*?'|\".*?\"", "", said)), said
        assert fault.told("en") == str(fault)


def test_what_was_written_stands_in_a_russian_fault_as_it_was_written() -> None:
    assert in_russian("expected a price like 0.40 RUB/MB, got 'write, got'") == (
        "ожидается: цена вида 0.40 RUB/MB, а написано: 'write, got'"
    )
    assert in_russian("unknown policy is missing") == "неизвестная политика is missing"
    assert in_russian("a sentence of tomorrow") == "a sentence of tomorrow"
