"""A followed course's files from night to night: under which addresses they are kept, when they are had anew."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from multidict import CIMultiDict

from proxy.app_addresses import steady_target
from proxy.cache.asked import Asked
from scheduler.requests import RequestState
from tests.origins import Visit
from tests.unit.proxy.night.schools import SITE, School, answer, school_at
from tests.unit.proxy.night.test_hours import OPENS

FOLLOW = "follow: {origin: lms, course: 5, what: files},"
PATH = "/pluginfile.php/7/mod_resource/content/1/plan.docx"
BY_ACCOUNT = f"/webservice{PATH}"


class Moodle:
    """One course with one file, as its web services and its script for files tell it."""

    def __init__(self) -> None:
        self.body, self.modified, self.display = b"x" * 5000, 1725177600, 0
        self.address = BY_ACCOUNT
        self.functions: list[str] = []
        self.files: list[bytes] = []

    async def __call__(self, visit: Visit) -> None:
        while True:
            head = await visit.head()
            await visit.send(self.told(head, await visit.body(head)))

    def told(self, head: bytes, body: bytes) -> bytes:
        if self.address.encode() not in head:
            function = parse_qs(body.decode())["wsfunction"][0]
            self.functions.append(function)
            return answer("200 OK", json.dumps(self._answers().get(function, {})).encode())
        self.files.append(head)
        etag = f'ETag: "{hashlib.sha1(self.body).hexdigest()}"'
        if f"If-None-Match: {etag[6:]}".encode() in head:
            return f"HTTP/1.1 304 Not Modified\r\n{etag}\r\nContent-Disposition: inline\r\n\r\n".encode()
        shown = 'Content-Disposition: inline; filename="plan.docx"'  # whatever the address says
        return answer("200 OK", self.body, etag, "Cache-Control: private, max-age=21600", shown)

    def _answers(self) -> dict[str, Any]:
        url = f"{SITE}{self.address}?forcedownload=1"
        file = {"type": "file", "filename": "plan.docx", "fileurl": url}
        told = file | {"filesize": len(self.body), "mimetype": "application/msword", "timemodified": self.modified}
        module = {"modname": "resource", "id": 7, "name": "a plan", "contents": [told]}
        return {
            "core_course_get_contents": [{"section": 1, "modules": [module]}],
            "mod_resource_get_resources_by_courses": {"resources": [{"coursemodule": 7, "display": self.display}]},
        }


async def a_night(here: School, night: int) -> None:
    """The night after so many, until nothing is left to do."""
    here.office.clock.at = OPENS + timedelta(days=night)
    async with asyncio.timeout(20):
        while True:
            await here.fetcher.tick()
            here_now = here.wishes.at("tundra")
            looked = not here.fetcher.looking.must_look(here.place, _night(here), here.office.clock.now())
            if looked and here_now and all(one.state is RequestState.READY for one in here_now):
                return
            await asyncio.sleep(0.01)


def _night(here: School) -> Any:
    night = here.fetcher.hours.night(here.place, here.office.clock.now())
    assert night is not None
    return night


async def kept(here: School, target: str) -> tuple[bytes, str]:
    """The bytes under a learner's address, and what they are told to be kept as."""
    origin = here.fetcher.looking._catalogue.origins["lms"]
    headers = CIMultiDict({"Host": "lms.example.org"})
    where = {"scheme": "http", "host": "lms.example.org", "port": 80}
    asked = Asked(origin=origin, method="GET", target=target, kept_as=steady_target(target), headers=headers, **where)
    reply = await here.cache.kept(asked, here.office.clock.now(), is_everybodys=True)
    assert reply is not None, target
    try:
        return await reply.read_up_to(10**6, 5), reply.headers["Content-Disposition"]
    finally:
        reply.release()


async def test_a_file_that_changed_and_kept_its_size_is_had_anew(tmp_path: Path) -> None:
    moodle = Moodle()
    async with school_at(tmp_path, moodle, follow=FOLLOW) as here:
        await a_night(here, 0)
        await a_night(here, 1)
        assert len(moodle.files) == 1, "what is the same by its course's word isn't asked for again"
        moodle.body, moodle.modified = b"y" * 5000, moodle.modified + 60
        await a_night(here, 2)
        assert len(moodle.files) == 2 and b"If-None-Match" in moodle.files[1]
        assert (await kept(here, PATH))[0] == moodle.body


async def test_a_file_that_was_saved_again_unchanged_costs_one_question(tmp_path: Path) -> None:
    moodle = Moodle()
    async with school_at(tmp_path, moodle, follow=FOLLOW) as here:
        await a_night(here, 0)
        first_bytes = here.fetcher.hours.spent(here.place, _night(here)).bytes
        moodle.modified += 60
        await a_night(here, 1)
        assert len(moodle.files) == 2
        second_bytes = here.fetcher.hours.spent(here.place, _night(here)).bytes
        assert first_bytes - second_bytes == len(moodle.body), "the same questions, no body"


async def test_a_file_whose_activity_was_saved_again_costs_one_question(tmp_path: Path) -> None:
    """Its address counts on; its content is what it was."""
    moodle = Moodle()
    async with school_at(tmp_path, moodle, follow=FOLLOW) as here:
        await a_night(here, 0)
        moodle.address = BY_ACCOUNT.replace("/content/1/", "/content/2/")
        await a_night(here, 1)
        assert len(moodle.files) == 2 and b"If-None-Match" in moodle.files[1]
        [new] = [one for one in here.wishes.at("tundra") if "/content/2/" in one.url]
        assert new.state is RequestState.READY and (await kept(here, PATH))[0] == moodle.body


async def test_a_file_to_keep_is_kept_as_one_though_the_account_is_told_otherwise(tmp_path: Path) -> None:
    moodle = Moodle()
    moodle.display = 4
    async with school_at(tmp_path, moodle, follow=FOLLOW) as here:
        await a_night(here, 0)
        assert "mod_folder_get_folders_by_courses" not in moodle.functions, "the course has none"
        saved = f"{PATH}?forcedownload=1"
        assert await kept(here, saved) == (moodle.body, 'attachment; filename="plan.docx"')
        moodle.modified += 60
        await a_night(here, 1)
        assert (await kept(here, saved))[1].startswith("attachment")
