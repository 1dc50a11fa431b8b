"""A school's box with its night fetcher, before an origin of bare bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from policies.load import read_catalogue
from policies.model import Catalogue, Territory
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.sqlite import SqliteState
from proxy.app_cache import Cache
from proxy.cache.origin_cache import OriginCache
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
from scheduler.requests import OPEN
from tests.origins import RawOrigin, Script, answering, raw_origin
from tests.unit.proxy.media.desks import Office
from tests.unit.proxy.night.test_hours import OPENS, Sleeps
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
        cache: OriginCache,
    ) -> None:
        self.origin, self.fetcher, self.wishes, self.place, self.office = origin, fetcher, wishes, place, office
        self.accountant, self.cache = accountant, cache

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
    """Answers in turn, the last one for all that follow."""
    async with school_at(folder, answering(*(answers or (STORED,))), follow=follow, allowance=allowance) as here:
        yield here


@asynccontextmanager
async def school_at(folder: Path, script: Script, *, follow: str = "", allowance: str = "") -> AsyncIterator[School]:
    """One whose origin answers by a script."""
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
        yield School(origin, fetcher, wishes, catalogue.territories["tundra", None], office, accountant, cache.origin)
    finally:
        await keeper.close()
        await upstream.close()
        await cache.close()
        await texts.close()
        await office.close()
        log.close()


FILE = "/pluginfile.php/7/mod_resource/content/1/a.zip"
