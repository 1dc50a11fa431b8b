"""The store of answers in a whole Tropa: what the second learner costs, and what is never kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.serving import Served, served
from tests.unit.proxy.stages.test_images_and_texts import PHOTO, settled

SCHOOL = {"tropa": "place: school", "region": "costly_hop: site_uplink\n    store: school-box"}
STYLES = "/theme/styles.php/boost/1700000000_1/all"
PAGE = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Encoding": "gzip"}


class Course:
    """A Moodle of a few answers; `seen` is what it was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.path)
        user = request.cookies.get("MoodleSession", "nobody")
        if request.path == STYLES:
            headers = {"Cache-Control": "public, max-age=7776000, immutable", "ETag": '"1"', "Content-Type": "text/css"}
            return web.Response(body=b"a { color: red } " * 500, headers=headers)
        if request.path.endswith(".jpg"):
            headers = {"Cache-Control": "public, max-age=3600", "ETag": '"photo"', "Content-Type": "image/jpeg"}
            return web.Response(body=PHOTO, headers=headers)
        if request.path == "/login/logout.php":
            return web.Response(status=303, headers={"Location": "/"})
        headers = {"Cache-Control": "private, max-age=0, no-transform", "Content-Type": "text/html; charset=utf-8"}
        return web.Response(text=f"<html><body>for {user}</body></html>", headers=headers)


def of(name: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"MoodleSession={name}", "Accept-Encoding": "gzip", **more}


def receipts(there: Served) -> list[dict[str, object]]:
    there.tropa.parts.ground.log.drain()
    lines = [
        line for path in sorted((there.state_dir / "log").glob("access-*")) for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


async def test_the_second_learners_theme_costs_the_schools_link_nothing(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **SCHOOL) as there:
        for name in ("anna", "boris"):
            reply = await there.get(STYLES, headers=of(name, **{"Sec-Fetch-Dest": "style"}))
            assert reply.status == 200
            await settled(there)
        status = reply.headers["Cache-Status"]  # type: ignore[call-overload,index]
        first, second = receipts(there)
    assert course.seen.count(STYLES) == 1 and status.startswith("tropa; hit")
    assert (first["store"], second["store"]) == ("", "shared")
    assert second["bytes_from_origin"] == 0 and int(str(second["metered_bytes"])) < 100 < int(
        str(first["metered_bytes"])
    )


async def test_a_known_variant_of_what_is_fresh_needs_no_question(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **SCHOOL) as there:
        accept = {"Accept": "image/webp,*/*", "Sec-Fetch-Dest": "image"}
        await there.get("/a.jpg", headers=of("anna", **accept))
        await settled(there)
        reply = await there.get("/a.jpg", headers=of("boris", **accept))
    assert 0 < len(reply.body) < len(PHOTO) / 4
    assert course.seen == ["/a.jpg"]


async def test_her_own_page_is_kept_at_a_schools_box_until_she_logs_out(tmp_path: Path) -> None:
    async with served(tmp_path, Course(), **SCHOOL) as there:
        await there.get("/course/view.php?id=5", headers=PAGE | of("anna"))
        cache = there.tropa.parts.halves.cache
        while not await cache.store.sums():  # it is stored after it was sent
            await asyncio.sleep(0.01)
        assert [row[:3] for row in await cache.store.sums()] == [("course", "own", 1)]
        await there.get("/login/logout.php?sesskey=x", headers=PAGE | of("anna"))
        assert await cache.store.sums() == []


@pytest.mark.parametrize("region", ["", "costly_hop: site_uplink"])
async def test_nobodys_own_page_is_kept_anywhere_else(region: str, tmp_path: Path) -> None:
    async with served(tmp_path, Course(), region=region) as there:
        await there.get("/course/view.php?id=5", headers=PAGE | of("anna"))
        assert await there.tropa.parts.halves.cache.store.sums() == []


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/mod/quiz/styles.css", {}),
        ("/mod/assign/a.css", {}),
        (STYLES, {"region": "costly_hop: site_uplink\n    store: school-box\n    observe: true"}),
        (STYLES, {"origin_keys": "cache: false"}),
    ],
)
async def test_where_answers_count_or_tropa_keeps_out_every_answer_is_the_origins(
    path: str, more: dict[str, str], tmp_path: Path
) -> None:
    course = Course()
    async with served(tmp_path, course, **{**SCHOOL, **more}) as there:
        for name in ("anna", "boris"):
            await there.get(path, headers=of(name))
        assert await there.tropa.parts.halves.cache.store.sums() == []
    assert course.seen.count(path) == 2
