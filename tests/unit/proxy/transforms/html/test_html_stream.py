"""The rewriter as a stream: what passes, what waits and how long, what a failure costs, which charset goes in."""

from __future__ import annotations

import re
import time

import pytest

from policies.model import DietItem
from proxy.transforms.html import rewriter
from proxy.transforms.html.page import MAX_CARD_BYTES
from proxy.transforms.html.scan import LOOKAHEAD
from proxy.transforms.spec import Heavy
from tests.unit.proxy.transforms.html.html_pages import (
    FOOT,
    HEAD,
    SPECS,
    card,
    cut_everywhere,
    in_pieces,
    metered,
    moodle_page,
    rewrite,
    spec,
    text_first,
)

VIDEO = b"<video src=a.mp4></video>"


def test_the_first_rewritten_byte_leaves_before_the_input_ends() -> None:
    page = rewriter(metered())
    assert b"<link" in page.write(b"<!DOCTYPE html><html><head><title>x</title><body>")
    assert b"class=card" in page.write(b"<p>" + VIDEO + b"<p>more and more")


def test_text_leaves_at_once() -> None:
    page = rewriter(metered())
    page.write(b"<html><body>")
    assert page.write(b"Some text without an end") == b"Some text without an end"


def test_what_waits_is_bounded_for_an_element_that_never_closes() -> None:
    page = rewriter(metered())
    page.write(b"<html><body>")
    came_out = page.write(VIDEO[:-8])
    written = 0
    while not came_out:
        came_out = page.write(b"<b>x</b>" * 128)
        written += 1024
        assert written <= LOOKAHEAD + 2048
    assert b"class=card" in came_out
    assert page.write(b"<i>on</i>").endswith(b"on</i>")


@pytest.mark.parametrize("quote", [b'"', b"'", b""])
def test_a_tag_too_long_to_hold_passes_and_what_follows_is_seen(quote: bytes) -> None:
    filler = b"data:image/png;base64," + b"A" * 150_000
    page = b"<p><img src=" + quote + filler + quote + b" srcset='a.jpg 1w, b.jpg 2w'>" + VIDEO + b"<p>end"
    out, changes = rewrite(page, metered())
    assert out == page.replace(VIDEO, card_for_a())
    assert changes.bailed_out == ""
    for size in (1000, 65536, 65537, 100_000):
        pieces = [page[at : at + size] for at in range(0, len(page), size)]
        assert in_pieces(pieces, metered(), prefix=page[:65536])[0] == out


def test_a_long_tag_is_held_no_longer_than_the_look_ahead() -> None:
    page = rewriter(metered())
    page.write(b"<p>text")
    out = page.write(b'<img src="data:' + b"A" * (LOOKAHEAD - 20))
    assert out == b""
    assert len(page.write(b"A" * 1000)) > LOOKAHEAD


def test_a_long_script_tag_still_hides_what_is_in_the_script() -> None:
    page = b'<p><script data-x="' + b"y" * 100_000 + b'">"<video src=a.mp4></video>"</script>' + VIDEO
    assert rewrite(page, metered())[0] == page[: -len(VIDEO)] + card_for_a()


def test_a_megabyte_of_script_streams_through() -> None:
    page = rewriter(metered())
    page.write(b"<html><body><script>")
    sent = sum(len(page.write(b"var x = 1 < 2; <!-- ok --> " * 100)) for _ in range(400))
    assert sent > 400 * 2700 - 5000


def card_for_a() -> bytes:
    return b"<div class=card>[video|||https://lms.test/course/a.mp4||None]</div>"


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<",
        b"plain text, no tag at all",
        b'{"html": "<video src=a.mp4></video>"}',
        b' [1, "<img src=a>"]',
        b'<?xml version="1.0"?><rss><channel><link>x</link><script>1</script></channel></rss>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        "<html><body><video src=a.mp4></video>".encode("utf-16"),
        "<html><body><video src=a.mp4></video>".encode("utf-16-le"),
        "<html><body><video src=a.mp4></video>".encode("utf-32"),
    ],
)
def test_what_is_not_html_in_bytes_passes(name: str, page: bytes) -> None:
    for pieces in cut_everywhere(page):
        assert in_pieces(pieces, SPECS[name](), prefix=page)[0] == page


@pytest.mark.parametrize("charset", ["utf-16", "iso-2022-jp", "utf-7", "cp037"])
def test_a_charset_whose_bytes_are_not_ascii_passes(charset: str) -> None:
    out, changes = rewrite(b"<html><body>" + VIDEO, metered(charset=charset))
    assert out == b"<html><body>" + VIDEO
    assert changes.bailed_out == "charset"


