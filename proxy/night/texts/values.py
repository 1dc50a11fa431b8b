"""A course's texts as values: what lies between the web services' answers, the store and the reader's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from policies.frozen import Frozen
from proxy.night.texts.spoken import in_language


class TextKind(StrEnum):
    """What a text is at the site."""

    SECTION = "section"
    LABEL = "label"
    PAGE = "page"
    CHAPTER = "chapter"
    THREAD = "thread"


class Text(Frozen, frozen=True, kw_only=True):
    """One text of a course, safe to stand in a page.

    key       names it within its course and stays the same from night to night: "page-151", "thread-11",
              "chapter-154-42" (a book's number, then the chapter's)
    section   the title that it stands under
    html      cleaned; a film is a link to `clean.FILM_PLACE` and its number in films
    spoken    (language, html) where it is written in several; html is one of them then, titles are in all of them
    target    where it is at the site, as a raw path and query; "" nowhere by itself
    changed   when it was changed there; None: the site doesn't say
    """

    key: str
    kind: TextKind
    section: str
    title: str
    html: str
    spoken: tuple[tuple[str, str], ...] = ()
    target: str = ""
    changed: datetime | None = None
    films: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """By which it is asked for: its key; of a chapter also its book's, by which the first one opens."""
        return (self.key, self.key.rpartition("-")[0]) if self.kind is TextKind.CHAPTER else (self.key,)

    @property
    def bytes(self) -> int:
        return sum(len(words.encode()) for words in (dict(self.spoken).values() if self.spoken else (self.html,)))

    def for_reader(self, language: str) -> Text:
        """The same in her language alone."""
        return replace(
            self,
            section=in_language(self.section, language),
            title=in_language(self.title, language),
            html=dict(self.spoken).get(language, self.html),
            spoken=(),
        )


class Sheet(Frozen, frozen=True, kw_only=True):
    """What one night told of a course.

    title     the course's
    texts     in the course's own order
    apart     titles of what only the site itself can give: what is graded, what isn't everybody's
    modules   numbers of the activities that stand here, by which their own pages prove a place in the course
    files     absolute addresses of stored files that everybody in the course may have
    """

    title: str
    texts: tuple[Text, ...] = ()
    apart: tuple[str, ...] = ()
    modules: frozenset[int] = frozenset()
    files: frozenset[str] = frozenset()

    @property
    def bytes(self) -> int:
        return sum(text.bytes for text in self.texts)
