"""A school's box while its link is down: her own pages with their age, to her alone; else what is here."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from proxy.account.secret import Keyed
from tests.media_course import Moved
from tests.serving import NOON, Reply, Served, served

LESSON, OTHER, QUIZ = "/mod/page/view.php?id=7", "/mod/page/view.php?id=8", "/mod/quiz/view.php?id=9"
BOX = {
    "tropa": "place: school\n  outage: {deadline: 400 ms, probe_first: 50 ms, probe_slowest: 100 ms}",
    "region": "costly_hop: site_uplink\n    store: school-box",
}
_PATIENCE_S = 60.0
NO_LINK = (502, 503, 504)


@dataclass
class Course:
    """cut: connections break. stuck: nothing answers. fails: a 503. refuses: a 403. Pages say whose they are.

    said, tag: their Cache-Control and ETag
    """

    cut: bool = False
    stuck: bool = False
    fails: bool = False
    refuses: bool = False
    said: str = "private, pre-check=0, post-check=0, max-age=0, no-transform"
    tag: str = ""
    free: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.raw_path}")
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.fails:
            return web.Response(status=503)
        if self.refuses:
            return web.Response(status=403)
        if self.stuck:
            await self.free.wait()
        who = request.cookies.get("MoodleSession", "")
        if request.path.endswith("styles.css"):
            return web.Response(text="p{color:red}", content_type="text/css", headers={"Cache-Control": "max-age=600"})
        text = (
            f"<!DOCTYPE html><html><head><title>Урок {request.query.get('id')}</title></head>"
            f"<body class=x><p>Страница для {who}</p></body></html>"
        )
        headers = {"Cache-Control": self.said} | ({"ETag": self.tag} if self.tag else {})
        return web.Response(text=text, content_type="text/html", headers=headers)


@dataclass
class Teacher:
    there: Served
    name: str = "anna"

    async def get(
        self, path: str, method: str = "GET", *, to: str = "document", language: str = "ru", tag: str = ""
    ) -> Reply:
        headers = {"Cookie": f"MoodleSession={self.name}", "Sec-Fetch-Dest": to, "Accept-Language": language}
        headers |= {"If-None-Match": tag} if tag else {}
        return await self.there.get(path, method, headers=headers)

    async def read(self, path: str, **options: str) -> str:
        return html.unescape((await self.get(path, **options)).body.decode())  # type: ignore[arg-type]

    async def until(self, path: str, says: Callable[[Reply], bool], *, to: str = "document") -> Reply:
        async with asyncio.timeout(_PATIENCE_S):
            while not says(reply := await self.get(path, to=to)):
                await asyncio.sleep(0.02)
        return reply


async def kept(there: Served) -> None:
    """Wait until what was opened is stored and noted; nothing else runs while the link is up."""
    halves = there.tropa.parts.halves
    async with asyncio.timeout(_PATIENCE_S):
        while len(halves.outage.keeper) or halves.cache.origin._intake._under_way:
            await asyncio.sleep(0.01)


def is_stored(reply: Reply) -> bool:
    """Whether it came from the disk, and not from what is just arriving there."""
    said = str(reply.headers.get("Cache-Status"))
    return "hit" in said and "collapsed" not in said


def learner_id(there: Served, name: str) -> str:
    """As Tropa calls whoever has this session of the course's."""
    return Keyed(there.tropa._secret).learner("session", "course", "MoodleSession", name)


async def test_a_page_that_she_opened_opens_without_a_link_and_says_how_old_it_is(tmp_path: Path) -> None:
    course, clock = Course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        assert "Сейчас нет связи" not in await anna.read(LESSON)
        clock.by += timedelta(hours=3, minutes=5)
        await kept(there)
        course.cut = True
        reply = await anna.get(LESSON)
        page = reply.body.decode()
        assert reply.status == 200 and "Страница для anna" in page
        assert page.index("Сейчас нет связи") < page.index("Страница для anna")
        assert "3 часа назад" in page
        assert reply.headers["Cache-Control"] == "no-store" and int(reply.headers["Age"]) >= 11_100
        assert "hit" in reply.headers["Cache-Status"]
        assert not {"ETag", "Last-Modified", "Warning"} & set(reply.headers)
        assert "3 hours ago" in await anna.read(LESSON, language="en")
        course.cut = False
        back = await anna.until(LESSON, lambda reply: "нет связи" not in reply.body.decode())
        assert back.status == 200


def says_its_age(reply: Reply) -> bool:
    """Marked as a kept page: the bar on top, its age in the head, and nothing for the browser to keep."""
    page = reply.body.decode()
    told = page.find("Сейчас нет связи")
    head = reply.headers["Cache-Control"] == "no-store" and int(reply.headers.get("Age", -1)) >= 0
    return reply.status == 200 and head and 0 <= told < page.index("Страница для") and page.count("tropa-kept") >= 1


STALE_AT_NEED, FRESH_FOR_DAYS = "public, max-age=60, stale-if-error=864000", "public, max-age=864000"


@pytest.mark.parametrize("tag", ["", '"7"'])
async def test_a_stale_page_that_goes_out_for_want_of_a_link_says_its_age(tmp_path: Path, tag: str) -> None:
    course, clock = Course(said=STALE_AT_NEED, tag=tag), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        await anna.until(LESSON, is_stored)
        clock.by += timedelta(hours=3, minutes=5)
        await kept(there)
        course.cut = True
        first, again = await anna.get(LESSON), await anna.get(LESSON, tag=tag)
        assert says_its_age(first) and "3 часа назад" in first.body.decode()
        assert says_its_age(again)


