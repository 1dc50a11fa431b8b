"""Known sizes, and the heavy links that a page names."""

from __future__ import annotations

import pytest

from proxy.cache.sizes import SizeBook, heavy_links

PAGE = "https://lms.example.org/mod/page/view.php?id=1"


def test_the_last_size_holds_and_the_least_recently_learnt_is_forgotten() -> None:
    book = SizeBook(max_entries=2)
    for url, size in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        book.learn(url, size)
    assert [book.size_of(url) for url in "abc"] == [3, None, 4]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (b'<a href="film.mp4">', "https://lms.example.org/mod/page/film.mp4"),
        (b"<source src='/v/a.WEBM?x=1&amp;y=2'>", "https://lms.example.org/v/a.WEBM?x=1&y=2"),
        (b'<object data = "//cdn.example/a.pdf">', "https://cdn.example/a.pdf"),
        (b'<a href="https://other.example/book.docx">', "https://other.example/book.docx"),
        (
            '<a href="/фильм 1.mp4?x=%D1">'.replace(" ", "%20").encode(),
            "https://lms.example.org/%D1%84%D0%B8%D0%BB%D1%8C%D0%BC%201.mp4?x=%D1",
        ),
    ],
)
def test_heavy_links_are_found_however_they_are_written(html: bytes, found: str) -> None:
    assert heavy_links(html, PAGE) == (found,)


@pytest.mark.parametrize("html", [b'<a href="a.html">', b'<a href="a.mp4.html">', b"film.mp4", b'<a href="">', b""])
def test_what_is_light_or_no_link_is_none(html: bytes) -> None:
    assert heavy_links(html, PAGE) == ()


def test_each_is_named_once_and_no_page_names_too_many() -> None:
    html = b"".join(b'<a href="%d.mp4"><a href="%d.mp4">' % (n, n) for n in range(100))
    found = heavy_links(html, PAGE)
    assert len(found) == len(set(found)) == 24


@pytest.mark.parametrize("html", [b'<a href="http://[::1/film.mp4">', b'<a href="http://a\xff/film.mp4">'])
def test_an_address_that_is_none_costs_no_page(html: bytes) -> None:
    assert isinstance(heavy_links(html + b'<a href="/b.mp4">', PAGE), tuple)
    assert "https://lms.example.org/b.mp4" in heavy_links(html + b'<a href="/b.mp4">', PAGE)
