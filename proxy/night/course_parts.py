"""What of a Moodle course can be fetched ahead, told from its web services' answers: pure.

Laws of this file: whatever shape an answer has, parts that make sense come out and nothing raises; assessments are left
alone; only what a stored file's own address names is taken, never a page that counts as seen when it is opened.
Source: core_course_get_contents, mod_forum_get_discussion_posts (Moodle 4.x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from policies.frozen import Frozen
from policies.model import Follow, Followed
from proxy.night.addresses import BY_ITSELF, Settings, linked_url, stored_url
from proxy.night.answers import JSON, instant, mapping, mappings, whole

_SOON = timedelta(hours=36)  # tomorrow, seen from any hour of the night before
ASSESSED = frozenset(
    ("quiz", "assign", "scorm", "h5pactivity", "hvp", "feedback", "lesson", "workshop", "survey", "choice", "data")
)
_LAID_OUT = frozenset(("resource", "folder"))
_SUBSECTION = "subsection"
_FILMS = ("video/", "audio/")
PLAYBACK = re.compile(
    r"https?://[^/\s\"'<>?#&]+/playback/presentation/[\d.]+/(?:playback\.html\?meetingId=)?[^\s\"'<>?#&\\]+"
)  # versions before 2.3 name the recording in the query
MAX_PARTS = 2000


class Part(Frozen, frozen=True, kw_only=True):
    """One file of a course, or a recording that it links to.

    url        as learners ask for it
    title      for the report; a file's or an activity's name
    modified   when the file was changed, as the course says; None: it doesn't
    urgent_at  when it will be needed, where the course says so
    """

    url: str
    what: Followed
    title: str
    size_bytes: int | None = None
    content_type: str = ""
    modified: datetime | None = None
    urgent_at: datetime | None = None

    @property
    def is_film(self) -> bool:
        return self.content_type.startswith(_FILMS) or "/playback/presentation/" in self.url


def current_section(course: JSON, now: datetime) -> int | None:
    """The number of the section that the course is at: the highlighted one, else this week's; None: not known."""
    found = mapping(course)
    marker = whole(found.get("marker"))
    if marker:
        return marker
    starts = whole(found.get("startdate"))
    if found.get("format") == "weeks" and starts and now.timestamp() >= starts:
        return int(now.timestamp() - starts) // (7 * 86400) + 1
    return None


def parts_of(
    contents: JSON, follow: Follow, current: int | None, now: datetime, settings: Settings = BY_ITSELF
) -> tuple[Part, ...]:
    """What of the sections that are followed can be had ahead, what comes up soon with its time."""
    found: list[Part] = []
    for section, number, _ in sections_of(contents):
        near = current is None or current <= number <= current + follow.ahead
        if section.get("visible") == 0:
            continue
        for module in mappings(section.get("modules")):
            is_shown = module.get("uservisible") is not False and module.get("visible") != 0
            if module.get("modname") in ASSESSED or not is_shown:
                continue
            opens = soon(module, now)
            parts = module_parts(module, settings, opens)
            found += (part for part in parts if near or opens is not None or _is_webinar(part))
    wanted = (part for part in found if part.what in follow.what)
    return tuple({part.url: part for part in wanted}.values())[:MAX_PARTS]


def sections_of(contents: JSON) -> Iterator[tuple[dict[str, JSON], int, dict[str, JSON] | None]]:
    """(section, the number that it counts as, the activity that it lies in or None).

    Since Moodle 4.5 a subsection is told as one more section behind all others, which names the activity that it lies
    in: it counts as the section where that stands.
    """
    stand: dict[object, tuple[int, dict[str, JSON]]] = {}
    for section in mappings(contents):
        number = whole(section.get("section")) or 0
        for module in mappings(section.get("modules")):
            if module.get("modname") == _SUBSECTION and whole(module.get("instance")):
                stand[module["instance"]] = number, module
    for section in mappings(contents):
        own = whole(section.get("section")) or 0
        if section.get("component") == f"mod_{_SUBSECTION}":
            number, within = stand.get(whole(section.get("itemid")), (own, None))
            yield section, number, within
        else:
            yield section, own, None


def tells_conditions(contents: JSON) -> bool:
    """Whether the account is told of activities' conditions: Moodle tells those alone who may see hidden activities."""
    modules = [module for section in mappings(contents) for module in mappings(section.get("modules"))]
    return not modules or any("availability" in module for module in modules)