@pytest.mark.parametrize("tag", ["", '"7"'])
async def test_a_fresh_page_of_a_store_says_its_age_while_the_link_is_known_to_be_down(
    tmp_path: Path, tag: str
) -> None:
    course, clock = Course(said=FRESH_FOR_DAYS, tag=tag), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        fresh = await anna.until(LESSON, is_stored)
        assert "Сейчас нет связи" not in fresh.body.decode()
        await kept(there)
        course.cut = True
        await anna.until(OTHER, lambda reply: reply.status == 503)
        assert says_its_age(await anna.get(LESSON))
        assert says_its_age(await anna.get(LESSON, tag=tag))
        course.cut = False
        await anna.until(OTHER, lambda reply: reply.status == 200)
        assert "Сейчас нет связи" not in (await anna.get(LESSON)).body.decode()


async def test_a_failing_origin_is_no_missing_link(tmp_path: Path) -> None:
    """A page that the origin lets go out stale when it fails isn't called one without a link."""
    course, clock = Course(said=STALE_AT_NEED, tag='"7"'), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        await anna.until(LESSON, is_stored)
        clock.by += timedelta(hours=3)
        course.fails = True
        reply = await anna.get(LESSON)
        assert reply.status == 200 and "Сейчас нет связи" not in reply.body.decode()


async def test_another_at_the_same_computer_sees_nothing_of_hers(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **BOX) as there:
        anna, boris, nobody = Teacher(there), Teacher(there, "boris"), Teacher(there, "")
        await anna.get(LESSON)
        await boris.get(OTHER)
        await kept(there)
        course.cut = True
        for other in (boris, nobody):
            reply = await other.get(LESSON)
            text = reply.body.decode()
            assert reply.status in NO_LINK and "anna" not in text and "Урок 7" not in text
        assert "Урок 8" in await boris.read(LESSON) and "Урок 8" not in await anna.read("/mod/page/view.php?id=1")


async def test_what_is_not_here_says_so_and_lists_what_is(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **BOX) as there:
        anna = Teacher(there)
        await anna.get(LESSON)
        await kept(there)
        course.cut = True
        reply = await anna.until(OTHER, lambda reply: reply.status == 503)
        text = html.unescape(reply.body.decode())
        assert "этой страницы здесь пока нет" in text and "Урок 7" in text and f'href="{LESSON}"' in text
        assert "Retry-After" in reply.headers and reply.headers["Cache-Control"] == "no-store"
        picture = await anna.get("/pluginfile.php/1/mod_page/content/a.png", to="image")
        assert picture.status in NO_LINK and picture.body == b""


async def test_a_quiz_is_an_honest_error_and_never_a_kept_page(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **BOX) as there:
        anna = Teacher(there)
        assert (await anna.get(QUIZ)).status == 200
        await kept(there)
        course.cut = True
        for method in ("GET", "POST"):
            reply = await anna.get(QUIZ, method)
            text = reply.body.decode()
            assert reply.status in NO_LINK and "Страница для" not in text and "Урок" not in text
        assert "Location" not in reply.headers


async def test_a_bad_link_counts_as_none_after_the_deadline(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **BOX) as there:
        anna = Teacher(there)
        await anna.get(LESSON)
        await kept(there)
        course.stuck = True
        reply = await asyncio.wait_for(anna.get(LESSON), _PATIENCE_S)
        assert reply.status == 200 and "Сейчас нет связи" in reply.body.decode()
        await anna.until(OTHER, lambda reply: reply.status == 503)  # the probe has told; nobody waits any more
        course.free.set()
        course.stuck = False
        await anna.until(OTHER, lambda reply: reply.status == 200)


async def test_parts_of_pages_come_from_what_is_kept(tmp_path: Path) -> None:
    course, clock = Course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        await anna.until("/theme/styles.css", is_stored, to="style")
        clock.by += timedelta(hours=1)
        await kept(there)
        course.cut = True
        reply = await anna.get("/theme/styles.css", to="style")
        assert (reply.status, reply.body) == (200, b"p{color:red}")
        assert reply.headers["Cache-Control"] == "no-store"


async def test_a_script_gets_what_is_kept_without_the_bar(tmp_path: Path) -> None:
    course, clock = Course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        anna = Teacher(there)
        await anna.read(LESSON)
        clock.by += timedelta(hours=1)
        await kept(there)
        course.cut = True
        await anna.until(LESSON, lambda reply: reply.status == 200)
        assert "нет связи" in await anna.read(LESSON)
        piece = await anna.get(LESSON, to="empty")
        assert piece.status == 200 and "Страница для anna" in piece.body.decode()
        assert "нет связи" not in piece.body.decode() and int(piece.headers["Age"]) >= 3600


async def test_her_pages_go_at_the_logout_and_at_an_erasure(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, **BOX) as there:
        anna, boris = Teacher(there), Teacher(there, "boris")
        await anna.get(LESSON)
        await boris.get(LESSON)
        await kept(there)
        await anna.get("/login/logout.php")
        erasing = there.tropa.parts.personal.erase
        course.cut = True
        assert (await anna.get(LESSON)).status in NO_LINK
        assert (await boris.get(LESSON)).status == 200
        erased = await erasing(learner_id(there, "boris"))
        assert erased.counts["opened_pages"] >= 1
        assert (await boris.get(LESSON)).status in NO_LINK


@pytest.mark.parametrize("place", ["origin", "centre"])
async def test_nothing_of_hers_is_kept_elsewhere_than_at_a_school(tmp_path: Path, place: str) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=f"place: {place}") as there:
        anna = Teacher(there)
        await anna.get(LESSON)
        await kept(there)
        course.cut = True
        reply = await anna.get(LESSON)
        assert reply.status in NO_LINK and "Страница для anna" not in reply.body.decode()
