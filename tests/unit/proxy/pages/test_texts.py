"""A course's texts as a list: what stands at once, what is a link, what belongs together."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from proxy.night.texts.store import Head
from proxy.night.texts.values import Text, TextKind
from proxy.pages.gallery import CLOSED, context_in
from proxy.pages.texts import course_page

CONTEXT = context_in("ru", CLOSED)
HEAD = Head(course=5, title="Курс", came=CONTEXT.now, texts=3)


def text(key: str, title: str, kind: TextKind = TextKind.CHAPTER) -> Text:
    return Text(key=key, kind=kind, section="Тема", title=title, html="<p>x</p>")


def shown(*texts: Text) -> str:
    markup = course_page(HEAD, texts, CONTEXT, lambda url: url).decode()
    return " ".join(re.sub(r"<[^>]+>", " ", markup.partition("<h2>")[2]).split())


def test_a_books_title_stands_once_above_its_chapters() -> None:
    page = shown(text("chapter-6-1", "Книга. Первая"), text("chapter-6-2", "Книга. Вторая"))
    assert page.startswith("Тема Книга Первая Вторая")


def test_two_books_stay_apart_and_a_lone_chapter_keeps_its_whole_title() -> None:
    page = shown(text("chapter-6-1", "А. Первая"), text("chapter-6-2", "А. Вторая"), text("chapter-7-1", "Б. Третья"))
    assert page.startswith("Тема А Первая Вторая Б. Третья")


def test_chapters_without_a_title_in_common_are_named_whole() -> None:
    page = shown(text("chapter-6-1", "Первая"), text("chapter-6-2", "Вторая"))
    assert page.startswith("Тема Первая Вторая")


def test_only_what_was_changed_lately_says_when() -> None:
    old, new = (
        replace(text(f"page-{n}", "Лекция", TextKind.PAGE), changed=CONTEXT.now - timedelta(days=n)) for n in (30, 2)
    )
    assert shown(old, new).count("изменено") == 1
