"""What web services tell of a course's texts, as far as everybody in the course may read it: pure.

Laws of this file:
- the institute's account may see more than a learner does, so a text counts as everybody's only where the answer says
  so: an activity that is hidden, has conditions or isn't listed is left out, with all that it holds; so are a group's
  own discussion, an answer in private, a forum where one must write before one reads; what isn't said of those counts
  as no, and where an account isn't told of conditions at all, nothing of the course is everybody's;
- what is graded is never read; its title alone is told;
- whatever shape an answer has, what makes sense comes out and nothing raises.
Source: core_course_get_contents, mod_page_get_pages_by_courses, mod_forum_get_forums_by_courses,
mod_forum_get_forum_discussions, mod_forum_get_discussion_posts (Moodle 4.x).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from html import escape
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Follow
from proxy.night.answers import JSON, instant, mapping, mappings, whole
from proxy.night.course_parts import ASSESSED, sections_of, soon, tells_conditions
from proxy.night.texts.books import book_key
from proxy.night.texts.clean import Clean
from proxy.night.texts.making import Module, cleaned, made_text, placed, titled
from proxy.night.texts.values import Text, TextKind

MAX_TEXTS = 1500  # of one course
_BY_DISCUSSION = "/mod/forum/discuss.php"
_COURSE = "/course/view.php"
_MODULE = "/mod/"
_ANYWHERE = frozenset(("forum", "bigbluebuttonbn"))


class Outline(Frozen, frozen=True, kw_only=True):
    """A course's sections as far as they are read. apart: titles of what is not."""

    texts: tuple[tuple[Text | Module, Clean | None], ...]
    apart: tuple[str, ...]

    @property
    def modules(self) -> tuple[Module, ...]:
        return tuple(one for one, _ in self.texts if isinstance(one, Module))


def outline(contents: JSON, follow: Follow, current: int | None, site: str, now: datetime) -> Outline:
    """The followed sections: their own words at once, their activities by what must still be asked for.

    Forums, webinars and what opens soon count wherever they stand.

    site  the site's front, without a slash at its end
    """
    found: list[tuple[Text | Module, Clean | None]] = []
    apart: list[str] = []
    if not tells_conditions(contents):
        return Outline(texts=(), apart=())
    for section, number, within in sections_of(contents):
        near = current is None or current <= number <= current + follow.ahead
        if not is_everybodys(section) or (within is not None and not is_everybodys(within)):
            continue
        title = titled(section.get("name"))
        found += _of_section(section, title, site) if near else ()
        for module in mappings(section.get("modules")):
            name, kind = titled(module.get("name")), str(module.get("modname") or "")
            if not near and kind not in _ANYWHERE and soon(module, now) is None:
                continue
            if kind in ASSESSED or not is_everybodys(module) or module.get("visibleoncoursepage", 1) != 1:
                apart += [name] if name and module.get("uservisible") is not False else []
                continue
            found += _of_module(module, kind, name, title, site)
    return Outline(texts=tuple(found[:MAX_TEXTS]), apart=tuple(apart[:MAX_TEXTS]))


def is_everybodys(thing: dict[str, JSON]) -> bool:
    """Whether a section or an activity is open to all who are in the course."""
    shown = thing.get("visible", 1) == 1 and thing.get("uservisible") is not False
    return shown and not thing.get("availabilityinfo") and not _has_conditions(thing.get("availability"))


def _has_conditions(told: JSON) -> bool:
    """Moodle's conditions as JSON; an empty list of them is none."""
    if not told:
        return False
    try:
        return bool(mapping(json.loads(told)).get("c")) if isinstance(told, str) else True
    except ValueError:
        return True


def _of_section(section: dict[str, JSON], title: str, site: str) -> Iterator[tuple[Text, Clean]]:
    made = cleaned(section.get("summary"), f"{site}/course/view.php")
    if made is not None:
        number = whole(section.get("section")) or 0
        yield made_text(f"section-{number}", TextKind.SECTION, title, title, made), made


def _of_module(
    module: dict[str, JSON], kind: str, name: str, section: str, site: str
) -> Iterator[tuple[Text | Module, Clean | None]]:
    number = whole(module.get("id"))
    if number is None:
        return
    yield Module(number=number, kind=kind, title=name, section=section, told=module), None
    if kind == "label":
        made = cleaned(module.get("description"), f"{site}/course/view.php")
        if made is not None:
            yield made_text(f"label-{number}", TextKind.LABEL, section, name, made), made


# -- pages -------------------------------------------------------------------------------------------------------------


def page_texts(answer: JSON, modules: tuple[Module, ...]) -> Iterator[tuple[int, tuple[Text, Clean]]]:
    """Pages' own contents, of those activities alone, by their numbers."""
    known = {module.number: module for module in modules if module.kind == "page"}
    for page in mappings(mapping(answer).get("pages")):
        module = known.get(whole(page.get("coursemodule")) or 0)
        made = cleaned(page.get("content"), module.url) if module is not None else None
        if module is not None and made is not None:
            text = made_text(f"page-{module.number}", TextKind.PAGE, module.section, module.title, made)
            yield module.number, (placed(text, module.url, page.get("timemodified")), made)


