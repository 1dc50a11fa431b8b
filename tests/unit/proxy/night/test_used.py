"""How much of what nights brought was opened since, films among it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from policies.load import read_catalogue
from proxy.exchange import Receipt
from proxy.night.hours import NightHours
from proxy.night.openings import Openings, path_of, thing_of
from proxy.night.used import NightUse, Use, saved_use, use_of
from proxy.night.wishes import Wanted, Wishes, saved
from scheduler.requests import RequestState
from tests.receipts import a_receipt
from tests.serving import NOON, served
from tests.unit.proxy.media.desks import Office
from tests.unit.proxy.night.test_hours import OPENS, REGIONS
from tests.unit.proxy.night.test_wishes import wanted

AT_A_SCHOOL = "costly_hop: site_uplink\n    store: school-box"
MORNING = OPENS + timedelta(hours=9)
HOME = "https://lms.example.org/pluginfile.php/1"
SITES = """
origins:
  lms: {preset: moodle, hosts: [lms.example.org, курсы.example], upstream: "http://127.0.0.1:8081", allow_private: true}
  other: {hosts: [other.example.org, "*.many.example"], upstream: "http://127.0.0.1:8082", allow_private: true}
"""


def here(name: str, size: int = 1000, **more: Any) -> Wanted:
    one = wanted("", url=f"{HOME}/{name}")
    return replace(one, **{"id": name, "place": "tundra", "changed": OPENS, "size_bytes": size, **more})


def given(name: str, at: datetime = MORNING, **more: Any) -> Receipt:
    return a_receipt(
        **{
            "url": f"http://lms.example.org:8080/pluginfile.php/1/{name}",
            "origin": "lms",
            "at": at,
            "status": 200,
            **more,
        }
    )


class Box:
    """Wishes that came in a night, and who notices what is opened of them."""

    def __init__(self, office: Office, folder: Path) -> None:
        path = folder / "regions.yaml"
        path.write_text(REGIONS + SITES)
        self.catalogue = catalogue = read_catalogue(path)
        self.office, self.wishes, self.openings = office, Wishes(office.state), Openings(lambda: catalogue)
        hours = NightHours(lambda: catalogue, office.state, office.clock)
        self.use = NightUse(self.openings, self.wishes, hours, office.state, office.clock, lambda: catalogue)

    def watched(self, url: str, at: datetime) -> None:
        self.openings.watched(url, self.catalogue.origins["lms"], at)

    async def brings(self, *names: str, **more: Any) -> None:
        for name in names:
            assert await self.wishes.add(here(name, **more), max_open=99) is not None
            await self.wishes.move(name, RequestState.READY, OPENS + timedelta(minutes=5))
        await self.use.tick()

    async def told(self) -> Use:
        await self.use.tick()
        return use_of(await saved(self.office.state))


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    office = Office(tmp_path)
    office.clock.at = MORNING
    await office.open()
    yield Box(office, tmp_path)
    await office.close()


async def test_a_file_counts_once_however_many_opened_it_and_however_they_asked(box: Box) -> None:
    await box.brings("a.pdf", "b.pdf")
    box.openings.told([given("a.pdf"), given("a.pdf", status=304), given("a.pdf?forcedownload=1")])
    assert await box.told() == Use(files=2, bytes=2000, opened_files=1, opened_bytes=1000)
    box.openings.told([given("a.pdf")])
    assert (await box.told()).opened_files == 1


@pytest.mark.parametrize(
    ("wished", "opened", "origin", "is_it"),
    [
        (f"{HOME}/a.pdf?forcedownload=1", f"{HOME}/a.pdf", "lms", True),
        (f"{HOME}/a.pdf", f"{HOME}/a.pdf?sesskey=abc&_=12&forcedownload=1", "lms", True),
        (f"{HOME}/a.pdf", "http://school.local:8080/pluginfile.php/1/a.pdf", "lms", True),
        (f"{HOME}/a.pdf", f"{HOME}/a.pdf?preview=thumb", "lms", False),
        (f"{HOME}/a.pdf", "https://other.example.org/pluginfile.php/1/a.pdf", "other", False),
        ("https://other.example.org/get?id=1", "https://other.example.org/get?id=1", "other", True),
        ("https://other.example.org/get?id=1", "https://other.example.org/get?id=2", "other", False),
        ("https://other.example.org/get?id=1", "https://other.example.org/get", "other", False),
        ("https://a.many.example/x", "http://a.many.example:8080/x", "other", True),
        ("https://a.many.example/x", "https://b.many.example/x", "other", False),
        ("https://a.many.example/x", "https://other.example.org/x", "other", False),
    ],
)
async def test_a_thing_is_known_by_its_site_its_path_and_what_of_its_query_names_it(
    box: Box, wished: str, opened: str, origin: str, is_it: bool
) -> None:
    await box.brings("a", url=wished)
    box.openings.told([given("", url=opened, origin=origin)])
    assert (await box.told()).opened_files == is_it
    await box.brings("b", url=wished)
    box.openings.watched(opened, box.catalogue.origins[origin], MORNING)
    assert (await box.told()).opened_files == 2 * is_it


@pytest.mark.parametrize(
    "app", ["webservice/pluginfile.php/1/a.pdf?token=0&offline=1", "tokenpluginfile.php/key/1/a.pdf"]
)
async def test_the_app_opens_the_same_file(box: Box, app: str) -> None:
    await box.brings("a.pdf")
    box.openings.told([given("", url=f"https://lms.example.org/{app}")])
    assert (await box.told()).opened_files == 1


async def test_no_address_of_a_learners_is_held(box: Box) -> None:
    box.watched(f"{HOME}/hers.pdf?token=secret", MORNING)
    assert [len(thing) for thing in box.openings.taken()] == [16]


async def test_a_film_counts_where_a_version_of_it_was_shown_or_it_played_in_its_page(box: Box) -> None:
    await box.brings("a.mp4", "b.mp3", "c.mp4", "d.pdf")
    box.watched("http://127.0.0.1:8080/pluginfile.php/1/a.mp4", MORNING)
    box.openings.told([given("b.mp3", status=206, treatment="media"), given("c.mp4", treatment="withheld")])
    found = await box.told()
    assert (found.films, found.opened_films, found.files, found.opened_files) == (3, 2, 4, 2)


async def test_a_film_that_is_watched_the_moment_it_came_counts_and_one_watched_before_does_not(box: Box) -> None:
    for name in ("a.mp4", "b.mp4"):
        assert await box.wishes.add(here(name), max_open=9) is not None
        await box.wishes.move(name, RequestState.READY, MORNING)
    box.watched(f"{HOME}/a.mp4", MORNING)
    box.watched(f"{HOME}/b.mp4", MORNING - timedelta(seconds=1))
    assert (await box.told()).opened_films == 1


@pytest.mark.parametrize(
    "other",
    [
        given("a.pdf", treatment="night"),
        given("a.pdf", OPENS),
        given("a.pdf", status=403),
        given("c.pdf"),
        given("", url="https://lms.example.org"),
    ],
)
async def test_what_is_no_opening_of_it_does_not_count(box: Box, other: Receipt) -> None:
    await box.brings("a.pdf")
    box.openings.told([other])
    assert (await box.told()).opened_files == 0


async def test_a_learners_own_wish_does_not_count(box: Box) -> None:
    await box.brings("a.pdf")
    await box.brings("hers.pdf", owner="anna")
    box.openings.told([given("hers.pdf")])
    assert await box.told() == Use(files=1, bytes=1000)


async def test_a_night_keeps_its_sums_when_what_it_brought_is_forgotten(box: Box) -> None:
    await box.brings("a.pdf", "b.mp4")
    box.watched(f"{HOME}/b.mp4", MORNING)
    await box.use.tick()
    told = {
        ("tundra", "2026-11-23T16:00Z"): Use(
            files=2, bytes=2000, opened_files=1, opened_bytes=1000, films=1, opened_films=1
        )
    }
    state, clock = box.office.state, box.office.clock
    assert await saved_use(state, clock.now()) == told
    clock.at = OPENS + timedelta(days=8)
    await box.wishes.expire(clock.now())
    await box.use.tick()
    assert use_of(await saved(state)) == Use() and await saved_use(state, clock.now()) == told
    assert await saved_use(state, clock.now() + timedelta(days=35)) == {}


async def test_what_was_opened_is_known_to_the_next_process_and_begins_anew_when_it_comes_anew(box: Box) -> None:
    await box.brings("a.pdf")
    box.openings.told([given("a.pdf")])
    await box.use.tick()
    again = Wishes(box.office.state)
    await again.start(MORNING)
    one = again.get("a.pdf")
    assert one is not None and one.opened == MORNING
    fresh = await again.add(here("a.pdf"), max_open=9)
    assert fresh is not None and fresh.opened is None


def test_what_is_no_address_is_nothing_and_raises_nothing() -> None:
    assert len({thing_of(url, None) for url in ("http://[x/y", "", "https://a.example/y", "https://b.example/y")}) == 4


@pytest.mark.parametrize(
    ("url", "path"),
    [("https://a.example/x/y?z=1#k", "/x/y"), ("https://a.example", "/"), ("lms.example.org:443", "/"), ("", "/")],
)
def test_the_path_of_an_address(url: str, path: str) -> None:
    assert path_of(url) == path


async def test_a_running_box_notices_what_its_learners_open(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.Response:
        return web.Response(body=b"%PDF-1.7 " + b"x" * 2000, content_type="application/pdf", headers={"ETag": '"1"'})

    async with served(tmp_path, origin, tropa="place: school", region=AT_A_SCHOOL) as there:
        night, log = there.tropa.parts.halves.night, there.tropa.parts.ground.log
        for name in ("a.pdf", "b.pdf"):
            one = here(name, url=f"http://127.0.0.1/pluginfile.php/1/{name}", place="koryak")
            assert await night.wishes.add(one, max_open=9) is not None
            await night.wishes.move(name, RequestState.READY, NOON - timedelta(hours=9))
        await night.use.tick()
        assert (await there.get("/pluginfile.php/1/a.pdf?forcedownload=1")).status == 200
        assert await asyncio.to_thread(log.drain)
        await night.use.tick()
        opened = {name: night.wishes.get(name) for name in ("a.pdf", "b.pdf")}
        assert {name: one is not None and one.opened is not None for name, one in opened.items()} == {
            "a.pdf": True,
            "b.pdf": False,
        }
