"""Style sheets that come after the text: where they come, and that the cascade stays the page's own."""

from __future__ import annotations

import re

import pytest

from tests.unit.proxy.transforms.html.html_pages import late, rewrite

X = '<link rel="stylesheet" href="/course/x">'
PART = '<link rel="stylesheet" href="/.tropa/styles/0123.css">'


def page(head: str, body: str = "<p>Текст</p>") -> str:
    return f"<!DOCTYPE html><html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"


def out(head: str, body: str = "<p>Текст</p>") -> str:
    return rewrite(page(head, body), late(head=b"", foot=""))[0].decode()


def sheets(html: str) -> list[str]:
    """What the browser takes for sheets, in order."""
    return re.findall(r'<link[^>]*href="?([^ ">]+)|<style[^>]*>([^<]*)', html)  # type: ignore[return-value]


def test_the_whole_sheet_comes_at_the_end_of_the_body_and_its_part_in_its_place() -> None:
    assert out(X) == page(PART, "<p>Текст</p>" + X)


def test_it_comes_before_the_first_script_that_the_parser_waits_for() -> None:
    scripts = '<script>inline()</script><script async src="a.js"></script><script defer src="d.js"></script>'
    body = f'<p>Текст</p>{scripts}{{}}<script src="bundle.js"></script><p>Ещё</p>'
    assert out(X, body.format("")) == page(PART, body.format(X))


def test_scripts_of_the_head_are_not_waited_for() -> None:
    assert out(X + '<script src="yui.js"></script>') == page(
        PART + '<script src="yui.js"></script>', "<p>Текст</p>" + X
    )


def test_other_sheets_behind_it_are_named_again_so_that_they_still_win() -> None:
    after = '<link rel="stylesheet" href="/own.css"><style>p{color:red}</style>'
    assert out(X + after, "<p>Текст</p><style>b{c:d}</style>") == page(
        PART + after, "<p>Текст</p><style>b{c:d}</style>" + X + after + "<style>b{c:d}</style>"
    )


def test_a_font_that_was_left_out_does_not_come_back_with_a_repeated_style() -> None:
    assert "@font-face" not in out(X + "<style>@font-face{font-family:x;src:url(y)}p{a:b}</style>")


@pytest.mark.parametrize(
    "sheet",
    [
        '<link rel="stylesheet" id="skin" href="/own.css">',
        '<link rel="stylesheet" title="big" href="/own.css">',
        '<style id="skin">p{a:b}</style>',
        f"<style>{'p{a:b}' * 4000}</style>",
    ],
)
def test_a_sheet_that_cannot_be_named_again_has_the_whole_one_before_it(sheet: str) -> None:
    assert out(X + sheet) == page(PART + X + sheet)


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="stylesheet" id="a" href="/course/x">',
        '<link rel="alternate stylesheet" title="b" href="/course/x">',
        '<link rel="stylesheet" disabled href="/course/x">',
        '<link rel="stylesheet" href="/course/other">',
    ],
)
def test_a_sheet_that_scripts_may_look_for_stays_where_it_is(link: str) -> None:
    assert out(link) == page(link)


def test_the_second_mention_of_a_sheet_is_no_reason_for_a_second_part() -> None:
    assert out(X + X) == page(PART + X, "<p>Текст</p>" + X + X)


@pytest.mark.parametrize("name", ["noscript", "template"])
def test_what_browsers_do_not_apply_is_neither_moved_nor_repeated(name: str) -> None:
    inert = f'<{name}>{X}<link rel="stylesheet" href="/own.css"><style>p{{a:b}}</style></{name}>'
    assert out(inert) == page(inert)
    assert out(X + inert) == page(PART + inert, "<p>Текст</p>" + X)


def test_its_media_and_its_nonce_go_with_its_part() -> None:
    link = '<link rel="stylesheet" media="screen" nonce="n1" href="/course/x">'
    assert out(link) == page(PART[:-1] + ' media="screen" nonce="n1">', "<p>Текст</p>" + link)


def test_a_hint_that_would_bring_it_first_goes() -> None:
    assert out('<link rel="preload" as="style" href="/course/x">' + X) == page(PART, "<p>Текст</p>" + X)


def test_a_page_that_ends_early_still_gets_it() -> None:
    broken = page(X).removesuffix("</body></html>")
    assert rewrite(broken, late(head=b"", foot=""))[0].decode() == broken.replace(X, PART) + X


def test_a_page_that_turns_out_to_be_frames_still_gets_it() -> None:
    frames = f"<html><head>{X}</head><frameset><frame src=a></frameset></html>"
    assert rewrite(frames, late(head=b"", foot=""))[0].decode() == frames.replace(X, PART) + X


def test_a_page_asks_for_its_shell_in_the_order_of_need() -> None:
    html = page(X + '<script src="yui.js"></script>', '<script src="bundle.js"></script>')
    urls = rewrite(html, late())[1].shell_urls
    assert [url.rpartition("/")[2] for url in urls] == ["yui.js", "x", "bundle.js"]


def test_what_is_left_out_is_not_asked_for() -> None:
    assert rewrite(page('<script src="polyfill.js"></script>'), late())[1].shell_urls == []