def test_a_frameset_passes() -> None:
    page = b"<html><frameset cols=20%,*><frame src=menu.html><noframes><video src=a.mp4></noframes></frameset></html>"
    out, changes = rewrite(page, metered(head=b""))
    assert out == page
    assert changes.bailed_out == "frameset"


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "latin-1", "iso-8859-5", "gbk", "shift_jis"])
def test_bytes_of_any_ascii_compatible_charset_stay(charset: str) -> None:
    text = bytes(range(0x80, 0x100))
    page = b"<html><body><p title='" + text + b"'>" + text + b"</p></body></html>"
    assert rewrite(page, spec(charset=charset, lazy_images=True))[0] == page


def test_what_is_put_in_speaks_the_pages_charset() -> None:
    page = "<html><body><video src=a.mp4 title='Лекция – 日'></video></body></html>".encode(
        "cp1251", "xmlcharrefreplace"
    )
    out, _ = rewrite(page, metered(charset="windows-1251"))
    assert "[video||Лекция – &#26085;|".encode("cp1251") in out
    assert FOOT.decode().encode("cp1251") in out


def test_cards_already_in_the_pages_charset_are_taken_as_they_are() -> None:
    html_spec = metered(charset="cp1251", render_card=lambda heavy: card(heavy).decode().encode("cp1251"))
    page = "<html><body><video src=a.mp4 title='Лекция'></video>".encode("cp1251")
    assert "||Лекция|".encode("cp1251") in rewrite(page, html_spec)[0]


def test_where_meta_contradicts_the_header_cards_are_ascii() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><video src=a.mp4 title="Лекция"></video>'.encode(
        "cp1251"
    )
    out, _ = rewrite(page, metered(charset="utf-8"))
    inserted = out.replace(page.split(b"<video")[0], b"")
    assert "Лекция".encode("ascii", "xmlcharrefreplace") in inserted
    assert out.isascii()


def test_an_unknown_charset_gets_character_references() -> None:
    out, _ = rewrite(b"<html><body><p>x</body></html>", metered(charset="x-unknown"))
    assert FOOT.decode().encode("ascii", "xmlcharrefreplace") in out


def test_a_card_that_is_too_long_becomes_a_minimal_link() -> None:
    html_spec = metered(render_card=lambda heavy: b"x" * (MAX_CARD_BYTES + 1))
    out, changes = rewrite(b"<p><video src='a.mp4?a=1&amp;b=2' title='A < B'></video>", html_spec)
    assert out == b'<p><a href="https://lms.test/course/a.mp4?a=1&amp;b=2">A &lt; B</a>'
    assert changes.cards == 1


def test_no_card_is_longer_than_its_limit_whatever_the_page_says() -> None:
    html_spec = metered(render_card=lambda heavy: b"x" * 5000)
    page = b"<p><video src='a.mp4?" + b"x" * 9000 + b"' title='" + b"&" * 9000 + b"'></video>"
    assert len(rewrite(page, html_spec)[0]) <= 3 + MAX_CARD_BYTES


def test_a_card_that_cannot_be_made_becomes_a_minimal_link() -> None:
    def broken(heavy: Heavy) -> bytes:
        raise RuntimeError("template")

    out, changes = rewrite(b"<p><video src=a.mp4></video><p>x", metered(render_card=broken))
    assert out == b'<p><a href="https://lms.test/course/a.mp4">video</a><p>x'
    assert changes.bailed_out == ""


def test_a_failure_leaves_the_rest_as_it_was() -> None:
    def broken(size_bytes: int) -> str:
        raise RuntimeError("label")

    page = b"<p><img src=1><a href=/big.pdf>x</a>" + VIDEO + b"<p>end"
    html_spec = metered(size_label=broken)
    out, changes = rewrite(page, html_spec)
    assert out == page
    assert changes.bailed_out == "error: RuntimeError"
    for pieces in cut_everywhere(page):
        assert in_pieces(pieces, html_spec)[0] == page


def test_a_size_that_cannot_be_looked_up_is_unknown() -> None:
    def broken(url: str) -> int | None:
        raise KeyError(url)

    assert rewrite(b"<p>" + VIDEO, metered(size_of=broken))[0] == b"<p>" + card_for_a()


def test_without_a_look_ahead_the_formula_library_stays() -> None:
    page = b'<html><head><script src="https://cdn.test/MathJax.js"></script></head><body>x</body></html>'
    assert b"MathJax" in rewrite(page, metered(), prefix=b"")[0]
    assert b"MathJax" not in rewrite(page, metered())[0]


def test_a_formula_in_a_script_is_no_formula() -> None:
    page = (
        b'<html><head><script src="https://cdn.test/MathJax.js"></script>'
        b"<script>configure({inlineMath: [['\\\\(', '\\\\)']]})</script></head><body>x</body></html>"
    )
    assert b"MathJax" not in rewrite(page, metered())[0]


