"""The laws of the HTML transform over any tag soup."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.transforms.css import drop_font_faces
from proxy.transforms.html.page import MAX_CARD_BYTES
from proxy.transforms.spec import HtmlSpec
from tests.unit.proxy.transforms.html.html_pages import (
    SPECS,
    in_pieces,
    late,
    metered,
    moodle_page,
    rewrite,
    spec,
    text_first,
)

SCRAPS = [
    b'<', b'>', b'</', b'/>', b'"', b"'", b'=', b' ', b'\n', b'&amp;', b'text', b'\xff\xe9', "ж".encode(),
    b'<!--', b'-->', b'--!>', b'<!', b'<?', b'<![CDATA[', b']]>', b'<!DOCTYPE html>', b'<html>', b'<head>',
    b'</head>', b'<body class=x>', b'</body>', b'</html>', b'<p>', b'</p>', b"<div class='mediaplugin'>",
    b'</div>', b'<b>', b'</b>', b'<video src=a.mp4>', b'<video autoplay>', b'</video>',
    b'<source src=/big.webm>', b'<iframe src="https://youtu.be/1">', b'<iframe src=x>', b'</iframe>',
    b'<audio src=a.mp3>', b'</audio>', b'<script>', b'<script src=polyfill.js>', b'"https://mc.yandex.ru/x"',
    b'</script>', b'</script ', b'<style>', b'</style>', b'@font-face{x:y}', b'<textarea>', b'</textarea>',
    b'<title>', b'</title>', b'<svg>', b'</svg>', b'<svg/>', b'<noscript>', b'</noscript>',
    b'<a href=/big.pdf>', b"<a href='b.mp4'>", b'</a>', b'<img src=1>', b'<img srcset="a 1w, b 2w" ',
    b'<meta charset=utf-8>', b'<link rel=stylesheet href=x>', b'<base href=//h/>', b'<figcaption>',
    b'</figcaption>', b"<object data='https://youtu.be/2'>", b'</object>', b" onclick='x'", b' style=y',
    b'<script src=a.js>', b'<template>', b'</template>', b'<style media=print>', b'<link rel=stylesheet href=/x id=i>',
    b' data-video-id=1', b' hidden class=collapse', b'<frameset>', b'<plaintext>', b'<a href=javascript:x>',
]  # fmt: skip
SOUP = st.lists(st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=4)), max_size=40).map(b"".join)
SPEC = st.sampled_from(sorted(SPECS))
LAW = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


@LAW
@given(page=SOUP, kind=SPEC, cuts=st.lists(st.integers(0, 600), max_size=6), looked_ahead=st.booleans())
def test_where_a_page_is_cut_changes_nothing(page: bytes, kind: str, cuts: list[int], looked_ahead: bool) -> None:
    prefix = page if looked_ahead else b""
    edges = [0, *sorted(min(cut, len(page)) for cut in cuts), len(page)]
    pieces = [page[start:end] for start, end in pairwise(edges)]
    whole, whole_changes = in_pieces([page], SPECS[kind](), prefix=prefix)
    cut_up, cut_changes = in_pieces(pieces, SPECS[kind](), prefix=prefix)
    assert cut_up == whole
    assert cut_changes == whole_changes


@LAW
@given(page=SOUP, kind=SPEC)
def test_bytes_one_at_a_time_change_nothing(page: bytes, kind: str) -> None:
    single = [page[at : at + 1] for at in range(len(page))]
    assert in_pieces(single, SPECS[kind](), prefix=page) == rewrite(page, SPECS[kind]())


@LAW
@given(page=SOUP)
def test_no_page_is_beyond_us(page: bytes) -> None:
    for make in SPECS.values():
        assert not rewrite(page, make())[1].bailed_out.startswith("error")


@LAW
@given(page=SOUP)
def test_a_page_without_anything_heavy_is_untouched(page: bytes) -> None:
    if b"<video" not in page and b"<audio" not in page:
        assert rewrite(page, spec())[0] == page


@LAW
@given(page=SOUP)
def test_a_page_grows_by_its_cards_and_little_more(page: bytes) -> None:
    out, changes = rewrite(page, metered())
    tags = page.count(b"<")
    assert len(out) <= len(page) + changes.cards * MAX_CARD_BYTES + tags * 64 + 200


@LAW
@given(page=SOUP)
def test_a_page_rewritten_twice_holds_no_more_cards(page: bytes) -> None:
    """What the first pass made is nothing that the second would touch."""
    once, _ = rewrite(page, metered(head=b"", foot=b""))
    _, changes = rewrite(once, metered(head=b"", foot=b"", render_card=lambda heavy: b"AGAIN"))
    left = once.count(b"<video") + once.count(b"<audio") + once.count(b"<iframe") + once.count(b"<object")
    assert changes.cards <= left + once.count(b"<a") + once.count(b"mediaplugin") + once.count(b"data-video-id")


@LAW
@given(
    css=st.lists(
        st.sampled_from(
            [b"@font-face", b"{", b"}", b'"', b"'", b"/*", b"*/", b"url(", b")", b"\\", b";", b"a:b", b"@import "]
        )
    ).map(b"".join)
)
def test_a_style_sheet_loses_whole_blocks_only(css: bytes) -> None:
    out = drop_font_faces(css)
    assert out == css or (len(out) < len(css) and (b"@font-face" in css or b"@import" in css))
    if b"@font-face" not in css:
        assert out == css


@pytest.mark.parametrize(("make", "first"), [(metered, 0), (text_first, 1), (late, 2)])
def test_a_real_page_cut_anywhere_comes_out_the_same(make: Callable[[], HtmlSpec], first: int) -> None:
    page = moodle_page(sections=2, player_at=1)
    whole = rewrite(page, make())
    for at in range(first, len(page), 3):
        assert in_pieces([page[:at], page[at:]], make(), prefix=page) == whole


def test_pages_of_installed_documentation_are_untouched() -> None:
    """Real pages of many hands and generators: where nothing is asked for, nothing changes."""
    roots = [Path(sys.prefix) / "lib", Path("/usr/share/doc")]
    found = [path for root in roots if root.is_dir() for path in sorted(root.rglob("*.html"))[:150] if path.is_file()]
    for path in found:
        page = path.read_bytes()
        if b"<video" not in page and b"<audio" not in page:
            pieces = [page[at : at + 4096] for at in range(0, len(page), 4096)]
            assert in_pieces(pieces, spec(), prefix=page[:65536])[0] == page, path
