"""A text that a course wrote in several languages: a reader gets hers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.night.texts.clean import clean
from proxy.night.texts.spoken import in_language

BASE = "https://lms.example.org/mod/page/view.php?id=7"


def span(language: str, words: str) -> str:
    return f'<span lang="{language}" class="multilang">{words}</span>'


@pytest.mark.parametrize(
    ("written", "ru", "en"),
    [
        ("{mlang ru}Урок{mlang}{mlang en}Lesson{mlang}", "Урок", "Lesson"),
        ("{ mlang RU }Урок{ mlang }, {mlang en}Lesson{mlang}", "Урок, ", ", Lesson"),
        ("{mlang ru,kk}Урок{mlang} {mlang other}Lesson{mlang}", "Урок ", " Lesson"),
        ("{mlang ru_wp}Урок{mlang}{mlang en_us}Lesson{mlang}", "Урок", "Lesson"),
        ("1 {mlang de}Stunde{mlang}{mlang fr}cours{mlang} 2", "1 Stunde 2", "1 Stunde 2"),
        ("1 {mlang en}for guests{mlang} 2", "1  2", "1 for guests 2"),
        ("<p>{mlang ru}</p><p>А</p><p>{mlang}{mlang en}B{mlang}</p>", "<p></p><p>А</p><p></p>", "<p>B</p>"),
        ("{mlang ru}Урок, and no end", "{mlang ru}Урок, and no end", "{mlang ru}Урок, and no end"),
        ("a {mlang} b", "a {mlang} b", "a {mlang} b"),
        (span("ru", "Урок") + "\n" + span("en", "Lesson"), "Урок\n", "\nLesson"),
        ('<SPAN class="x multilang" lang="ru">А</SPAN>' + span("en", "B") + " c", "А c", "B c"),
        (span("ru", f"<b>А</b><span>{'б'}</span>") + span("en", "B"), "<b>А</b><span>б</span>", "B"),
        (span("de", "A") + span("fr", "B"), "A", "A"),
        (span("ru", "один") + " и " + span("en", "two"), span("ru", "один") + " и " + span("en", "two"), None),
        ('<div lang="ru" class="multilang">А</div><div lang="en" class="multilang">B</div>', "А", "B"),
        ('<span lang="la">lex</span> <span class="multilang">x</span>', None, None),
        ("<p>В «multilang» нет ничего</p>", None, None),
    ],
)
def test_each_reader_gets_her_language_and_what_is_nobodys(written: str, ru: str | None, en: str | None) -> None:
    assert in_language(written, "ru") == (written if ru is None else ru)
    assert in_language(written, "en") == (written if en is None else en)


def test_what_is_cut_out_is_cleaned_afterwards() -> None:
    """A mark that begins in an attribute and ends in the words would let the words out into the tag."""
    sly = '<img alt="{mlang de}"> {mlang}" onerror="alert(1)" x="'
    for made in (clean(sly, BASE), clean("<b>{mlang de}x</b>{mlang}<p>y</p>", BASE)):
        assert {language for language, _ in made.spoken} == {"ru", "en"}
        assert all("onerror" not in html and html.count("<b>") == html.count("</b>") for _, html in made.spoken)


def test_the_films_of_all_languages_have_places_of_their_own() -> None:
    film = "https://lms.example.org/pluginfile.php/31/mod_page/content/2/{}.mp4"
    marked = "".join(f'{{mlang {one}}}<video src="{film.format(one)}"></video>{{mlang}}' for one in ("ru", "en"))
    made = clean(marked, BASE)
    assert made.films == (film.format("ru"), film.format("en"))
    assert "/.tropa/film/0" in dict(made.spoken)["ru"] and "/.tropa/film/1" in dict(made.spoken)["en"]


@given(st.text(alphabet="{}mlang ru,en<>/spdiv=\"class'\n", max_size=200), st.sampled_from(["ru", "en"]))
def test_whatever_is_written_choosing_twice_changes_no_more_than_once_for_what_is_unmarked(
    text: str, language: str
) -> None:
    made = in_language(text, language)
    assert len(made) <= len(text)
    assert made == text or "mlang" in text.lower()