def test_an_inline_script_goes_only_if_it_is_a_short_trackers_loader() -> None:
    loader = b'<script>load("https://mc.yandex.ru/metrika/tag.js")</script>'
    long_one = b'<script>load("https://mc.yandex.ru/metrika/tag.js");' + b"work();" * 700 + b"</script>"
    unended = b'<script>load("https://mc.yandex.ru/metrika/tag.js")'
    page = b"<p>" + loader + long_one + unended
    for pieces in (list(c) for c in (([page]), ([page[:40], page[40:]]), ([page[:3000], page[3000:]]))):
        assert in_pieces(pieces, metered())[0] == b"<p>" + long_one + unended
    other = DietItem(name="polyfills", pattern=re.compile("mc.yandex.ru"))
    assert rewrite(page, metered(diet=(other,)))[0] == page


def test_the_head_goes_before_any_script_and_after_a_leading_charset() -> None:
    page = b"<!doctype html><head><meta charset=utf-8><script>1</script></head>"
    assert b"<meta charset=utf-8>" + HEAD + b"<script>" in rewrite(page, metered())[0]
    page = b'<!doctype html><head><meta name=viewport content=""><meta charset=utf-8>'
    assert b"<head>" + HEAD + b"<meta name" in rewrite(page, metered())[0]


def test_a_byte_order_mark_stays_first() -> None:
    page = b"\xef\xbb\xbf<!DOCTYPE html><html><head><title>x</title></head><body></body></html>"
    for pieces in cut_everywhere(page):
        out = in_pieces(pieces, metered())[0]
        assert out.startswith(b"\xef\xbb\xbf<!DOCTYPE html><html><head>" + HEAD)


def test_the_foot_is_left_out_where_the_page_ends_in_raw_text() -> None:
    assert FOOT not in rewrite(b"<html><body><p>x<script>var a", metered())[0]
    assert FOOT not in rewrite(b"<html><body><p>x<!-- var a", metered())[0]
    assert rewrite(b"<html><body><p>x", metered())[0].endswith(FOOT)


@pytest.mark.parametrize("name", ["metered", "text_first"])
def test_forms_of_a_page_keep_every_field(name: str) -> None:
    out, _ = rewrite(moodle_page(), SPECS[name]())
    assert b'<input type="hidden" name="sesskey" value="abc">' in out
    assert b'action="https://lms.test/login/index.php" method="post"' in out


def test_text_first_leaves_no_script_no_style_and_no_handler() -> None:
    out, changes = rewrite(moodle_page(), text_first())
    for gone in (b"<script", b"<style", b"stylesheet", b"onclick", b" style=", b" class=", b"data-"):
        assert gone not in out.replace(HEAD, b"").replace(FOOT, b"").replace(b"<div class=card>", b"").replace(
            b'<span class="tropa-size">', b""
        ), gone
    assert changes.dropped > 5


def test_a_page_that_asks_for_nothing_is_counted_as_unchanged() -> None:
    page = moodle_page().replace(b"<video", b"<div").replace(b"</video", b"</div")
    out, changes = rewrite(page, spec())
    assert out == page
    assert (changes.cards, changes.dropped, changes.withheld_bytes, changes.heavy_urls) == (0, 0, 0, [])


@pytest.mark.parametrize("name", ["metered", "text_first"])
@pytest.mark.parametrize(
    "piece",
    [
        b"<video src=a.mp4><p>",
        b"<object>",
        b'<iframe src="https://youtu.be/1">',
        b"<a href=x.mp4>",
        b"<svg>",
        b"<p class=mediaplugin>",
        b'<a href="',
        b"<p href href=a.b.c.d ",
        b"<!--",
        b"<script><!--<script>",
    ],
)
def test_no_page_takes_more_than_seconds(name: str, piece: bytes) -> None:
    """Without a limit on all that is looked at ahead, 400 kB of unclosed players cost six minutes."""
    page = b"<p>" + piece * (200_000 // len(piece))
    started = time.process_time()
    in_pieces([page[at : at + 16384] for at in range(0, len(page), 16384)], SPECS[name](), prefix=page[:65536])
    assert time.process_time() - started < 10


def test_a_trickle_of_bytes_costs_no_more_looks_than_its_length_deserves() -> None:
    page = b"<p><video src=a.mp4>" + b"<b>x</b>" * 4000
    started = time.process_time()
    trickled = in_pieces([page[at : at + 7] for at in range(0, len(page), 7)], metered())
    assert time.process_time() - started < 10
    assert trickled == rewrite(page, metered(), prefix=b"")


def test_players_beyond_the_look_ahead_of_a_whole_page_lose_their_start_tags_only() -> None:
    page = b"<p>" + b"<video src=a.mp4><p>" * 200 + b"<video src=a.mp4>fallback</video>end"
    out, changes = rewrite(page, metered(render_card=lambda heavy: b"[]"))
    assert out == b"<p>" + b"[]<p>" * 200 + b"[]fallback</video>end"
    assert changes.cards == 201
