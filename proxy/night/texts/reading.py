"""A followed course read in words by the institute's account: what its web services tell, put together as one sheet.

Laws of this file: only what tells a text is called, never what notes a view; a function that the account may not call,
or an answer that makes no sense, costs its own texts alone; a spent allowance ends all of it; everything is bounded.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Follow, Followed
from proxy.media.hours import SPENT
from proxy.night.addresses import Settings
from proxy.night.course_parts import Part, module_parts, post_parts
from proxy.night.service import JSON, ServiceFailed
from proxy.night.texts.books import chapter_text, chapters
from proxy.night.texts.clean import Clean
from proxy.night.texts.making import Module
from proxy.night.texts.told import (
    MAX_TEXTS,
    open_discussions,
    open_forums,
    open_posts,
    outline,
    page_texts,
    thread_text,
)
from proxy.night.texts.values import Sheet, Text, TextKind

logger = logging.getLogger("tropa.night")

MAX_THREADS = 25  # of a forum
MAX_CHAPTERS = 100  # of a book
_SPAN = timedelta(days=14)  # older discussions were brought by nights before
_Read = tuple[Text, Clean]


class Asks(Protocol):
    """The account's questions, each at the place's expense. Both raise ServiceFailed."""

    def ask(self, function: str, now: datetime, **values: str | int) -> Awaitable[JSON]: ...
    def page(self, url: str, now: datetime) -> Awaitable[str]:
        """A stored text of the account's, as the web service names it."""
        ...


class Read(Frozen, frozen=True, kw_only=True):
    """What was read. parts: pictures and films that the texts name, to be fetched; left_out_bytes: found no room."""

    sheet: Sheet
    parts: tuple[Part, ...]
    left_out_bytes: int = 0


class Course(Frozen, frozen=True, kw_only=True):
    """The course as it was told.

    current  the section that it is at; None: not known
    settings how its files and folders are set to be shown
    site     its site's front, without a slash at the end
    zone     of the times that a reader sees
    """

    title: str
    contents: JSON
    settings: Settings
    current: int | None
    site: str
    zone: ZoneInfo


async def read_course(asks: Asks, follow: Follow, course: Course, now: datetime, *, max_bytes: int) -> Read:
    """max_bytes: of all its texts together. Raises ServiceFailed where an allowance is spent."""
    plan = outline(course.contents, follow, course.current, course.site, now)
    found = _Gathered(max_bytes)
    is_read = Followed.SECTIONS in follow.what
    pages = await _pages(asks, follow, plan.modules, now) if is_read else {}
    for one, made in plan.texts:
        if not isinstance(one, Module):
            found.take((one, made) if is_read and made is not None else None)
            continue
        found.files |= {part.url for part in module_parts(one.told, course.settings)}
        found.take(pages.get(one.number))
        if is_read and one.kind == "book":
            async for chapter in _chapters(asks, one, now):
                found.take(chapter)
    if Followed.FORUMS in follow.what:
        async for thread, files in _threads(asks, follow, plan.modules, course, now):
            found.files |= files
            found.take(thread)
    sheet = Sheet(
        title=course.title,
        texts=tuple(found.texts),
        apart=plan.apart,
        modules=frozenset(module.number for module in plan.modules),
        files=frozenset(found.files),
    )
    return Read(sheet=sheet, parts=tuple(found.parts), left_out_bytes=found.left_out_bytes)


class _Gathered:
    """What has been read so far, within its limits."""

    def __init__(self, max_bytes: int) -> None:
        self._left_bytes = max_bytes
        self.texts: list[Text] = []
        self.files: set[str] = set()
        self.parts: list[Part] = []
        self.left_out_bytes = 0

    def take(self, read: _Read | None) -> None:
        if read is None:
            return
        text, made = read
        size = text.bytes
        if size > self._left_bytes or len(self.texts) >= MAX_TEXTS:
            self.left_out_bytes += size
            return
        self._left_bytes -= size
        self.texts.append(text)
        self.files |= {*made.pictures, *made.films, *made.files}
        what = Followed.FORUMS if text.kind is TextKind.THREAD else Followed.SECTIONS
        self.parts += [Part(url=url, what=what, title=text.title, content_type="image/*") for url in made.pictures]
        self.parts += [Part(url=url, what=Followed.RECORDINGS, title=text.title) for url in made.films]


async def _asked(asks: Asks, function: str, now: datetime, **values: str | int) -> JSON:
    """None: the account may not, or the site can't; the report has said so (`proxy.night.functions`)."""
    try:
        return await asks.ask(function, now, **values)
    except ServiceFailed as failed:
        if failed.why == SPENT:
            raise
        logger.info("%s: %s", function, failed.why)
        return None


async def _pages(asks: Asks, follow: Follow, modules: tuple[Module, ...], now: datetime) -> dict[int, _Read]:
    if not any(module.kind == "page" for module in modules):
        return {}
    answer = await _asked(asks, "mod_page_get_pages_by_courses", now, **{"courseids[0]": follow.course})
    return dict(page_texts(answer, modules))


async def _chapters(asks: Asks, module: Module, now: datetime) -> AsyncIterator[_Read]:
    for chapter in chapters(module)[:MAX_CHAPTERS]:
        try:
            markup = await asks.page(chapter.url, now)
        except ServiceFailed as failed:
            if failed.why == SPENT:
                raise
            logger.info("a chapter of %d: %s", module.number, failed.why)
            continue
        read = chapter_text(chapter, markup)
        if read is not None:
            yield read


async def _threads(
    asks: Asks, follow: Follow, modules: tuple[Module, ...], course: Course, now: datetime
) -> AsyncIterator[tuple[_Read | None, frozenset[str]]]:
    """Discussions with the files that their posts carry."""
    if not any(module.kind == "forum" for module in modules):
        return
    forums = await _asked(asks, "mod_forum_get_forums_by_courses", now, **{"courseids[0]": follow.course})
    for number, module in open_forums(forums, modules):
        rows = await _asked(asks, "mod_forum_get_forum_discussions", now, **discussions_of(number))
        for row in open_discussions(rows, now - _SPAN, now)[:MAX_THREADS]:
            posts = await _asked(asks, "mod_forum_get_discussion_posts", now, discussionid=row["discussion"])
            shown = open_posts(posts)
            files = frozenset(part.url for part in post_parts(shown))
            yield thread_text(row, shown, module, site=course.site, zone=course.zone), files


def discussions_of(forum: int) -> dict[str, int]:
    """The parameters by which a forum's latest discussions are asked for."""
    return {"forumid": forum, "page": 0, "perpage": MAX_THREADS}
