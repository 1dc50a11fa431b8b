"""A session that the origin ended while a message waited: the message finds its writer's next login, and no other."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from proxy.outbox.reading import is_a_guests, named_on
from tests.outbox_course import RULE
from tests.serving import Served, served
from tests.unit.proxy.stages.test_kept import BOX, kept
from tests.unit.proxy.stages.test_outbox import DISCUSSION, TEXT, Course, Teacher, cut, receipt_of

_PATIENCE_S = 60.0


@dataclass
class Portal(Course):
    """Sessions have a person, and end. says: what its pages say of who reads them besides."""

    people: dict[str, str] = field(default_factory=lambda: {"anna": "5", "anna-anew": "5", "boris": "7"})
    ended: set[str] = field(default_factory=set)
    says: str = ""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        who = request.cookies.get("MoodleSession", "")
        if not self.cut and who in self.ended:
            return web.Response(status=303, headers={"Location": "/login/index.php"})
        answer = await super().__call__(request)
        if isinstance(answer, web.Response) and answer.content_type == "text/html":
            mark = f'<script>M.cfg = {{"userId":{self.people.get(who, "0")}}};</script>{self.says}'
            answer.text = str(answer.text).replace("<body>", f"<body>{mark}", 1)
            answer.headers["Cache-Control"] = "private, max-age=0"
        return answer


@dataclass
class School:
    there: Served
    portal: Portal

    def teacher(self, session: str) -> Teacher:
        return Teacher(self.there, session)


@asynccontextmanager
async def left_behind(folder: Path, *, says: str = "") -> AsyncIterator[School]:
    """Anna has written without a link, and the portal has ended her session meanwhile."""
    portal = Portal(says=says)
    async with served(folder, portal, **BOX) as there:
        anna = Teacher(there)
        await opened(there, anna)
        await cut(portal, anna)
        receipt_of(await anna.send())
        portal.ended, portal.cut = {"anna"}, False
        yield School(there, portal)


async def opened(there: Served, teacher: Teacher) -> None:
    """She opens the discussion, and it is kept: stored, not only noted, for what it says is read from the store."""
    async with asyncio.timeout(_PATIENCE_S):
        while (await teacher.get(DISCUSSION)).status != 200:
            await asyncio.sleep(0.02)
    await kept(there)


def token_on(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def press(teacher: Teacher, act: str, token: str) -> int:
    data = {"token": html.unescape(token)}
    return (await teacher.there.get(f"/.tropa/outbox/{act}", "POST", headers=teacher._headers(), data=data)).status


async def logged_in(school: School, session: str) -> Teacher:
    teacher = school.teacher(session)
    await opened(school.there, teacher)
    return teacher


async def test_it_is_offered_to_her_next_login_and_goes_once_by_one_tap(tmp_path: Path) -> None:
    async with left_behind(tmp_path) as school:
        anew = await logged_in(school, "anna-anew")
        page = await anew.sees("/.tropa/outbox", "Написано до нового входа")
        assert TEXT in page
        assert school.portal.posts == [], "never by itself"
        assert await press(anew, "mine", token_on(page)) == 303
        async with asyncio.timeout(_PATIENCE_S):
            while not school.portal.posts:
                await anew.get(DISCUSSION)
                await asyncio.sleep(0.05)
        assert school.portal.posts == [("anna-anew", TEXT)]
        assert "Написано до нового входа" not in await anew.read("/.tropa/outbox")
        assert await press(anew, "mine", token_on(page)) == 303
        assert school.portal.posts == [("anna-anew", TEXT)], "a second tap is nothing"


async def test_her_pages_tell_her_of_it(tmp_path: Path) -> None:
    async with left_behind(tmp_path) as school:
        anew = await logged_in(school, "anna-anew")
        await anew.sees(DISCUSSION, "1 ваше сообщение ещё не ушло")


@pytest.mark.parametrize("session", ["boris", "nobody"])
async def test_another_person_at_the_same_computer_sees_nothing(tmp_path: Path, session: str) -> None:
    async with left_behind(tmp_path) as school:
        other = await logged_in(school, session)
        page = await other.read("/.tropa/outbox")
        assert TEXT not in page and "Написано до нового входа" not in page


async def test_a_token_of_hers_is_of_no_use_to_another(tmp_path: Path) -> None:
    async with left_behind(tmp_path) as school:
        anew, boris = await logged_in(school, "anna-anew"), await logged_in(school, "boris")
        token = token_on(await anew.sees("/.tropa/outbox", "Написано до нового входа"))
        assert await press(boris, "mine", token) == 409
        assert school.portal.posts == []


async def test_a_page_that_names_two_persons_is_believed_for_none(tmp_path: Path) -> None:
    async with left_behind(tmp_path, says='<p>"userId":7</p>') as school:
        for session in ("anna-anew", "boris"):
            page = await (await logged_in(school, session)).read("/.tropa/outbox")
            assert TEXT not in page


async def test_it_finds_her_after_a_restart_too(tmp_path: Path) -> None:
    async with left_behind(tmp_path) as school:
        portal = school.portal
    async with served(tmp_path, portal, **BOX) as there:
        anew = await logged_in(School(there, portal), "anna-anew")
        await anew.sees("/.tropa/outbox", TEXT)


@pytest.mark.parametrize(
    ("page", "person", "guest"),
    [
        ('M.cfg = {"userId":5,"x":1}', "5", False),
        ('{"userId":5} … {"userId":5}', "5", False),
        ('{"userId":5} … {"userId":7}', "", False),
        ('{"userId":0} … {"userId":7}', "", False),
        ('{"userId":0}', "", True),
        ('{"userId":1}', "", True),
        ("nothing", "", False),
    ],
)
def test_a_page_names_one_person_a_guest_or_none(page: str, person: str, guest: bool) -> None:
    assert named_on(page, RULE) == person and is_a_guests(page, RULE) is guest
