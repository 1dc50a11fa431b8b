"""A picture that came by night is smaller at once for the first who opens it in the morning."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from proxy.night.pictures import ACCEPTS
from scheduler.requests import OPEN
from tests.pictures import photo, saved
from tests.serving import NIGHT, Served, served
from tests.unit.proxy.stages.test_kept import BOX

PICTURE = "/pluginfile.php/1131/mod_page/content/3/urok.jpg"
_PATIENCE_S = 60.0
WIDE = "{down: 40 Mbit/s, up: 1 Mbit/s, rtt: 50 ms}"  # the night's pace waits in real time, by a clock that stands


@dataclass
class Course:
    """A stored picture as Moodle gives it: its validator is its content's digest."""

    body: bytes = field(default_factory=lambda: saved(photo(1600, 1000)))
    content_type: str = "image/jpeg"

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        tag = f'"{hashlib.sha1(self.body, usedforsecurity=False).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=21600, no-transform"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, content_type=self.content_type, headers=headers)


async def brought(there: Served) -> int:
    """Have it by night; how many pictures were made when all of it is done."""
    halves = there.tropa.parts.halves
    fetcher, pool = halves.night.fetcher, halves.adapting.pool
    [place] = fetcher.hours.places()
    wish = await fetcher.ask(place, there.base_url + PICTURE, "", "anna", fetcher._clock.now())
    assert wish is not None
    async with asyncio.timeout(_PATIENCE_S):
        while (one := fetcher.wishes.get(wish.id)) is not None and one.state in OPEN:
            await asyncio.sleep(0.02)
        while pool.stats().running or pool.stats().queued or is_at_work():
            await asyncio.sleep(0.02)
    return pool.stats().done


def is_at_work() -> bool:
    """Whether the night, or the making of what it brought, is under way."""
    return any(":night-" in name or ":picture" in name for name in (task.get_name() for task in asyncio.all_tasks()))


async def looked_at(there: Served, accept: str) -> bytes:
    headers = {"Accept": accept, "Sec-Fetch-Dest": "image", "Cookie": "MoodleSession=anna"}
    reply = await there.get(PICTURE, headers=headers)
    assert reply.status == 200
    return reply.body


async def test_each_form_that_browsers_ask_for_is_made_before_they_do(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, now=NIGHT, link=WIDE, **BOX) as there:
        assert await brought(there) == len(ACCEPTS)
        pool = there.tropa.parts.halves.adapting.pool
        seen = [await looked_at(there, f"{accept},image/*,*/*;q=0.8") for accept in ACCEPTS]
        assert pool.stats().done == len(ACCEPTS), "nothing is made at the visit"
        assert max(map(len, seen)) < len(course.body) / 2


async def test_what_is_no_picture_is_left_as_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, Course(body=b"<html>login</html>" * 99), now=NIGHT, link=WIDE, **BOX) as there:
        assert await brought(there) == 0


@pytest.mark.parametrize("policy", ["open", "observe"])
async def test_where_pictures_stay_as_they_are_none_is_made(tmp_path: Path, policy: str) -> None:
    async with served(tmp_path, Course(), now=NIGHT, policy=policy, link=WIDE, **BOX) as there:
        made = await brought(there)
        assert made == 0
