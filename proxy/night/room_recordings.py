"""What a webinar room has recorded, as its module's web service tells it: pure.

Laws of this file: whatever shape the answer has, what makes sense comes out and nothing raises; a recording that isn't
published, or plays in no form that is known here, is none; bounded.
Source: mod_bigbluebuttonbn_get_recordings (Moodle 3.9 to 5.0): `tabledata.data` is a JSON text of rows with HTML in
them. Before 4.0 a row's link leads to where the recording plays, plainly or inside a link of Moodle's own. Since then
the link is Moodle's own alone and asks for a login; but the pictures of a row's preview lie in the recording's folder
(`/presentation/NUMBER/…`), which tells where it plays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

from policies.model import Followed
from proxy.night.answers import JSON, mapping, mappings
from proxy.night.course_parts import PLAYBACK, Part

MAX_RECORDINGS = 50  # of one room
_PRESENTATION = re.compile(r"[?&]rtype=presentation\b")
_PREVIEW = re.compile(r"(https?://[^/\s\"'<>]+)/presentation/([A-Za-z0-9-]{6,80})/presentation/[^\s\"'<>]+/thumbnails/")
_TAG = re.compile(r"<[^<>]*>")
_PLAYER = "/playback/presentation/2.3/"


def recorded_parts(answer: JSON, title: str) -> tuple[Part, ...]:
    """A room's recordings as far as the answer tells where they play. title: the room's, for those without a name."""
    data = mapping(mapping(answer).get("tabledata")).get("data")
    try:
        rows = json.loads(data) if isinstance(data, str) else None
    except ValueError:
        rows = None
    found: dict[str, Part] = {}
    for row in mappings(rows):
        for url in _addresses(row):
            found.setdefault(url, Part(url=url, what=Followed.RECORDINGS, title=_name(row) or title))
    return tuple(found.values())[:MAX_RECORDINGS]


def _addresses(row: dict[str, JSON]) -> Iterator[str]:
    """Where a row's recording plays."""
    links = unquote(unescape(str(row.get("playback") or "")))
    named = PLAYBACK.findall(links)
    yield from named
    if not named and _PRESENTATION.search(links):
        shown = _PREVIEW.search(unescape(str(row.get("preview") or "")))
        if shown is not None:
            yield f"{shown[1]}{_PLAYER}{shown[2]}"


def _name(row: dict[str, JSON]) -> str:
    return " ".join(unescape(_TAG.sub(" ", str(row.get("recording") or ""))).split())
