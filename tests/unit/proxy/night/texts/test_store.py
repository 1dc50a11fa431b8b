"""Texts on disk: a course is of one night, and goes when no night tells it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.night.texts.store import LIFE, Beside, TextStore
from proxy.night.texts.values import Sheet, Text, TextKind

NIGHT = datetime(2026, 11, 23, 20, tzinfo=UTC)
FILE = "https://lms.example.org/pluginfile.php/7/mod_page/content/1/a.png"


def text(key: str, html: str = "<p>x</p>") -> Text:
    return Text(key=key, kind=TextKind.PAGE, section="Тема", title=key, html=html, films=("https://lms.example.org/f",))


def sheet(*keys: str) -> Sheet:
    return Sheet(
        title="Курс", texts=tuple(map(text, keys)), apart=("Тест",), modules=frozenset({7}), files=frozenset({FILE})
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TextStore]:
    one = TextStore(tmp_path / "texts.sqlite")
    await one.open()
    yield one
    await one.close()


async def test_what_is_kept_comes_back_in_its_order(store: TextStore) -> None:
    assert await store.replace("lms", 5, sheet("b", "a"), NIGHT)
    assert [one.key for one in await store.texts("lms", 5)] == ["b", "a"]
    assert await store.text("lms", 5, "a") == text("a")
    [head] = await store.heads("lms")
    assert (head.course, head.title, head.came, head.texts, head.apart) == (5, "Курс", NIGHT, 2, ("Тест",))


async def test_a_night_replaces_a_course_as_a_whole(store: TextStore) -> None:
    await store.replace("lms", 5, sheet("a", "b"), NIGHT)
    await store.replace("lms", 6, sheet("a"), NIGHT)
    await store.replace("lms", 5, sheet("c"), NIGHT + timedelta(days=1))
    assert [one.key for one in await store.texts("lms", 5)] == ["c"]
    assert await store.courses_with_text("lms", "a") == {6} and await store.text("lms", 5, "a") is None


async def test_a_file_is_known_by_its_path_however_it_is_asked_for(store: TextStore) -> None:
    await store.replace("lms", 5, sheet("a"), NIGHT)
    assert await store.courses_with_file("lms", f"{FILE}?forcedownload=1") == {5}
    assert await store.courses_with_file("lms", f"{FILE}x") == set() == await store.courses_with_file("other", FILE)
    assert await store.courses_with_module("lms", 7) == {5}


async def test_a_books_name_opens_its_first_chapter(store: TextStore) -> None:
    book = [replace(text(key), kind=TextKind.CHAPTER) for key in ("chapter-6-12", "chapter-6-11", "chapter-61-1")]
    await store.replace("lms", 5, replace(sheet("page-6"), texts=(*book, text("page-6-1"))), NIGHT)
    assert (
        await store.courses_with_text("lms", "chapter-6") == {5} == await store.courses_with_text("lms", "chapter-6-11")
    )
    first, other = await store.text("lms", 5, "chapter-6"), await store.text("lms", 5, "chapter-6-11")
    assert first is not None and first.key == "chapter-6-12" and other is not None and other.key == "chapter-6-11"
    assert await store.text("lms", 5, "page-6") is None, "a page has its own name alone"


async def test_a_book_is_read_on_chapter_by_chapter(store: TextStore) -> None:
    book = [replace(text(key), kind=TextKind.CHAPTER) for key in ("chapter-6-12", "chapter-6-11", "chapter-61-1")]
    await store.replace("lms", 5, replace(sheet("page-6"), texts=(*book, text("page-6"))), NIGHT)
    first, last, alone = [await store.chapters_beside("lms", 5, one) for one in book]
    assert (first.before, first.after) == (None, ("chapter-6-11", "chapter-6-11"))
    assert (last.before, last.after) == (("chapter-6-12", "chapter-6-12"), None)
    assert alone == Beside() == await store.chapters_beside("lms", 6, book[0])


async def test_what_no_night_tells_again_goes(store: TextStore) -> None:
    await store.replace("lms", 5, sheet("a"), NIGHT)
    assert await store.sweep(NIGHT + LIFE) == 0
    assert await store.sweep(NIGHT + LIFE + timedelta(seconds=1)) == 1
    assert await store.heads("lms") == () == await store.texts("lms", 5)
    assert await store.courses_with_file("lms", FILE) == set()


async def test_a_base_that_is_gone_answers_as_if_nothing_were_here(tmp_path: Path) -> None:
    closed = TextStore(tmp_path / "texts.sqlite")
    assert not await closed.replace("lms", 5, sheet("a"), NIGHT)
    assert await closed.heads("lms") == () and await closed.text("lms", 5, "a") is None
