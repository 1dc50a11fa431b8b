"""Which web services the institute's account needs for what is followed, and which of them it may call.

Laws of this file: pure; an account that doesn't say what it may call isn't blamed for it.
Source: core_webservice_get_site_info (Moodle 4.x).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policies.model import Followed
from proxy.night.answers import mapping, mappings

SITE_INFO = "core_webservice_get_site_info"
# How files and folders are set to be shown, which decides the addresses that learners' pages have.
SHOWN_BY = {"resource": "mod_resource_get_resources_by_courses", "folder": "mod_folder_get_folders_by_courses"}
_ALWAYS = ("core_course_get_courses_by_field", "core_course_get_contents")
_NEEDED: dict[Followed, tuple[str, ...]] = {
    Followed.SECTIONS: ("mod_page_get_pages_by_courses",),
    Followed.FILES: tuple(SHOWN_BY.values()),
    # What webinar rooms recorded is asked for where there are rooms, and a refusal told then.
    Followed.RECORDINGS: tuple(SHOWN_BY.values()),
    Followed.FORUMS: (
        "mod_forum_get_forums_by_courses",
        "mod_forum_get_forum_discussions",
        "mod_forum_get_discussion_posts",
    ),
}
FILES = "download-files"  # the service's own switch for stored files
CONDITIONS = "moodle/course:viewhiddenactivities"  # without it nothing tells which activities have conditions


def needed(what: Iterable[Followed]) -> tuple[str, ...]:
    """For these things of a course, in a fixed order."""
    followed = frozenset(what)
    names = (name for one in Followed if one in followed for name in _NEEDED[one])
    return tuple(dict.fromkeys((*_ALWAYS, *names)))


def missing(info: Any, what: Iterable[Followed]) -> tuple[str, ...]:
    """What the account may not call of it; FILES where it may not have stored files. Empty: all is well, or unsaid."""
    told = mapping(info)
    names = {str(row.get("name")) for row in mappings(told.get("functions"))}
    if not names:
        return ()
    lacks = tuple(name for name in needed(what) if name not in names)
    return lacks if told.get("downloadfiles") in (1, True, None) else (*lacks, FILES)
