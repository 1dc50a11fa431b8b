"""Pages of what a course says in words, as a night brought it: the courses, one course, one text.

Laws of this file: a text says when it was loaded and that it isn't the site's own page; nothing here counts as seen
there, and nothing pretends to take an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from proxy.pages.context import PageContext
from proxy.pages.full import full_page
from proxy.pages.moments import moment_text, past_text
from proxy.pages.outage import age_text
from proxy.pages.phrases import phrases

if TYPE_CHECKING:  # values alone
    from proxy.night.texts.store import Beside, Head
    from proxy.night.texts.values import Text

HOME = "/.tropa/texts"
_INLINE = frozenset(("section", "label"))  # short words that stand on a course's own page
_NEW = timedelta(days=14)  # so long a course's list says of a text when it was changed
FilmHref = Callable[[str], str]


def courses_page(heads: tuple[Head, ...], context: PageContext) -> bytes:
    """Her courses that are here; none is a page that says how one comes to be."""
    say = phrases(context.language)
    rows = [
        {"href": f"{HOME}/{head.course}", "title": head.title, "texts": say.plural("texts.texts", head.texts)}
        for head in heads
    ]
    return full_page("texts.html", context, rows=rows)


def course_page(head: Head, texts: tuple[Text, ...], context: PageContext, film_href: FilmHref) -> bytes:
    """A course as it goes: its short words at once, the rest by title."""
    sections = [
        {"title": section, "items": _items(head, tuple(its), context, film_href)}
        for section, its in groupby(texts, lambda text: text.section)
    ]
    return full_page(
        "course_texts.html", context, course=head.title, came=_came(head, context), sections=sections, apart=head.apart
    )


def text_page(head: Head, text: Text, context: PageContext, film_href: FilmHref, beside: Beside) -> bytes:
    """One text. Its HTML was cleaned before it was kept. beside: where a book goes on."""
    return full_page(
        "text.html",
        context,
        text=text,
        body=_body(text, film_href),
        course=head.title,
        came=_came(head, context),
        changed=_past(text.changed, context),
        back=f"{HOME}/{head.course}",
        before=_row(head, beside.before),
        after=_row(head, beside.after),
    )


def _row(head: Head, beside: tuple[str, str] | None) -> dict[str, str] | None:
    return {"href": f"{HOME}/{head.course}/{beside[0]}", "title": beside[1]} if beside is not None else None


def film_name(url: str) -> str:
    """A film by its file's name, a recording of many files by nothing better."""
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])[:80]


def _book(text: Text) -> str:
    """Chapters that follow one another belong together; any other text stands for itself."""
    return text.names[-1]


def _items(head: Head, texts: tuple[Text, ...], context: PageContext, film_href: FilmHref) -> list[dict[str, object]]:
    """A section's texts; a book's title stands once, above its chapters."""
    found: list[dict[str, object]] = []
    for _, group in groupby(texts, _book):
        its = tuple(group)
        title = _shared([text.title for text in its]) if len(its) > 1 else ""
        if title:
            rows = [{"href": _href(head, text), "title": text.title[len(title) + 2 :]} for text in its]
            found.append({"title": title, "chapters": rows, "changed": _news(max(_stamps(its), default=None), context)})
        else:
            found += [_item(head, text, context, film_href) for text in its]
    return found


def _shared(titles: list[str]) -> str:
    """What all titles begin with, up to the full stop before they differ; "": nothing."""
    first, last = min(titles), max(titles)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same].rpartition(". ")[0]


def _item(head: Head, text: Text, context: PageContext, film_href: FilmHref) -> dict[str, object]:
    inline = text.kind.value in _INLINE
    return {
        "title": text.title,
        "chapters": (),
        "href": "" if inline else _href(head, text),
        "body": _body(text, film_href) if inline else "",
        "changed": _news(text.changed, context),
    }


def _href(head: Head, text: Text) -> str:
    return f"{HOME}/{head.course}/{text.key}"


def _stamps(texts: tuple[Text, ...]) -> list[datetime]:
    return [text.changed for text in texts if text.changed is not None]


def _news(changed: datetime | None, context: PageContext) -> str:
    """When it was changed, if that was lately."""
    return _past(changed, context) if changed is not None and context.now - changed < _NEW else ""


def _past(instant: datetime | None, context: PageContext) -> str:
    return past_text(instant, context.now, context.territory.zone, context.language) if instant is not None else ""


def _body(text: Text, film_href: FilmHref) -> Markup:
    """The text with its films' places filled in."""
    markup = text.html
    for number, url in enumerate(text.films):
        markup = markup.replace(f'"/.tropa/film/{number}"', f'"{film_href(url)}"')
    return Markup(markup)  # noqa: S704 - cleaned by nh3 when it came, and by nobody else since


def _came(head: Head, context: PageContext) -> str:
    when = moment_text(head.came, context.now, context.territory.zone, context.language)
    return phrases(context.language)("texts.came", when=when, age=age_text(context, head.came))
