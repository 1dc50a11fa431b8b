"""Style sheets without web fonts: what goes, what must stay to the byte."""

from __future__ import annotations

import pytest

from proxy.transforms.css import MAX_CSS_BYTES, drop_font_faces


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (b"@font-face{font-family:A;src:url(a.woff2)}p{color:red}", b"p{color:red}"),
        (b"a{}@FONT-FACE /* x } */ { src: url('a}.woff2') } b{}", b"a{} b{}"),
        (b"@font-face{src:url(a\\).woff2)}b{}", b"b{}"),
        (b"@import url(https://fonts.googleapis.com/css?family=A;B);p{}", b"p{}"),
        (b'@import "//fonts.googleapis.com/css2?family=A:wght@400;700&x" screen;p{}', b"p{}"),
        (b"@media print{@font-face{src:url(a)}p{}}", b"@media print{p{}}"),
    ],
)
def test_fonts_go(css: bytes, expected: bytes) -> None:
    assert drop_font_faces(css) == expected


@pytest.mark.parametrize(
    "css",
    [
        b"",
        b"p{color:red}",
        b"/* @font-face{src:url(a)} */p{}",
        b'p:after{content:"@font-face{}"}',
        b"p{background:url(@font-face{x})}",
        b"@font-face{src:url(a)",
        b"@font-face-x{src:url(a)}",
        b"@import url(theme.css);@import 'https://other.test/fonts.googleapis.com/x.css';",
        b"@font-feature-values A{@styleset{x:1}}",
        "@font-face{}".encode("utf-16"),
        b"@font-face{a:" + b"x" * MAX_CSS_BYTES + b"}",
    ],
)
def test_all_else_stays_byte_for_byte(css: bytes) -> None:
    assert drop_font_faces(css) == css


def test_bytes_of_any_charset_stay() -> None:
    text = bytes(range(0x80, 0x100))
    assert drop_font_faces(b"a{content:'" + text + b"'}@font-face{x:y}") == b"a{content:'" + text + b"'}"


@pytest.mark.parametrize(
    "piece",
    [
        b"@font-face{",
        b"@font-face/*",
        b"@import url(",
        b"@importurl(",
        b"@font-face{'",
        b"@import'\\a",
        b"@font-face{u",
    ],
)
def test_time_is_linear_whatever_does_not_close(piece: bytes) -> None:
    drop_font_faces(piece * (500_000 // len(piece)))  # a quadratic walk would outlast the test's time limit
