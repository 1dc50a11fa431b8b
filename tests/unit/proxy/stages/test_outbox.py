"""A forum post through Tropa while the link is up, slow, cut and back: one post, and she is told the truth."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.serving import Reply, Served, served

DISCUSSION, POST = "/mod/forum/discuss.php?d=4", "/mod/forum/post.php"
TEXT = "Я попробовала это на уроке, и дети поняли."
SENT = "Ваше сообщение отправлено"
QUICK = "outage: {probe_first: 50 ms, probe_slowest: 100 ms}"
_PATIENCE_S = 60.0


@dataclass
class Course:
    """A forum and a quiz. gate: a post waits for it; cut: connections break; drops: after so many posts taken."""

    posts: list[tuple[str, str]] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    cut: bool = False
    drops: int = 0
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        who = request.cookies.get("MoodleSession", "")
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if request.method == "POST":
            return await self._posted(request, who)
        if request.path == "/mod/forum/discuss.php":
            said = "".join(f"<div><p>{html.escape(text)}</p></div>" for _, text in self.posts)
            form = f'<form method=post action="{POST}"><input name=sesskey value="key-{who}"></form>'
            return web.Response(text=f"<!DOCTYPE html><html><body>{said}{form}</body></html>", content_type="text/html")
        return web.Response(text="ok")

    async def _posted(self, request: web.Request, who: str) -> web.StreamResponse:
        form = await request.post()
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if form.get("sesskey") != f"key-{who}":
            return web.Response(status=403, text="invalidsesskey")
        self.posts.append((who, str(form["message"])))
        self.files += [part.file.read() for part in form.values() if isinstance(part, web.FileField)]
        if self.drops:
            self.drops -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=303, headers={"Location": f"{DISCUSSION}#p{len(self.posts)}"})


def fields(text: str = TEXT, who: str = "anna", **more: str) -> Mapping[str, str]:
    return {"sesskey": f"key-{who}", "d": "4", "subject": "Re: Начало", "message": text, **more}


@dataclass
class Teacher:
    """One browser with a session of the course's."""

    there: Served
    name: str = "anna"

    async def get(self, path: str) -> Reply:
        return await self.there.get(path, headers=self._headers())

    async def read(self, path: str) -> str:
        return html.unescape((await self.get(path)).body.decode())

    async def send(self, text: str = TEXT, path: str = POST, **more: Any) -> Reply:
        data = more.pop("data", None) or fields(text, self.name, **more)
        return await self.there.get(path, "POST", headers=self._headers(), data=data)

    async def press(self, receipt: str, act: str) -> Reply:
        found = re.search(r'name="token" value="([^"]+)"', (await self.get(receipt)).body.decode())
        assert found is not None
        return await self.there.get(f"/.tropa/outbox/{act}", "POST", headers=self._headers(), data={"token": found[1]})

    async def sees(self, path: str, words: str) -> str:
        """The page once it says so; each look is a request with her session."""
        async with asyncio.timeout(_PATIENCE_S):
            while words not in (page := await self.read(path)):
                await asyncio.sleep(0.05)
        return page

    def _headers(self) -> dict[str, str]:
        return {"Cookie": f"MoodleSession={self.name}", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}


def receipt_of(reply: Reply) -> str:
    where = str(reply.headers["Location"])
    assert reply.status == 303 and where.startswith("/.tropa/outbox/"), (reply.status, where)
    return where


async def cut(course: Course, anna: Teacher) -> None:
    """The link breaks, and Tropa knows."""
    course.cut = True
    async with asyncio.timeout(_PATIENCE_S):
        while (await anna.get("/course/view.php")).status != 503:
            await asyncio.sleep(0.02)


async def test_a_post_goes_to_the_origin_and_its_answer_to_her_while_the_link_is_up(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course) as there:
        anna = Teacher(there)
        reply = await anna.send()
        assert (reply.status, reply.headers["Location"]) == (303, f"{DISCUSSION}#p1")
        assert "ничего не ждёт" in await anna.read("/.tropa/outbox")
    assert course.posts == [("anna", TEXT)]


async def test_two_clicks_on_a_slow_link_are_one_post_and_both_get_its_answer(tmp_path: Path) -> None:
    course = Course(gate=asyncio.Event())
    async with served(tmp_path, course) as there:
        anna, boris = Teacher(there), Teacher(there, "boris")
        first = asyncio.create_task(anna.send())
        await asyncio.wait_for(course.arrived.wait(), _PATIENCE_S)
        others = [asyncio.create_task(anna.send()), asyncio.create_task(boris.send())]
        stage = there.tropa.parts.halves.outage.stage
        async with asyncio.timeout(_PATIENCE_S):
            while sum(flight.waiting for flight in stage._flights.values()) < 3:
                await asyncio.sleep(0.01)
        assert course.gate is not None
        course.gate.set()
        replies = [await first, *[await task for task in others]]
    assert [reply.status for reply in replies] == [303, 303, 303]
    assert replies[0].headers["Location"] == replies[1].headers["Location"]
    assert sorted(course.posts) == [("anna", TEXT), ("boris", TEXT)]


