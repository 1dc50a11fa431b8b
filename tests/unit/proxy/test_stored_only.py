"""A spent allowance of a school's line: what lies in the school's own box still opens, and nothing crosses the line."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from policies.values import Scope
from tests.serving import NIGHT, NOON, Served, served

SCHOOL = "costly_hop: site_uplink\n    store: school-box"
PLAIN = {"Accept": "text/html", "X-Remote-User": "anna"}
TRUSTED = """place: school
  trusted_proxies: [127.0.0.1]
  trusted_headers: {learner: X-Remote-User}"""


class Origin:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        public = request.path.startswith("/public/")
        keep = "public, max-age=86400" if public else "private, no-store"
        html = "<!DOCTYPE html><html><head><title>x</title></head><body><p>текст</p></body></html>"
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": keep})


async def spent(there: Served) -> None:
    learner = there.tropa._runtime.identifier._keyed.learner("header", "anna")
    ground = there.tropa.parts.ground
    assert ground.accountant.correct(Scope.LEARNER, f"koryak:{learner}", 400_000_000, ground.clock.now())


async def test_what_is_stored_opens_and_what_isnt_says_when(tmp_path: Path) -> None:
    origin = Origin()
    async with served(tmp_path, origin, region=SCHOOL, tropa=TRUSTED) as there:
        assert (await there.get("/public/a", headers=PLAIN)).status == 200
        assert (await there.get("/private/b", headers=PLAIN)).status == 200
        await spent(there)
        before = list(origin.asked)
        stored = await there.get("/public/a", headers=PLAIN)
        assert stored.status == 200 and "текст" in stored.body.decode()
        for path, method in (("/public/new", "GET"), ("/private/b", "GET"), ("/public/a", "POST")):
            assert (await there.get(path, method, headers=PLAIN)).status == 503, path
        assert origin.asked == before


async def test_beyond_the_learners_own_link_a_store_spares_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, Origin(), tropa=TRUSTED.replace("place: school", "place: origin")) as there:
        assert (await there.get("/public/a", headers=PLAIN)).status == 200
        await spent(there)
        assert (await there.get("/public/a", headers=PLAIN)).status == 503


async def test_in_the_free_hours_everything_opens_again(tmp_path: Path) -> None:
    assert NIGHT > NOON
    async with served(tmp_path, Origin(), now=NIGHT, region=SCHOOL, tropa=TRUSTED) as there:
        await spent(there)
        assert (await there.get("/private/b", headers=PLAIN)).status == 200
