"""Letters: one to a learner when her things are ready, one to IT staff in the morning; nothing secret, nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import Mail
from proxy.account.state import MarkQuery
from proxy.media.desk import Desk
from proxy.night.hours import NightHours
from proxy.night.letters import Letters, Waiting
from proxy.night.post import Letter, NotSent, send
from proxy.night.wishes import Wishes
from proxy.operate.night_run import NightRun, active_run, set_run
from scheduler.requests import RequestState
from tests.unit.proxy.media.desks import Office
from tests.unit.proxy.night.test_hours import CLOSES, OPENS, REGIONS
from tests.unit.proxy.night.test_wishes import wanted

REPORTED = REGIONS.replace(
    "place: school", "place: school, mail: {smtp: 127.0.0.1:PORT, from: tropa@school.example, tls: none}"
)
MORNING = REPORTED.replace("night: {", "night: {report_to: it@school.example, ")


@dataclass
class PostOffice:
    """Takes letters as RFC 5321 says, or refuses every recipient."""

    refuses: bytes = b""
    port: int = 0
    letters: list[bytes] = field(default_factory=list)
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go\r\n")
                self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            elif word == b"RCPT":
                self.asked += 1
                writer.write(self.refuses or b"250 ok\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 post\r\n")
        writer.close()


@asynccontextmanager
async def post_office(refuses: bytes = b"") -> AsyncIterator[PostOffice]:
    office = PostOffice(refuses=refuses)
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


def text_of(letter: bytes) -> tuple[str, str, str]:
    message = message_from_bytes(letter.removesuffix(b".\r\n"), policy=policy.default)
    return str(message["To"]), str(message["Subject"]), str(message.get_content())


class Room:
    """Letters with what they stand on."""

    def __init__(self, office: Office, letters: Letters, wishes: Wishes, hours: NightHours) -> None:
        self.office, self.letters, self.wishes, self.hours = office, letters, wishes, hours

    async def asks(self, learner: str = "anna", language: str = "ru") -> bool:
        now = self.office.clock.now()
        to = Waiting(learner=learner, to=f"{learner}@school.example", language=language, home="http://x", since=now)
        return await self.letters.leave(to, now)

    async def another(self, catalogue_path: Path) -> Letters:
        """As the next process has them."""
        letters, _ = _letters(self.office, self.wishes, catalogue_path)
        await letters.start(self.office.clock.now())
        return letters


def _letters(office: Office, wishes: Wishes, path: Path) -> tuple[Letters, NightHours]:
    catalogue = read_catalogue(path)
    extra = partial(active_run, path.parent)
    hours = NightHours(lambda: catalogue, office.state, office.clock, extra=extra)
    desk: Desk = office.desk
    return Letters(office.state, wishes, desk, hours, office.clock, lambda: catalogue), hours


@asynccontextmanager
async def room(folder: Path, port: int, regions: str = REPORTED) -> AsyncIterator[Room]:
    path = folder / "regions.yaml"
    path.write_text(regions.replace("PORT", str(port)))
    office = Office(folder)
    office.clock.at = OPENS
    await office.open()
    wishes = Wishes(office.state)
    try:
        letters, hours = _letters(office, wishes, path)
        yield Room(office, letters, wishes, hours)
    finally:
        await office.close()


async def test_a_learner_is_told_once_and_her_address_is_then_forgotten(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port) as here:
        one = await here.wishes.add(wanted(), max_open=9)
        assert one is not None and await here.asks()
        await here.letters.tick()
        assert post.letters == [], "nothing of hers is ready"
        await here.wishes.move(one.id, RequestState.READY, here.office.clock.now())
        for _ in range(2):
            await here.letters.tick()
        [(to, subject, text)] = map(text_of, post.letters)
        assert (to, subject) == ("anna@school.example", "Готово то, о чём вы просили")
        assert "http://x/.tropa/deferred" in text and "a.zip" not in text
        assert await here.office.state.list(MarkQuery(kind="letter-to", now=OPENS)) == ()
        assert not here.letters.is_waiting("anna")


async def test_her_letter_waits_for_the_next_process(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port) as here:
        one = await here.wishes.add(wanted(), max_open=9)
        assert one is not None and await here.asks(language="en")
        await here.wishes.move(one.id, RequestState.READY, here.office.clock.now())
        await (await here.another(tmp_path / "regions.yaml")).tick()
        assert text_of(post.letters[0])[1] == "What you asked for is here"


@pytest.mark.parametrize(("refuses", "asked"), [(b"550 nobody\r\n", 1), (b"450 later\r\n", 6)])
async def test_a_refused_letter_is_tried_as_often_as_that_makes_sense(
    tmp_path: Path, refuses: bytes, asked: int
) -> None:
    async with post_office(refuses) as post, room(tmp_path, post.port) as here:
        one = await here.wishes.add(wanted(), max_open=9)
        assert one is not None and await here.asks()
        await here.wishes.move(one.id, RequestState.READY, here.office.clock.now())
        for _ in range(12):
            await here.letters.tick()
            here.office.clock.moves(3 * 3600)
        assert not here.letters.is_waiting("anna") and post.asked == asked


async def test_only_an_address_is_taken_and_erasing_forgets_it(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port) as here:
        for wrong in ("anna", "a@b", "a b@c.de", "a@c.de\r\nBcc: x@y.z", "<a@c.de>"):
            to = Waiting(learner="anna", to=wrong, language="ru", home="http://x", since=OPENS)
            assert not await here.letters.leave(to, OPENS)
        assert await here.asks()
        assert await here.letters.forget("anna") == 1 and await here.letters.forget("anna") == 0


async def test_the_morning_brings_one_report(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port, MORNING) as here:
        place = wanted("", title="Лекция 6", size_bytes=12_000_000)
        one = await here.wishes.add(replace(place, place="tundra"), max_open=9)
        assert one is not None
        await here.wishes.move(one.id, RequestState.READY, OPENS)
        await here.wishes.opened(one.id, OPENS)
        await here.letters.tick()
        assert post.letters == [], "the night goes on"
        here.office.clock.at = CLOSES
        for _ in range(2):
            await here.letters.tick()
        [(to, subject, text)] = map(text_of, post.letters)
        assert to == "it@school.example" and "К утру" in subject
        assert "Лекция 6 (открывали)" in text and "Уже здесь: 1" in text
        assert "Из этого открывали: 1 из 1 (12 МБ из 12 МБ)." in text.replace("\u00a0", " ")


async def test_a_night_between_two_looks_owes_its_report_all_the_same(tmp_path: Path) -> None:
    short = MORNING.replace("free: 23:00-07:00", "free: 23:00-23:01")
    async with post_office() as post, room(tmp_path, post.port, short) as here:
        here.office.clock.at = OPENS - timedelta(seconds=10)
        await here.letters.tick()
        here.office.clock.at = OPENS + timedelta(minutes=2)
        for _ in range(2):
            await here.letters.tick()
        assert len(post.letters) == 1


async def test_a_night_that_ends_while_no_process_runs_is_reported_by_the_next(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port, MORNING) as here:
        await here.letters.tick()
        here.office.clock.at = CLOSES + timedelta(hours=3)
        for _ in range(2):
            await (await here.another(tmp_path / "regions.yaml")).tick()
        assert len(post.letters) == 1, "once, whichever process"


async def test_hours_that_never_close_are_reported_day_by_day(tmp_path: Path) -> None:
    always = MORNING.replace("tariff: {price: 1 RUB/MB, free: 23:00-07:00}", "tariff: {price: 1 RUB/MB, free: always}")
    async with post_office() as post, room(tmp_path, post.port, always) as here:
        for hours in range(0, 49, 6):
            here.office.clock.at = OPENS + timedelta(hours=hours)
            await here.letters.tick()
        assert len(post.letters) == 2


async def test_a_clock_set_back_brings_no_second_report(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port, MORNING) as here:
        for at in (OPENS, CLOSES, CLOSES - timedelta(hours=1), CLOSES, CLOSES + timedelta(hours=1)):
            here.office.clock.at = at
            await here.letters.tick()
        assert len(post.letters) == 1


async def test_a_test_that_is_over_is_reported(tmp_path: Path) -> None:
    async with post_office() as post, room(tmp_path, post.port, MORNING) as here:
        at = OPENS - timedelta(hours=9)
        run = NightRun(place="tundra", opens=at, closes=at + timedelta(minutes=10), limit_bytes=1)
        set_run(tmp_path, run)
        for minutes in (-1, 1, 11, 12):
            here.office.clock.at = at + timedelta(minutes=minutes)
            here.hours.look_for_runs(here.office.clock.now())
            await here.letters.tick()
        assert len(post.letters) == 1


async def test_a_password_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("geheim")
    password.chmod(0o644)
    mail = Mail(host="127.0.0.1", port=9, sender="a@b.cd", user="u", password_file=str(password))
    with pytest.raises(NotSent, match="chmod 600") as failed:
        await send(Letter(to="x@y.zz", subject="s", text="t"), mail)
    assert "geheim" not in str(failed.value)


async def test_a_post_office_that_is_away_is_a_letter_not_sent() -> None:
    mail = Mail(host="127.0.0.1", port=1, sender="a@b.cd", tls="none")
    with pytest.raises(NotSent):
        await send(Letter(to="x@y.zz", subject="s", text="t"), mail)
