"""A version that was made plays at a school's box while there is no link: for whom the origin had let have it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from aiohttp import web

from tests.media_course import Learner, MediaCourse, Moved, files_of
from tests.media_samples import film
from tests.serving import NOON, served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
BOX = {
    "tropa": "place: school\n  outage: {probe_first: 50 ms, probe_slowest: 100 ms}",
    "region": "costly_hop: learner_link\n    store: school-box",
}


class CutCourse(MediaCourse):
    """cut: connections break."""

    cut = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return await super().__call__(request)


async def test_a_made_version_plays_without_a_link_for_who_had_it(tmp_path: Path) -> None:
    course, clock = CutCourse(), Moved(NOON)
    path = course.put("film.mp4", film())
    course.with_page(f'<video controls src="{path}" title="Первый урок"></video>')
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        viewer = await anna.choose("sound")
        await anna.until_ready(viewer)
        clock.by += timedelta(hours=5)  # longer than the origin's yes counts while it can be asked
        course.cut = True
        page = await anna.read(viewer)
        sound = await anna.play(files_of(page, viewer)[0])
        assert sound.status == 200 and sound.headers["Content-Type"] == "audio/webm"
        assert "Сейчас нет связи" in await anna.read()
        refused = await boris.open(viewer)
        assert refused.status in (409, 502, 503) and b"<audio" not in refused.body
