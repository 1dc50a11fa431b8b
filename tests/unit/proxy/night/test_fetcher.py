"""The night's work with an origin of bare bytes: what it asks for, what becomes of each answer, when it is silent."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler.requests import RequestState
from tests.unit.proxy.night.schools import FILE, JSON_ERROR, SITE, STORED, answer, school
from tests.unit.proxy.night.test_hours import CLOSES, OPENS
from tests.unit.proxy.night.test_service import TOKEN


async def test_a_courses_file_comes_by_the_account_and_is_kept_under_its_own_address(tmp_path: Path) -> None:
    async with school(tmp_path) as here:
        done = await here.worked((await here.wish(FILE)).id)
        assert (done.state, done.size_bytes) == (RequestState.READY, 5000)
        assert here.asked == [f"GET /webservice/pluginfile.php/7/mod_resource/content/1/a.zip?token={TOKEN} HTTP/1.1"]
        assert TOKEN not in done.url and b"Cookie" not in here.origin.received
        await here.worked((await here.wish(FILE)).id)
        assert "If-None-Match" in here.origin.received.decode(), "what is here is only asked about"


async def test_nothing_is_asked_for_outside_the_free_hours(tmp_path: Path) -> None:
    async with school(tmp_path) as here:
        for instant in (OPENS - timedelta(seconds=1), CLOSES):
            here.office.clock.at = instant
            one = await here.wish(FILE)
            assert one.state is RequestState.WAITING
            await here.fetcher.tick()
            await asyncio.sleep(0.05)
        assert here.asked == []


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (answer("404 Not Found", b""), RequestState.FAILED, "origin-404"),
        (answer("303 See Other", b"", "Location: /login/index.php"), RequestState.FAILED, "not-allowed"),
        (answer("500 No", b""), RequestState.WAITING, "origin-500"),
        (  # as webservice/pluginfile.php says that a token isn't known
            answer("200 OK", b'{"error":"x","errorcode":"invalidtoken","stacktrace":null}', *JSON_ERROR),
            RequestState.FAILED,
            "not-allowed",
        ),
    ],
)
async def test_what_the_origin_doesnt_give_is_told(
    tmp_path: Path, said: bytes, state: RequestState, reason: str
) -> None:
    async with school(tmp_path, said) as here:
        done = await here.worked((await here.wish(FILE)).id)
        assert done.state is state and (not reason or done.reason == reason)
        assert done.state is not RequestState.READY


async def test_an_origin_that_asks_to_wait_is_left_alone_so_long(tmp_path: Path) -> None:
    async with school(tmp_path, answer("503 Busy", b"", "Retry-After: 3600")) as here:
        done = await here.worked((await here.wish(FILE)).id)
        assert done.not_before is not None and done.not_before >= OPENS + timedelta(hours=1)
        asked = len(here.asked)
        for _ in range(3):
            await here.fetcher.tick()
        await asyncio.sleep(0.05)
        assert len(here.asked) == asked


@pytest.mark.parametrize("target", ["/mod/quiz/attempt.php?attempt=1", "/mod/assign/view.php?id=4"])
async def test_what_is_graded_is_never_asked_for(tmp_path: Path, target: str) -> None:
    async with school(tmp_path) as here:
        done = await here.worked((await here.wish(target)).id)
        assert (done.state, done.reason) == (RequestState.FAILED, "assessment")
        assert here.asked == []


async def test_an_address_with_a_secret_of_hers_is_not_taken(tmp_path: Path) -> None:
    async with school(tmp_path) as here:
        url = f"{SITE}/tokenpluginfile.php/0123456789abcdef0123456789abcdef/7/a.zip"
        assert await here.fetcher.ask(here.place, url, "", "anna", OPENS) is None


async def test_a_token_that_others_may_read_is_a_trouble_of_the_morning(tmp_path: Path) -> None:
    async with school(tmp_path, follow="follow: {origin: lms, course: 5},") as here:
        (tmp_path / "token").chmod(0o644)
        await here.fetcher.tick()
        async with asyncio.timeout(20):
            while "tundra" not in here.fetcher.looking.troubles:
                await asyncio.sleep(0.01)
        assert here.fetcher.looking.troubles["tundra"].why == "token-open" and here.asked == []


async def test_a_followed_course_is_looked_at_once_a_night(tmp_path: Path) -> None:
    file = {"type": "file", "filename": "a.zip", "fileurl": f"{SITE}/webservice{FILE}", "mimetype": "application/zip"}
    module = {"modname": "resource", "name": "a", "contents": [file | {"filesize": 5000}]}
    told = json.dumps([{"section": 1, "modules": [module]}]).encode()
    courses = answer("200 OK", b'{"courses": []}')
    follow = "follow: {origin: lms, course: 5, what: files},"
    info = answer("200 OK", b'{"functions": []}')
    shown = answer("200 OK", b'{"resources": []}')
    async with school(tmp_path, info, courses, answer("200 OK", told), shown, STORED, follow=follow) as here:
        await here.fetcher.tick()
        async with asyncio.timeout(20):
            while not [one for one in here.wishes.at("tundra") if one.state is RequestState.READY]:
                await asyncio.sleep(0.01)
        [one] = here.wishes.at("tundra")
        assert one.url == f"{SITE}{FILE}?forcedownload=1" and one.owner == ""
        asked = len(here.asked)
        await here.fetcher.tick()
        await asyncio.sleep(0.05)
        assert len(here.asked) == asked == 5
        assert not any("view.php" in line for line in here.asked)
