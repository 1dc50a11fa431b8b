"""The part of a style sheet that a page needs."""

from __future__ import annotations

import re

import pytest

from proxy.transforms.critical import Unreadable, names_in, read_sheet

URL = "https://lms.test/theme/styles.php/boost/17/all"
PAGE = names_in(b'<body id="page" class="path-mod dir-ltr"><div class=\'Card open\'><p><a href=x class=link>')


def part(css: str, names: frozenset[bytes] = PAGE) -> str:
    return read_sheet(css.encode(), URL).critical(names).decode()


def test_names_are_tags_classes_and_ids_in_lower_case() -> None:
    assert {b"body", b"#page", b".path-mod", b".dir-ltr", b".card", b".open", b".link", b"a"} <= PAGE


@pytest.mark.parametrize(
    "rule",
    [
        "p{a:b}",
        ".CARD{a:b}",
        "#page .card>p::before{a:b}",
        ".nowhere,.link{a:b}",
        "*{a:b}",
        ":root{--x:1}",
        "p:not(.nowhere){a:b}",
        "p:is(.nowhere,.card){a:b}",
        '[data-x="a{b}"]{a:b}',
        ".card[data-x=')']{a:b}",
        "p{a:url(data:image/png;base64,x{y)}",
        "p{--x:{a:b}}",
        ".card{a:b;.nowhere &{c:d}}",
        r".\63 ard{a:b}",
        "@media (min-width:1px){p{a:b}}",
        "@supports (a:b){@media screen{.link{a:b}}}",
    ],
)
def test_a_rule_that_may_match_stays_as_it_is(rule: str) -> None:
    assert part(rule) == rule


@pytest.mark.parametrize(
    "rule",
    [
        ".nowhere{a:b}",
        "#page .nowhere p{a:b}",
        "table{a:b}",
        "p:hover{a:b}",
        "@media print{p{a:b}}",
        "@media screen{.nowhere{a:b}}",
        "@font-face{font-family:x;src:url(y)}",
        "@page{margin:0}",
        "@import 'x.css';",
        "@keyframes spin{from{a:b}}",
    ],
)
def test_a_rule_that_cannot_match_or_can_wait_goes(rule: str) -> None:
    assert part(rule + "p{a:b}") == "p{a:b}"


def test_movements_stay_where_something_moves() -> None:
    css = ".card{animation:fade 1s}@keyframes fade{to{opacity:1}}@keyframes spin{to{a:b}}"
    assert part(css) == ".card{animation:fade 1s}@keyframes fade{to{opacity:1}}"


def test_layers_keep_their_places_even_when_they_are_empty() -> None:
    css = "@layer base,theme;@layer extra{.nowhere{a:b}}@layer base{p{a:b}}"
    assert part(css) == "@layer base,theme;@layer extra{}@layer base{p{a:b}}"


def test_addresses_hold_from_where_the_part_stands() -> None:
    css = "p{a:url(pix/x.png);b:url('/y.png');c:url(#z);d:url(\"https://cdn.test/w.png\")}"
    expected = css.replace("pix/x.png", "https://lms.test/theme/styles.php/boost/17/pix/x.png")
    assert part(css) == expected


@pytest.mark.parametrize(
    "css",
    [
        "p{a:b",
        "}p{a:b}",
        "p{a:b};p{c:d}",
        "p:not(.x{a:b}",
        "p{a:(b}",
        "@media screen{p{a:b}",
        "@layer{p{a:b}}",
        "@import url(x) layer(y);@layer z{p{a:b}}",
        "text",
        "@media screen{a:b}",
    ],
)
def test_what_browsers_might_read_otherwise_has_no_part(css: str) -> None:
    with pytest.raises(Unreadable):
        read_sheet(css.encode(), URL)


def test_what_stays_keeps_its_order() -> None:
    css = "".join(f".card{{a:{n}}}.nowhere-{n}{{a:{n}}}" for n in range(50))
    assert re.findall(r"a:(\d+)", part(css)) == [str(n) for n in range(50)]


def test_comments_and_quotes_hide_what_looks_like_rules() -> None:
    assert part("/*}.nowhere{*/p{content:'}/*'}.nowhere{a:b}") == "p{content:'}/*'}"