# -- forums ------------------------------------------------------------------------------------------------------------


def open_forums(answer: JSON, modules: tuple[Module, ...]) -> tuple[tuple[int, Module], ...]:
    """(number of the forum, its activity): those where everybody reads what everybody writes."""
    known = {module.number: module for module in modules if module.kind == "forum"}
    found = []
    for forum in mappings(answer):
        module, number = known.get(whole(forum.get("cmid")) or 0), whole(forum.get("id"))
        if module is not None and number and forum.get("type") in ("general", "news", "single", "eachuser", "blog"):
            found.append((number, module))
    return tuple(found)


def open_discussions(answer: JSON, since: datetime, now: datetime) -> tuple[dict[str, JSON], ...]:
    """Those of all participants, shown at this instant, in which something was written since."""
    rows = mappings(mapping(answer).get("discussions"))
    return tuple(
        row for row in rows if _is_open(row, now) and (whole(row.get("timemodified")) or 0) >= since.timestamp()
    )


def _is_open(row: dict[str, JSON], now: datetime) -> bool:
    """Moodle writes -1 for all participants; a group's own discussion has the group's number."""
    begins, ends = whole(row.get("timestart")) or 0, whole(row.get("timeend")) or 0
    shown = begins <= now.timestamp() and (not ends or now.timestamp() < ends)
    return row.get("groupid") == -1 and shown and bool(whole(row.get("discussion")))


def open_posts(answer: JSON) -> dict[str, JSON]:
    """The same answer with those posts alone that everybody reads."""
    posts = mappings(mapping(answer).get("posts"))
    return {"posts": [one for one in posts if one.get("isprivatereply") is False and _is_shown(one)]}


def _is_shown(post: dict[str, JSON]) -> bool:
    """Of a deleted post and of one that may not be read Moodle tells a sentence that says so."""
    return post.get("isdeleted") is not True and mapping(post.get("capabilities")).get("view") is not False


def thread_text(
    row: dict[str, JSON], posts: JSON, module: Module, *, site: str, zone: ZoneInfo
) -> tuple[Text, Clean] | None:
    """A discussion as one text, the oldest post first. posts: of `open_posts`; zone: of the times that it tells."""
    number = whole(row.get("discussion")) or 0
    target = f"{site}{_BY_DISCUSSION}?d={number}"
    said = sorted(mappings(mapping(posts).get("posts")), key=_written)
    made = cleaned("".join(_post(post, zone) for post in said), target)
    if made is None:
        return None
    title = titled(row.get("name") or row.get("subject")) or module.title
    text = made_text(f"thread-{number}", TextKind.THREAD, module.title, title, made)
    return placed(text, target, row.get("timemodified")), made


def _written(post: dict[str, JSON]) -> tuple[int, int]:
    """When, and in which order within a second."""
    return whole(post.get("timecreated")) or 0, whole(post.get("id")) or 0


def _post(post: dict[str, JSON], zone: ZoneInfo) -> str:
    """Cleaned with all the rest: nothing here is trusted yet."""
    who = escape(titled(mapping(post.get("author")).get("fullname")))
    written = instant(post.get("timecreated"))
    when = f"{written.astimezone(zone):%d.%m.%Y %H:%M}" if written is not None else ""
    head = ", ".join(part for part in (f"<b>{who}</b>" if who else "", when) if part)
    return f"<h3>{escape(titled(post.get('subject')))}</h3><p>{head}</p>{post.get('message') or ''}<hr>"


# -- addresses that prove a place in a course --------------------------------------------------------------------------


def named_course(target: str) -> int | None:
    """The course whose own page this is; None: another page."""
    return _named(target) if target.partition("?")[0].endswith(_COURSE) else None


def named_module(target: str) -> int | None:
    """The activity whose own page this is."""
    path = target.partition("?")[0]
    return _named(target) if _MODULE in path and path.endswith("/view.php") else None


def named_text(target: str) -> str:
    """What a text of this page would be called; "": this page has none."""
    path, _, query = target.partition("?")
    if path.endswith(_BY_DISCUSSION):
        discussion = _number_in(query, "d")
        return f"thread-{discussion}" if discussion is not None else ""
    number, chapter = _named(target), _number_in(query, "chapterid")
    if number is not None and "/mod/book/" in path:
        return book_key(number) + (f"-{chapter}" if chapter is not None else "")
    return f"page-{number}" if number is not None and "/mod/page/" in path else ""


def _named(target: str) -> int | None:
    return _number_in(target.partition("?")[2], "id")


def _number_in(query: str, name: str) -> int | None:
    value = parse_qs(query).get(name, [""])[0]
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 12 else None
