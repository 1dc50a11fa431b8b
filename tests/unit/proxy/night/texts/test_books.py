"""A book's chapters as its web service tells them: which, in what order, with which pictures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from proxy.night.texts.books import chapter_text, chapters
from proxy.night.texts.making import Module
from proxy.night.texts.told import outline
from tests.unit.proxy.night.texts.test_told import FOLLOW, NOW, SITE, module, section


def book(*entries: dict[str, Any], numbers: tuple[int, ...] = (11, 12)) -> Module:
    """A book as Moodle lists its files: the table of contents as a JSON text, a chapter's text as `index.html`."""
    files = [
        {
            "type": "file",
            "filename": "index.html",
            "filepath": f"/{number}/",
            "fileurl": f"{SITE}/webservice/pluginfile.php/1006/mod_book/chapter/{number}/index.html",
            "timemodified": 1725177600,
        }
        for number in numbers
    ]
    told = module(6, "book", contents=[{"type": "content", "content": json.dumps(entries)}, *files])
    [one] = outline([section(3, told)], FOLLOW, 3, SITE, NOW).modules
    return one


def entry(number: int, title: str, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": title, "href": f"{number}/index.html", "level": 0, "subitems": list(below)} | more


def test_a_books_chapters_come_in_order_without_hidden_ones() -> None:
    one = book(entry(11, "Первая &amp; вторая", hidden="0"), entry(12, "Скрытая", hidden="1"))
    [chapter] = chapters(one)
    assert (chapter.title, chapter.key) == ("Первая & вторая", "chapter-6-11")
    read_one = chapter_text(chapter, "<p>Глава</p>")
    assert read_one is not None and read_one[0].title == "№ 6. Первая & вторая"
    assert read_one[0].target == "/mod/book/view.php?id=6&chapterid=11"
    assert read_one[0].changed == datetime.fromtimestamp(1725177600, UTC)


def test_a_chapter_below_another_is_read_and_one_below_a_hidden_one_is_not() -> None:
    one = book(entry(11, "Первая", entry(12, "Ниже")), entry(13, "Скрытая", entry(14, "Под ней"), hidden=1),
               numbers=(11, 12, 13, 14))  # fmt: skip
    assert [chapter.number for chapter in chapters(one)] == ["11", "12"]


def test_a_chapters_pictures_are_named_from_where_it_lies() -> None:
    [chapter] = chapters(book(entry(11, "Первая")))
    found = chapter_text(chapter, '<p>Рисунок</p><img src="doska.png" alt="Доска"><a href="plan.docx">План</a>')
    assert found is not None
    lies_at = "/pluginfile.php/1006/mod_book/chapter/11"
    assert found[1].pictures == (f"{SITE}{lies_at}/doska.png",) and found[1].files == (f"{SITE}{lies_at}/plan.docx",)
    assert f'src="{lies_at}/doska.png"' in found[0].html and "webservice" not in found[0].html


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<h3>1. Связь &amp; звук</h3><p>Слова</p>", "<p>Слова</p>"),
        ("<h3>2. Урок</h3><h4>2.1. Связь &amp; звук</h4><p>Слова</p>", "<p>Слова</p>"),
        ("<h3>Другое</h3><p>Слова</p>", "<h3>Другое</h3><p>Слова</p>"),
        ("<p>Слова</p><h3>Связь &amp; звук</h3>", "<p>Слова</p><h3>Связь &amp; звук</h3>"),
    ],
)
def test_a_chapters_title_is_told_once(markup: str, shown: str) -> None:
    [chapter] = chapters(book(entry(11, "Связь &amp; звук")))
    found = chapter_text(chapter, markup)
    assert found is not None and found[0].html == shown
