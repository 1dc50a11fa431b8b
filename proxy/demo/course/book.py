"""The course's book: chapters a page each, one of them hidden, one below another, with a picture of its own.

What its web service tells is as Moodle's `book_export_contents` has it: the table of contents as a JSON text, then each
chapter as a file `index.html` that is made when it is asked for, whose pictures are named from where it lies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from proxy.demo.course.catalog import ACTIVITIES
from proxy.demo.course.pages import activity_of
from proxy.demo.course.web import render, site, wwwroot

BOOK = ACTIVITIES[154]
_CHANGED = 1725177600


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """picture: a stored file of its own; hidden: teachers alone see it."""

    number: int
    title: str
    words: tuple[str, ...]
    picture: str = ""
    is_sub: bool = False
    hidden: bool = False


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        number=41,
        title="Зачем отвечать ученику",
        words=(
            "Отметка говорит, где ученик стоит. Ответ говорит, куда ему идти. На расстоянии ученик не видит лица "
            "учителя, поэтому ответ остаётся единственным, по чему он узнаёт, прочли ли его работу.",
            "Хороший ответ короток: что уже получилось, что исправить первым и как понять, что исправлено.",
        ),
    ),
    Chapter(
        number=42,
        title="Четыре шага занятия",
        words=(
            "Ответ встроен в занятие: прочитать, попробовать, спросить, исправить. На рисунке видно, что к исправлению "
            "возвращаются, пока ученик не скажет сам, чем новая работа лучше прежней.",
        ),
        picture="cikl-zanyatiya.png",
    ),
    Chapter(
        number=44,
        title="Ответ голосом",
        words=(
            "Две минуты звука весят меньше одной фотографии. Назовите ученика по имени, скажите одно достоинство "
            "и одно исправление, закончите вопросом.",
        ),
        is_sub=True,
    ),
    Chapter(number=43, title="Для ведущих курса", words=("Ключи к заданиям второй недели.",), hidden=True),
)
_SHOWN = tuple(chapter for chapter in CHAPTERS if not chapter.hidden)


async def view(request: web.Request) -> web.Response:
    """A chapter with the table of contents; the first one where none is named."""
    activity_of(request, "book")
    wanted = request.query.get("chapterid", str(_SHOWN[0].number))
    chapter = next((one for one in _SHOWN if str(one.number) == wanted), None)
    if chapter is None:
        raise web.HTTPNotFound(text="invalidchapterid")
    return render(request, "book.html", title=BOOK.title, activity=BOOK, chapters=_SHOWN, chapter=chapter)


def contents(request: web.Request) -> list[dict[str, Any]]:
    """The book's files as `core_course_get_contents` lists them."""
    files: list[dict[str, Any]] = []
    for chapter in _SHOWN:
        files.append(_file(request, chapter, "index.html") | {"content": chapter.title, "filesize": 0})
        if chapter.picture:
            stored = site(request).files[chapter.picture]
            facts = {"filesize": stored.size_bytes, "mimetype": stored.content_type, "isexternalfile": False}
            files.append(_file(request, chapter, chapter.picture) | facts)
    structure = {"type": "content", "filename": "structure", "filepath": "/", "filesize": 0, "fileurl": None}
    return [structure | {"content": json.dumps(_structure(), ensure_ascii=False)}, *files]


def _structure() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for chapter in _SHOWN:
        row = {"title": chapter.title, "href": f"{chapter.number}/index.html", "level": int(chapter.is_sub)}
        row |= {"hidden": "0", "subitems": []}
        (found[-1]["subitems"] if chapter.is_sub else found).append(row)
    return found


def _file(request: web.Request, chapter: Chapter, name: str) -> dict[str, Any]:
    path = f"/webservice/pluginfile.php/{1000 + BOOK.cmid}/mod_book/chapter/{chapter.number}/{name}"
    told = {"type": "file", "filename": name, "filepath": f"/{chapter.number}/", "fileurl": wwwroot(request) + path}
    return told | {"timemodified": _CHANGED, "sortorder": 0}


def chapter_file(number: str) -> str | None:
    """`index.html` of a chapter, its pictures named from there; None: there is none that is shown."""
    chapter = next((one for one in _SHOWN if str(one.number) == number), None)
    if chapter is None:
        return None
    picture = f'<p><img src="{chapter.picture}" alt="{chapter.title}"></p>' if chapter.picture else ""
    heading = f"<h3>{chapter.title}</h3>"
    return heading + "".join(f"<p>{words}</p>" for words in chapter.words) + picture


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [web.get("/mod/book/view.php", view)]
