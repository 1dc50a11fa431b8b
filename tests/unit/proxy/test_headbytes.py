"""Heads as bytes: what goes out as it came, and what never gets onto a wire."""

from __future__ import annotations

import pytest

from proxy.headbytes import head_bytes


def test_fields_go_out_one_by_one_in_their_order() -> None:
    head = head_bytes("HTTP/1.1 200 OK", [("B", "1"), ("a", "2"), ("B", "3")])
    assert head == b"HTTP/1.1 200 OK\r\nB: 1\r\na: 2\r\nB: 3\r\n\r\n"


def test_a_head_without_fields_is_a_start_line_and_an_empty_one() -> None:
    assert head_bytes("GET / HTTP/1.1", []) == b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    "value", ["слово", "a\tb", "a\u00a0b", b"\xf1\xeb\xee\xe2\xee".decode("utf-8", "surrogateescape")]
)
def test_bytes_of_any_language_and_tabs_are_kept(value: str) -> None:
    head = head_bytes("HTTP/1.1 200 OK", [("X", value)])
    assert head == b"HTTP/1.1 200 OK\r\nX: " + value.encode("utf-8", "surrogateescape") + b"\r\n\r\n"


@pytest.mark.parametrize(
    "control", [*map(chr, range(9)), *map(chr, range(10, 32)), "\x7f", "\r\n", "\r\nSet-Cookie: a=b"]
)
def test_a_control_byte_anywhere_in_a_head_is_refused(control: str) -> None:
    for start, name, value in (
        (f"HTTP/1.1 200 O{control}K", "X", "y"),
        ("HTTP/1.1 200 OK", f"X{control}Y", "y"),
        ("HTTP/1.1 200 OK", "X", f"y{control}z"),
        ("HTTP/1.1 200 OK", "X", control),
    ):
        with pytest.raises(ValueError, match="control byte"):
            head_bytes(start, [(name, value)])