async def test_a_post_without_a_link_waits_and_goes_once_when_the_link_is_back(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=QUICK) as there:
        anna, boris = Teacher(there), Teacher(there, "boris")
        await cut(course, anna)
        receipt = receipt_of(await anna.send())
        assert receipt_of(await anna.send()) == receipt  # pressed once more
        page = await anna.read(receipt)
        assert "сохранено и ждёт" in page and TEXT in page
        assert TEXT not in await boris.read(receipt) and TEXT not in await boris.read("/.tropa/outbox")
        course.cut = False
        await anna.sees(receipt, SENT)
        assert TEXT not in await anna.read(receipt)
    assert course.posts == [("anna", TEXT)]


async def test_it_survives_the_process(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=QUICK) as there:
        await cut(course, Teacher(there))
        receipt = receipt_of(await Teacher(there).send())
    course.cut = False
    async with served(tmp_path, course, tropa=QUICK) as there:
        await Teacher(there).sees(receipt, SENT)
    assert course.posts == [("anna", TEXT)]


async def test_an_answer_that_is_lost_becomes_a_question_and_never_a_second_post(tmp_path: Path) -> None:
    course = Course(drops=1)
    async with served(tmp_path, course, tropa=QUICK) as there:
        anna = Teacher(there)
        receipt = receipt_of(await anna.send())
        await anna.sees(receipt, "такой текст есть")
        assert receipt_of(await anna.send()) == receipt
        await anna.press(receipt, "arrived")
        await anna.sees(receipt, SENT)
    assert course.posts == [("anna", TEXT)]


async def test_she_takes_it_back_and_has_her_text(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=QUICK) as there:
        anna, boris = Teacher(there), Teacher(there, "boris")
        await cut(course, anna)
        receipt = receipt_of(await anna.send())
        token = re.search(r'name="token" value="([^"]+)"', (await anna.get(receipt)).body.decode())
        assert token is not None
        stolen = await there.get("/.tropa/outbox/cancel", "POST", headers=boris._headers(), data={"token": token[1]})
        assert stolen.status == 409
        await anna.press(receipt, "cancel")
        page = await anna.read(receipt)
        assert "не будет отправлено" in page and TEXT in page
        course.cut = False
        await anna.sees("/course/view.php", "ok")
    assert course.posts == []


async def test_small_files_go_with_it(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=QUICK) as there:
        anna = Teacher(there)
        await cut(course, anna)
        form = aiohttp.FormData(dict(fields()), quote_fields=False)
        form.add_field("photo", bytes(range(256)) * 40, filename="урок.jpg", content_type="image/jpeg")
        receipt = receipt_of(await anna.send(data=form))
        assert "урок.jpg" in await anna.read(receipt)
        course.cut = False
        await anna.sees(receipt, SENT)
    assert course.files == [bytes(range(256)) * 40] and course.posts == [("anna", TEXT)]


async def test_what_is_no_message_is_refused_honestly_without_a_link(tmp_path: Path) -> None:
    course = Course()
    async with served(tmp_path, course, tropa=QUICK) as there:
        anna = Teacher(there)
        await cut(course, anna)
        for path, more in (
            ("/mod/quiz/processattempt.php", {}),
            ("/mod/assign/view.php", {}),
            (POST, {"edit": "7"}),
            (POST, {"cancel": "Отмена"}),
        ):
            reply = await anna.send(path=path, **more)
            assert reply.status == 503 and "Location" not in reply.headers, path
        big = aiohttp.FormData(dict(fields()), quote_fields=False)
        big.add_field("photo", io.BytesIO(bytes(2_000_000)), filename="a.jpg", content_type="image/jpeg")
        assert (await anna.send(data=big)).status == 503
        script = await there.get(POST, "POST", headers={**anna._headers(), "Sec-Fetch-Dest": "empty"}, data=fields())
        assert script.status == 503
        assert "ничего не ждёт" in await anna.read("/.tropa/outbox")
    assert course.posts == []


async def test_sending_it_later_is_paid_by_its_writer(tmp_path: Path) -> None:
    course = Course()
    region = "costly_hop: site_uplink"
    async with served(tmp_path, course, tropa=QUICK, region=region) as there:
        anna = Teacher(there)
        await anna.get(DISCUSSION)
        await cut(course, anna)
        receipt = receipt_of(await anna.send())
        course.cut = False
        await anna.sees(receipt, SENT)
        log = there.state_dir / "log"
        async with asyncio.timeout(_PATIENCE_S):
            while not (
                rows := [row for row in logged(log) if row["treatment"] == "outbox" and row["method"] == "POST"]
            ):
                await asyncio.sleep(0.1)
    [row] = rows
    assert row["status"] == 303 and row["metered_bytes"] > len(TEXT) and row["error"] is None


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in folder.glob("*") for line in path.read_text("utf-8").splitlines()]