def kinds_of(contents: JSON) -> frozenset[str]:
    """Which kinds of activities the course has."""
    sections = mappings(contents)
    return frozenset(str(one.get("modname")) for section in sections for one in mappings(section.get("modules")))


def forums_of(contents: JSON) -> tuple[int, ...]:
    """The numbers by which the course's forums are asked for."""
    modules = [module for section in mappings(contents) for module in mappings(section.get("modules"))]
    numbers = (whole(module.get("instance")) for module in modules if module.get("modname") == "forum")
    return tuple(number for number in numbers if number)


def fresh_discussions(answer: JSON, since: datetime) -> tuple[int, ...]:
    """Discussions in which something was written since."""
    rows = mappings(mapping(answer).get("discussions"))
    found = ((whole(row.get("discussion")), whole(row.get("timemodified")) or 0) for row in rows)
    return tuple(number for number, at in found if number and at >= since.timestamp())


def post_parts(answer: JSON) -> tuple[Part, ...]:
    """What the posts of a discussion carry: attachments and the pictures inside their text.

    Moodle's pages show and link every attachment as one to keep; its answers don't tell files' types.
    """
    found: list[Part] = []
    for post in mappings(mapping(answer).get("posts")):
        title = str(post.get("subject") or "")
        for key in ("attachments", "messageinlinefiles"):
            for file in mappings(post.get(key)):
                url = str(file.get("fileurl") or file.get("url") or "")
                found += _file_part(file, stored_url(url, download=key == "attachments"), Followed.FORUMS, title)
    return tuple(found)


def webinars_of(contents: JSON) -> tuple[tuple[int, str], ...]:
    """(number, title) of the course's webinar rooms that are shown."""
    modules = [module for section in mappings(contents) for module in mappings(section.get("modules"))]
    rooms = [one for one in modules if one.get("modname") == "bigbluebuttonbn" and one.get("uservisible") is not False]
    return tuple((number, str(room.get("name") or "")) for room in rooms if (number := whole(room.get("instance"))))


def module_parts(module: dict[str, JSON], settings: Settings, urgent_at: datetime | None = None) -> Iterator[Part]:
    """An activity's files, and the recordings that it links to."""
    name, laid_out = str(module.get("name") or ""), module.get("modname") in _LAID_OUT
    for file in mappings(module.get("contents")):
        if file.get("type", "file") != "file" or (_is_text(file) and not laid_out):
            continue
        if str(file.get("mimetype") or "").startswith(_FILMS):
            what = Followed.RECORDINGS
        else:
            what = Followed.FILES if laid_out else Followed.SECTIONS
        yield from _file_part(file, linked_url(file, module, settings), what, name, urgent_at)
    told = [str(module.get("description") or "")]
    told += [str(file.get("fileurl") or "") for file in mappings(module.get("contents")) if file.get("type") == "url"]
    for found in PLAYBACK.findall(" ".join(told)):
        yield Part(url=found, what=Followed.RECORDINGS, title=name, urgent_at=urgent_at)


def _is_text(file: dict[str, JSON]) -> bool:
    """A page's or a chapter's own text, which only a learner may open."""
    return file.get("filename") == "index.html" and not str(file.get("mimetype") or "").startswith("image/")


def _file_part(
    file: dict[str, JSON], url: str | None, what: Followed, title: str, urgent_at: datetime | None = None
) -> Iterator[Part]:
    """Nothing where it has no address of a stored file."""
    if url is not None:
        yield Part(
            url=url,
            what=what,
            title=str(file.get("filename") or "") or title,
            size_bytes=whole(file.get("filesize")),
            content_type=str(file.get("mimetype") or ""),
            modified=instant(file.get("timemodified")),
            urgent_at=urgent_at,
        )


def _is_webinar(part: Part) -> bool:
    """Recordings of webinars lie in a section of their own, wherever the course is."""
    return part.what is Followed.RECORDINGS and "/playback/presentation/" in part.url


def soon(module: dict[str, JSON], now: datetime) -> datetime | None:
    """When it opens, if that is before the next night but one."""
    times = (instant(date.get("timestamp")) for date in mappings(module.get("dates")))
    return min((one for one in times if one is not None and now < one <= now + _SOON), default=None)
