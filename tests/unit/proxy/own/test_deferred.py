"""Requests for the free hours: filed where they can be kept, shown with their time, opened in the morning."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.bbb_recordings import FILES
from tests.documents import pdf_signed
from tests.media_course import CONTENT, PAGE, Learner, MediaCourse, Moved, button, buttons, files_of
from tests.media_samples import film
from tests.serving import NIGHT, NOON, Served, served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
FILM = CONTENT + "film.mp4"
BOX = {"tropa": "place: school", "region": "costly_hop: site_uplink\n    store: school-box"}
QUICK = {"free": "[{days: daily, from: 23:00, to: 07:00, link: {down: 100 Mbit/s, up: 10 Mbit/s}}]"}
RECEIPTS = "/.tropa/deferred"


def a_course() -> MediaCourse:
    course = MediaCourse()
    path = course.put("film.mp4", film())
    return course.with_page(f'<video controls src="{path}"></video>')


async def file_request(learner: Learner, page: str = PAGE) -> str:
    """Tap "tonight"; the receipts."""
    reply = await learner.post("/.tropa/tonight", button(await learner.read(page), "tonight"))
    assert (reply.status, reply.headers["Location"]) == (303, f"{RECEIPTS}?filed")
    return await learner.read(str(reply.headers["Location"]))


async def test_a_request_has_a_receipt_that_says_when_and_is_not_begun_before(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, **BOX) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        page = await file_request(anna)
        assert "film.mp4" in page and "08:00" in page  # 23:00 in Moscow is her morning
        assert "film.mp4" not in await boris.read(RECEIPTS)
        there.tropa.parts.halves.media.desk.tick(NOON + timedelta(hours=1))
        assert there.tropa.parts.halves.media.desk.stats().fetching == 0
    assert course.downloads(FILM) == 0


async def test_a_request_can_be_given_up_by_her_alone(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), **BOX) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        token = cancel_token(await file_request(anna))
        assert (await boris.post("/.tropa/cancel", token)).status == 409
        given_up = await anna.post("/.tropa/cancel", token)
        assert (given_up.status, given_up.headers["Location"]) == (303, RECEIPTS)
        assert there.tropa.parts.halves.media.desk.stats().deferred == 0
        assert 'action="/.tropa/cancel"' not in await anna.read(RECEIPTS)
        assert (await anna.post("/.tropa/cancel", token)).status == 303  # a second tap changes nothing


def cancel_token(page: str) -> str:
    found = re.search(r'action="/\.tropa/cancel"><button[^>]*value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


async def test_what_came_at_night_is_opened_from_the_receipt_by_day(tmp_path: Path) -> None:
    course, clock = a_course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX, **QUICK) as there:
        anna = Learner(there, "anna")
        await file_request(anna)
        clock.by = NIGHT - NOON
        href = await opened_href(anna, there, clock)
        assert course.downloads(FILM) == 1
        clock.by = timedelta(hours=24)  # paid hours again
        href = await opened_href(anna, there, clock)
        page = await anna.until_ready(href)
        assert "<audio" in page
        sound = await anna.play(files_of(page, href)[0])
    assert sound.status == 200 and course.downloads(FILM) == 1


async def opened_href(learner: Learner, there: Served, clock: Moved) -> str:
    """Where the receipt leads once what it is for is ready."""
    async with asyncio.timeout(90):
        while True:
            there.tropa.parts.halves.media.desk.tick(clock.now())
            found = re.search(r'class="tropa-go" href="(/\.tropa/media/[^"]+)"', await learner.read(RECEIPTS))
            if found is not None:
                return found[1]
            await asyncio.sleep(0.1)


async def test_a_request_survives_a_restart(tmp_path: Path) -> None:
    async with served(tmp_path, a_course(), **BOX) as there:
        await file_request(Learner(there, "anna"))
    async with served(tmp_path, a_course(), **BOX) as there:
        anna = Learner(there, "anna")
        page = await anna.read(RECEIPTS)
        assert "film.mp4" in page and "08:00" in page
        assert there.tropa.parts.halves.media.desk.stats().deferred == 1
        await anna.post("/.tropa/cancel", cancel_token(page))
        assert there.tropa.parts.halves.media.desk.stats().deferred == 0
    async with served(tmp_path, a_course(), **BOX) as there:
        assert there.tropa.parts.halves.media.desk.stats().deferred == 0


@pytest.mark.parametrize(
    ("told", "now"),
    [({}, NOON), (BOX, NIGHT), ({**BOX, "free": "[]", "consultations": "{when: always}"}, NOON)],
    ids=["no store on her side", "free now", "no free hours"],
)
async def test_nothing_is_put_off_where_that_saves_nothing(tmp_path: Path, told: dict[str, str], now: datetime) -> None:
    async with served(tmp_path, a_course(), now=now, **told) as there:
        assert not buttons(await Learner(there, "anna").read(PAGE), "tonight")


async def test_whom_the_origin_refuses_can_file_nothing(tmp_path: Path) -> None:
    course = a_course()
    async with served(tmp_path, course, **BOX) as there:
        anna = Learner(there, "anna")
        token = button(await anna.read(), "tonight")
        course.refused["anna"] = 403
        reply = await anna.post("/.tropa/tonight", token)
        assert reply.status == 200 and there.tropa.parts.halves.media.desk.stats().deferred == 0


@pytest.mark.parametrize(
    ("path", "offered"),
    [(FILM, True), ("/draftfile.php/5/user/draft/1/film.mp4", False)],  # what is read there may be saved back
)
async def test_what_would_never_be_made_is_not_offered(tmp_path: Path, path: str, offered: bool) -> None:
    course = MediaCourse()
    course.files[path] = film().read_bytes()
    course.with_page(f'<video controls src="{path}"></video>')
    async with served(tmp_path, course, **BOX) as there:
        page = await Learner(there, "anna").read()
        assert bool(buttons(page, "tonight")) is offered
        assert "tropa-card" in page  # in either case


async def test_a_signed_document_says_why_once_and_is_not_offered_again(tmp_path: Path) -> None:
    course, clock = MediaCourse(), Moved(NOON)
    path = course.put("приказ.pdf", pdf_signed(tmp_path / "signed.pdf").read_bytes() + b"\n" * 3_000_000)
    async with served(tmp_path, course, clock=clock, **BOX, **QUICK) as there:
        anna, boris = Learner(there, "anna"), Learner(there, "boris")
        await file_request(anna, path)
        token = button(await boris.read(path), "tonight")
        clock.by = NIGHT - NOON
        async with asyncio.timeout(60):
            while "Он подписан" not in (receipt := await anna.read(RECEIPTS)):
                there.tropa.parts.halves.media.desk.tick(clock.now())
                await asyncio.sleep(0.05)
        assert "приказ.pdf" in receipt
        clock.by = timedelta(hours=20)  # paid hours again
        refused = await boris.post("/.tropa/tonight", token)
        assert refused.status == 200 and "подписан" in refused.body.decode()
        assert "приказ.pdf" not in await boris.read(RECEIPTS)  # told at once, and nothing filed
        assert not buttons(await boris.read(path), "tonight")


async def test_a_recording_is_filed_by_the_name_that_it_gives_itself(tmp_path: Path) -> None:
    course = MediaCourse()
    playback = "/playback/presentation/2.3/8b57edfe-1473220659918"
    course.files["/presentation/8b57edfe-1473220659918/metadata.xml"] = FILES["metadata.xml"].encode()
    course.with_page(f'<video controls src="{playback}"></video>')
    async with served(tmp_path, course, **BOX) as there:
        assert "Методика, занятие 3" in await file_request(Learner(there, "anna"))
        assert "Методика" not in await Learner(there, "boris").read(RECEIPTS)
