"""What the web services tell of a course in words: its pages, what its webinar rooms have recorded."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from proxy.demo.course.catalog import ACTIVITIES, COURSE_ID
from proxy.demo.course.pages import SHOWN
from proxy.demo.course.rooms import RECORDINGS
from proxy.demo.course.state import User
from proxy.demo.course.web import words_of, wwwroot

_CHANGED = 1725177600


def is_ours(values: dict[str, str]) -> bool:
    return str(COURSE_ID) in (value for name, value in values.items() if name.startswith("courseids["))


def pages(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """Moodle names stored files as the web services have them."""
    found = [one for one in ACTIVITIES.values() if one.module == "page"] if is_ours(values) else []
    service = f'"{wwwroot(request)}/webservice/pluginfile.php/'
    rows = [
        {
            "id": one.cmid,
            "coursemodule": one.cmid,
            "course": COURSE_ID,
            "name": one.title,
            "content": words_of(request, one, **SHOWN).replace('"/pluginfile.php/', service),
            "contentformat": 1,
            "timemodified": _CHANGED,
        }
        for one in found
    ]
    return {"pages": rows, "warnings": []}


def recordings(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """Rows for a table, as a JSON text with HTML inside, as the module has them."""
    rows = [
        {
            "recording": title,
            "playback": f'<a href="{wwwroot(request)}/playback/presentation/2.3/{number}">presentation</a>',
        }
        for number, title in list(RECORDINGS.items())[:1]  # the others are older than what the room's module lists
        if values.get("bigbluebuttonbnid") == "202"
    ]
    return {"status": True, "tabledata": {"columns": [], "data": json.dumps(rows)}, "warnings": []}
