"""A book of a course: its chapters in their order, each one text: pure.

Laws of this file: hidden chapters aren't told of, nor what is below them; a chapter's text is a file of the account's,
so its pictures are named from where it lies; whatever shape an answer has, nothing raises.
Source: mod_book's contents in core_course_get_contents, and its `index.html` of a chapter (Moodle 4.x).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from policies.frozen import Frozen
from proxy.night.answers import JSON, mappings, whole
from proxy.night.texts.clean import Clean
from proxy.night.texts.making import Module, cleaned, made_text, placed, titled
from proxy.night.texts.spoken import in_language
from proxy.night.texts.values import Text, TextKind

_CHAPTER = "index.html"
_HEADINGS = re.compile(r"<h3>([^<]*)</h3>(?:\s*<h4>([^<]*)</h4>)?")


class Chapter(Frozen, frozen=True, kw_only=True):
    """A chapter of a book.

    url      of its text, as the account has it; its pictures lie beside it and are named from there
    changed  as the answer has it
    """

    number: str
    title: str
    url: str
    module: Module
    changed: JSON = None

    @property
    def key(self) -> str:
        return f"{book_key(self.module.number)}-{self.number}"

    @property
    def page(self) -> str:
        """Where it is read at the site."""
        return f"{self.module.url}&chapterid={self.number}" if self.module.url else ""


def book_key(module: int) -> str:
    """What the names of a book's chapters begin with; by itself it names the first of them."""
    return f"chapter-{module}"


def chapters(module: Module) -> tuple[Chapter, ...]:
    """A book's chapters in their order; hidden ones aren't told of."""
    titles = dict(_structure(module))
    found = []
    for file in mappings(module.told.get("contents")):
        if file.get("type") != "file" or file.get("filename") != _CHAPTER:
            continue
        number = str(file.get("filepath") or "").strip("/")
        title = titles.get(number) or titled(file.get("content")) or module.title
        url = str(file.get("fileurl") or "")
        if number.isdigit() and number in titles and url:
            changed = file.get("timemodified")
            found.append(Chapter(number=number, title=title, url=url, module=module, changed=changed))
    return tuple(found)


def chapter_text(chapter: Chapter, markup: str) -> tuple[Text, Clean] | None:
    made = cleaned(markup, chapter.url)
    if made is None:
        return None
    spoken = tuple((one, _without_heading(words, in_language(chapter.title, one))) for one, words in made.spoken)
    made = replace(made, html=_without_heading(made.html, chapter.title), spoken=spoken)
    title = f"{chapter.module.title}. {chapter.title}" if chapter.title != chapter.module.title else chapter.title
    text = made_text(chapter.key, TextKind.CHAPTER, chapter.module.section, title, made)
    return placed(text, chapter.page, chapter.changed), made


def _without_heading(markup: str, title: str) -> str:
    """Moodle begins a chapter with its title, numbered where the book wants that; a page that shows it has its own."""
    found = _HEADINGS.match(markup)
    if found is None or not titled(found[2] or found[1]).endswith(title):
        return markup
    return markup[found.end() :].lstrip()


def _structure(module: Module) -> Iterator[tuple[str, str]]:
    """(chapter, title) of a book's table of contents, a JSON text among its files."""
    for file in mappings(module.told.get("contents")):
        if file.get("type") != "content":
            continue
        try:
            told = json.loads(str(file.get("content") or ""))
        except ValueError:
            continue
        yield from _entries(told, depth=0)


def _entries(told: JSON, depth: int) -> Iterator[tuple[str, str]]:
    if depth > 4:
        return
    for entry in mappings(told):
        number = str(entry.get("href") or "").partition("/")[0]
        if number.isdigit() and not whole(entry.get("hidden")) and str(entry.get("hidden") or "0") == "0":
            yield number, titled(entry.get("title"))
            yield from _entries(entry.get("subitems"), depth + 1)
