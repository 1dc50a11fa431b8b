"""Scalars stay what was written; every value knows its place."""

from __future__ import annotations

import pytest

from policies.faults import FaultList
from policies.yaml_marks import FileName, MarkedList, MarkedMap, mark_at, read_marked

FILE = FileName(shown="regions.yaml", short="regions.yaml")


def read(text: str | bytes) -> MarkedMap:
    faults = FaultList()
    found = read_marked(text if isinstance(text, bytes) else text.encode(), FILE, faults)
    assert not faults, [str(fault) for fault in faults]
    assert found is not None
    return found


def faults_of(text: str | bytes) -> list[str]:
    faults = FaultList()
    read_marked(text if isinstance(text, bytes) else text.encode(), FILE, faults)
    return [str(fault) for fault in faults]


@pytest.mark.parametrize(
    "written", ["20:00", "8:30", "NO", "010", "0x1F", "1e3", "2026-11-23", "yes", "on", "1_000", ".5", "-1", "12:30:45"]
)
def test_a_scalar_stays_the_text_that_was_written(written: str) -> None:
    assert read(f"key: {written}")["key"] == written


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_nothing_is_nothing(written: str) -> None:
    assert read(f"key: {written}")["key"] is None


@pytest.mark.parametrize("written", ["''", "'~'", '"null"'])
def test_a_quoted_nothing_is_a_text(written: str) -> None:
    assert read(f"key: {written}")["key"] == written.strip("'\"")


def test_a_region_called_no_keeps_its_name() -> None:
    assert list(read("regions: {NO: {}, on: {}, 7: {}}")["regions"]) == ["NO", "on", "7"]


def test_marks_count_from_one_and_carry_the_dotted_key() -> None:
    root = read("regions:\n  koryak:\n    free:\n      - {from: 23:00, to: 07:00}\n")
    mark = mark_at(root, ("regions", "koryak", "free", 0, "to"))
    assert (mark.line, mark.column, mark.key) == (4, 27, "regions.koryak.free[0].to")
    assert mark.source == "regions.yaml:4"
    assert mark_at(root, ("regions", "koryak"), of_key=True).column == 3


def test_a_path_that_goes_too_deep_has_the_mark_of_its_deepest_written_part() -> None:
    root = read("a:\n  b: word\n")
    assert mark_at(root, ("a", "b", "c", "d")).line == 2


def test_a_single_value_may_stand_for_a_list_of_one() -> None:
    root = read("free: {from: 25:00}")
    assert mark_at(root, ("free", 0, "from")).column == 14


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert list(read(b"\xef\xbb\xbfregions: {}")) == ["regions"]


def test_windows_line_ends_are_read() -> None:
    assert read("a: 1\r\nb: 2\r\n") == {"a": "1", "b": "2"}


def test_an_anchor_is_repeated_where_it_is_named() -> None:
    root = read("x: &centre {phone: 1}\na: *centre\n")
    assert root["a"] == {"phone": "1"}
    assert mark_at(root, ("a", "phone")).key == "a.phone"


def test_a_merge_key_gives_way_to_what_is_written() -> None:
    root = read("x: &base {a: 1, b: 2}\ny: {<<: *base, b: 3}\nz:\n  <<: [*base, {c: 4}]\n")
    assert root["y"] == {"b": "3", "a": "1"}
    assert root["z"] == {"a": "1", "b": "2", "c": "4"}


def test_a_quoted_merge_sign_is_a_plain_key() -> None:
    assert read("'<<': 1") == {"<<": "1"}


def test_a_key_written_twice_is_refused_and_says_where_it_stood_first() -> None:
    assert faults_of("a: 1\nb: 2\na: 3\n") == ["regions.yaml:3:1: a: written twice (first in line 1); keep one of them"]


def test_aliases_that_multiply_without_end_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert any("too deep or too long" in fault for fault in faults_of("\n".join(lines)))


def test_deep_nesting_is_refused() -> None:
    assert any("too deep" in fault for fault in faults_of("a: " + "[" * 60 + "]" * 60))


def test_a_mapping_as_a_key_is_refused() -> None:
    assert faults_of("? {a: 1}\n: 2\n") == ["regions.yaml:1:3: a key must be a word; put the text in quotes"]


def test_lists_keep_the_marks_of_their_items() -> None:
    found = read("a:\n  - 1\n  - 2\n")["a"]
    assert isinstance(found, MarkedList)
    assert [mark.line for mark in found.marks] == [2, 3]


def test_the_place_of_a_bad_byte_is_named() -> None:
    fault = faults_of("a: 1\nимя: ".encode() + b"\xcf\xf0\xe8\xe2\xe5\xf2\n")
    assert fault[0].startswith("regions.yaml:2:6: the file is not UTF-8")
