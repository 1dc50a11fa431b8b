"""A light copy's name, and the header that carries it."""

from __future__ import annotations

import pytest

from proxy.transforms.media.documents.naming import MAX_NAME_CHARACTERS, attachment, light_name


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("Лекция 3.pdf", "Лекция 3-light.pdf"),
        ("Лекция 3-light.pdf", "Лекция 3-light.pdf"),
        ("plan.v2.DOCX", "plan.v2-light.DOCX"),
        ("без расширения", "без расширения-light"),
        ("../../etc/отчёт.pdf", "отчёт-light.pdf"),
        ("C:\\Users\\Анна\\план.pptx", "план-light.pptx"),
        ('a"b\r\nSet-Cookie: x.pdf', "abSet-Cookie x-light.pdf"),
        ("", "документ-light"),
        (".pdf", "документ-light.pdf"),
        ("ф" * 300 + ".pdf", "ф" * (MAX_NAME_CHARACTERS - 10) + "-light.pdf"),
    ],
)
def test_a_name_says_that_it_is_a_light_copy_and_stays_a_name(original: str, expected: str) -> None:
    made = light_name(original, "ru")
    assert made == expected and len(made) <= MAX_NAME_CHARACTERS


def test_what_has_no_name_gets_one_in_the_readers_language() -> None:
    assert (light_name("", "ru"), light_name("", "en")) == ("документ-light", "document-light")


def test_the_copy_to_print_has_a_name_of_its_own() -> None:
    assert light_name("Лекция 3.pdf", "ru", mark="light-print") == "Лекция 3-light-print.pdf"


def test_the_header_carries_cyrillic_whole_and_its_sound_for_those_who_know_no_better() -> None:
    assert attachment("План 3-light.pdf") == (
        "attachment; filename=\"Plan 3-light.pdf\"; filename*=UTF-8''%D0%9F%D0%BB%D0%B0%D0%BD%203-light.pdf"
    )
    assert 'filename="Lektsiya Shchuki No5.pdf"' in attachment("Лекция Щуки №5.pdf")


@pytest.mark.parametrize("name", ['a"b.pdf', "a\\b.pdf", "100%25.pdf", "a\r\nX: y.pdf", "日本.pdf", "👍.pdf"])
def test_the_header_is_ascii_and_its_quotes_close_whatever_the_name(name: str) -> None:
    header = attachment(name)
    assert header.isascii() and header.isprintable() and header.count('"') == 2
    assert "%" not in header.split('"')[1] and "\\" not in header.split('"')[1]
