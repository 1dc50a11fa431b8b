"""Texts that only an attacker writes: a lot of the worst of each grammar is read about as fast as any other.

Nothing is timed here: where reading took time in proportion to the square of the length, a test would go on for hours.
"""

from __future__ import annotations

import contextlib

import pytest

from proxy.transforms.critical import Sheet, Unreadable, names_in, read_sheet
from proxy.transforms.css import drop_font_faces
from proxy.transforms.html.images import parse_srcset
from proxy.transforms.ladder.dash import parsed, written
from proxy.transforms.ladder.hls_lines import attributes_of
from tests.unit.proxy.transforms.html.html_pages import metered, rewrite, text_first

LONG = 400_000
IN_A_TAG = 60_000  # a longer one passes unread


@pytest.mark.parametrize("unit", [",", ", ", "a(", "a (b)", "a b(c),", " ", "\\", "()"])
def test_a_srcset_is_read_once(unit: str) -> None:
    found = parse_srcset(unit * (LONG // len(unit)) + " good.png 2x")
    assert all(url for url, _, _ in found)


def test_a_srcset_is_read_as_browsers_read_it() -> None:
    read = parse_srcset(",a.png, b,c.png 2x,d.png 3w , e.png 1x (x,y)2x, f")
    assert [(url, descriptor) for url, descriptor, _ in read] == [
        ("a.png", ""),
        ("b,c.png", "2x"),
        ("d.png", "3w"),
        ("e.png", "1x (x,y)2x"),
        ("f", ""),
    ]


@pytest.mark.parametrize(
    "sheet",
    [
        b"url(" * (LONG // 4),
        b"a{url(" * (LONG // 6),
        b"(" * (LONG // 2) + b")" * (LONG // 2) + b"{}",
        b"[" * (LONG // 2) + b"]" * (LONG // 2) + b"{}",
        b"'\\" * (LONG // 2) + b"\n{}",
        b'a["]' * (LONG // 4) + b"{}",
        b"/*" * (LONG // 2),
        b"@font-face{" * (LONG // 11),
    ],
    ids=lambda sheet: repr(sheet[:8]),
)
def test_a_style_sheet_is_read_once(sheet: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(read_sheet(sheet, "http://lms.test/a/b.css"), Sheet)
    assert isinstance(drop_font_faces(sheet), bytes)


def test_brackets_within_brackets_are_left_to_the_browser() -> None:
    sheet = read_sheet(b"a:not(:is(b)){x:y}" + b"(" * 40 + b")" * 40 + b"{z:w}", "http://lms.test/s.css")
    assert sheet.critical(frozenset()) == b"(" * 40 + b")" * 40 + b"{z:w}"


@pytest.mark.parametrize("page", [b" id=", b" class" + b" " * 50, b"<a ", b' id="'])
def test_names_of_a_page_are_found_in_one_reading(page: bytes) -> None:
    assert isinstance(names_in(page * (LONG // len(page))), frozenset)


@pytest.mark.parametrize("unit", ["-", " ", "a=", 'a="', "a ", "a=b,"])
def test_an_attribute_list_of_a_manifest_is_read_once(unit: str) -> None:
    assert isinstance(attributes_of(unit * (LONG // len(unit))), dict)


def test_an_attribute_list_is_read_as_before() -> None:
    read = attributes_of('BANDWIDTH=1280000, CODECS="a,b", X-Y = z,X-Y=later')
    assert read == {"BANDWIDTH": "1280000", "CODECS": '"a,b"', "X-Y": "z"}


@pytest.mark.parametrize("unit", [b"<?a b??>", b"<!---->", b"<!-- -->\n", b"<?a b?> "])
def test_what_stands_before_a_manifest_is_read_once(unit: bytes) -> None:
    source = b'<?xml version="1.0"?>' + unit * 10_000 + b"<MPD><Period/></MPD><!-- end -->"
    assert written(parsed(source), source).startswith(b'<?xml version="1.0"?>' + unit)


@pytest.mark.parametrize(
    "page",
    [
        b"<a href=/big.pdf>" + b"<" * IN_A_TAG + b"</a>",
        b"<video src=a.mp4>" + b"<!--" * (IN_A_TAG // 4) + b"</video>",
        b"<video src=a.mp4>" + b"<a " * (IN_A_TAG // 3) + b"</video>",
        b"<video src=a.mp4>" + b"<a x>" * (IN_A_TAG // 5) + b"</video>",
        b'<img srcset="' + b"," * 8000 + b'">',
        b"<div class=collapse hidden" + b" /" * (IN_A_TAG // 2) + b">",
        b"<meta http-equiv=content-type content='charset=" + b" " * IN_A_TAG + b"'>",
    ],
    ids=lambda page: repr(page[:26]),
)
def test_a_page_is_read_once(page: bytes) -> None:
    whole = b"<!DOCTYPE html><html><head></head><body>" + page * 8 + b"</body></html>"
    for spec in (metered(), text_first()):
        assert rewrite(whole, spec)
