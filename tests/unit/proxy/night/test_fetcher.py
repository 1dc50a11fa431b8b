"""The night's work with an origin of bare bytes: what it asks for, what becomes of each answer, when it is silent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue, Territory
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.sqlite import SqliteState
from proxy.app_cache import Cache
from proxy.clock import Clock
from proxy.media.store_values import StoredMedia
from proxy.night.fetcher import NightFetcher
from proxy.night.films import NightFilms
from proxy.night.hours import NightHours
from proxy.night.looking import Looking
from proxy.night.sources import NightSources
from proxy.night.texts.store import TextStore
from proxy.night.toll import Toll
from proxy.night.wishes import Wanted, Wishes
from proxy.operate.night_run import active_run
from proxy.own.had import HadMedia
from proxy.runtime import Runtime, runtime_of
from proxy.stages.media_book import MediaBook
from proxy.tasks import TaskKeeper
from proxy.upstream.upstream import Upstream
from scheduler.requests import OPEN, RequestState
from tests.origins import RawOrigin, Visit, raw_origin
from tests.unit.proxy.media.desks import Office
from tests.unit.proxy.night.test_hours import CLOSES, OPENS, Sleeps
from tests.unit.proxy.night.test_service import TOKEN

SITE = "http://lms.example.org"
REGIONS = """
tropa: {place: school}
origins:
  lms:
    hosts: [lms.example.org]
    upstream: http://127.0.0.1:PORT
    preset: moodle
    allow_private: true
    service: {token_file: token, site: "http://lms.example.org"}
regions:
  tundra:
    timezone: Asia/Krasnoyarsk
    networks: [10.0.0.0/8]
    policy: open
    costly_hop: site_uplink
    store: school-box
    link: {down: 8 Mbit/s}
    tariff: {price: 1 RUB/MB, free: 23:00-07:00ALLOWANCE}
    night: {FOLLOW limit: 10 MB}
"""
JSON_ERROR = ("Content-Type: application/json; charset=utf-8", "Cache-Control: no-store, no-cache, must-revalidate")
BODY = b"x" * 5000
ETAG = '"' + "b2" * 20 + '"'


def answer(status: str = "200 OK", body: bytes = BODY, *lines: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


STORED = answer(
    "200 OK", BODY, f"ETag: {ETAG}", "Cache-Control: private, max-age=21600", "Content-Type: application/zip"
)


def an_accountant(state: SqliteState, clock: Clock, catalogue: Catalogue, log: AccessLog) -> Accountant:
    return Accountant(
        state=state, clock=clock, log=log, metrics=Metrics(), codes=Codes(b"k" * 32), catalogue=lambda: catalogue
    )


class School:
    """A box with its fetcher; `asked` is what the origin was asked for."""

    def __init__(
        self,
        origin: RawOrigin,
        fetcher: NightFetcher,
        wishes: Wishes,
        place: Territory,
        office: Office,
        accountant: Accountant,
    ) -> None:
        self.origin, self.fetcher, self.wishes, self.place, self.office = origin, fetcher, wishes, place, office
        self.accountant = accountant

    @property
    def asked(self) -> list[str]:
        return [line for line in self.origin.received.decode().split("\r\n") if line.endswith(" HTTP/1.1")]

    async def wish(self, target: str) -> Wanted:
        now = self.office.clock.now()
        one = await self.fetcher.ask(self.place, SITE + target, "a file", "anna", now)
        assert one is not None
        return one

    async def worked(self, wish: str) -> Wanted:
        """How it stands when the night has done with it for now."""
        async with asyncio.timeout(20):
            while (one := self.wishes.get(wish)) is not None and one.state in OPEN and not one.reason:
                await self.fetcher.tick()  # again and again: one that comes while a work ends begins nothing
                await asyncio.sleep(0.01)
        assert one is not None
        return one


@asynccontextmanager
async def school(folder: Path, *answers: bytes, follow: str = "", allowance: str = "") -> AsyncIterator[School]:
    """Answers in turn, one for each connection, the last one for all that follow."""
    given = iter(answers)
    last: list[bytes] = []

    async def script(visit: Visit) -> None:
        while True:
            head = await visit.head()
            await visit.body(head)
            last[:] = [next(given, last[0] if last else STORED)]
            await visit.send(last[0])

    async with raw_origin(script) as origin:
        path = folder / "regions.yaml"
        path.write_text(
            REGIONS.replace("PORT", str(origin.port)).replace("FOLLOW", follow).replace("ALLOWANCE", allowance)
        )
        token = folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        async with _built(folder, read_catalogue(path), origin) as built:
            yield built


@asynccontextmanager
async def _built(folder: Path, catalogue: Catalogue, origin: RawOrigin) -> AsyncIterator[School]:
    office = Office(folder / "office")
    office.folder.mkdir()
    office.clock.at = OPENS
    await office.open()
    keeper, upstream = TaskKeeper("test"), Upstream(lambda: catalogue)
    runtime: Runtime = runtime_of(catalogue, b"s" * 32)
    cache = Cache(folder, upstream=upstream, clock=office.clock, keeper=keeper, catalogue=lambda: catalogue)
    await cache.open()
    wishes, sources = Wishes(office.state), NightSources(upstream, lambda: catalogue, via="1.1 tropa")
    log = AccessLog(folder / "log", max_days=7, max_bytes=10**7)
    log.start()
    accountant = an_accountant(office.state, office.clock, catalogue, log)
    hours = NightHours(
        lambda: catalogue,
        office.state,
        office.clock,
        extra=lambda now: active_run(folder, now),
        pause=Sleeps(office.clock),
    )
    texts = TextStore(folder / "texts.sqlite")
    await texts.open()
    toll = Toll(accountant, office.clock, lambda: runtime)
    looking = Looking(
        hours=hours,
        wishes=wishes,
        sources=sources,
        cache=cache.origin,
        state=office.state,
        clock=office.clock,
        toll=toll,
        texts=texts,
        catalogue=lambda: catalogue,
    )

    async def no_bytes(version: str, stored: StoredMedia) -> int:
        return 1

    fetcher = NightFetcher(
        hours=hours,
        wishes=wishes,
        looking=looking,
        toll=toll,
        sources=sources,
        cache=cache.origin,
        desk=office.desk,
        clock=office.clock,
        keeper=keeper,
        runtime=lambda: runtime,
        films=NightFilms(HadMedia(office.state), MediaBook(), office.desk, no_bytes),
    )
    try:
        yield School(origin, fetcher, wishes, catalogue.territories["tundra", None], office, accountant)
    finally:
        await keeper.close()
        await upstream.close()
        await cache.close()
        await texts.close()
        await office.close()
        log.close()


FILE = "/pluginfile.php/7/mod_resource/content/1/a.zip"


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
    async with school(tmp_path, info, courses, answer("200 OK", told), STORED, follow=follow) as here:
        await here.fetcher.tick()
        async with asyncio.timeout(20):
            while not [one for one in here.wishes.at("tundra") if one.state is RequestState.READY]:
                await asyncio.sleep(0.01)
        [one] = here.wishes.at("tundra")
        assert one.url == f"{SITE}{FILE}?forcedownload=1" and one.owner == ""
        asked = len(here.asked)
        await here.fetcher.tick()
        await asyncio.sleep(0.05)
        assert len(here.asked) == asked == 4
        assert not any("view.php" in line for line in here.asked)
