"""The desk with the recipes themselves: a film is played while it arrives, and sought in by segments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.media.views import State
from proxy.transforms.media.recipes import RECIPES
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.spec import Recipe
from proxy.transforms.media.tools import find_ffmpeg
from tests.media_desk import FakeOrigin
from tests.media_samples import film
from tests.unit.proxy.media.desks import Office, a_watcher, an_order, read_whole, until

pytestmark = pytest.mark.skipif(find_ffmpeg() is None, reason="no ffmpeg")
SECONDS = 6


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office(tmp_path, real=MediaRunner(find_ffmpeg())).open()
    yield office
    await office.close()


def an_origin(**more: object) -> FakeOrigin:
    return FakeOrigin(film(seconds=SECONDS).read_bytes(), **more)  # type: ignore[arg-type]


def boxes(body: bytes) -> list[bytes]:
    """The kinds of an MP4's outer boxes, in order."""
    kinds, at = [], 0
    while at + 8 <= len(body):
        kinds.append(body[at + 4 : at + 8])
        at += max(8, int.from_bytes(body[at : at + 4]))
    return kinds


async def test_a_film_is_played_before_its_source_is_whole(office: Office) -> None:
    half = film(seconds=SECONDS).stat().st_size * 2 // 3
    origin = an_origin(gate=asyncio.Event(), open_bytes=half, chunk_bytes=16 << 10)
    assert origin.gate is not None
    order = an_order(origin, Recipe.CAPPED, version=RECIPES[Recipe.CAPPED].version)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    await until(lambda: (g := office.desk.growing(ticket.key, learner="anna")) is not None and g.length_bytes > 20_000)
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None and not office.sources.stats().fetched
    reader = asyncio.create_task(read_whole(growing.read_from()))
    origin.gate.set()
    view = await office.ended(ticket.key)
    assert view is not None and view.state is State.READY
    played = boxes(await reader)
    assert played[:2] == [b"ftyp", b"moov"] and played.count(b"moof") >= SECONDS - 1
    media = await office.desk.ready(ticket.key, learner="anna")
    assert media is not None and media.duration_s == pytest.approx(SECONDS, abs=0.5)
    assert media.length_bytes < len(origin.body) / 3
    assert len(origin.requests) == 1


async def test_a_film_is_sought_in_by_segments(office: Office) -> None:
    order = an_order(an_origin(), Recipe.HLS, version=RECIPES[Recipe.HLS].version)
    view = await office.made(order)
    assert view is not None and view.state is State.READY
    playlist = await office.desk.ready(order.key, learner="anna")
    assert playlist is not None and playlist.main == "index.m3u8"
    segment = await office.desk.segment(order.key, 0, watcher=a_watcher())
    assert segment is not None
    assert b"moof" in boxes(segment.main_file.path.read_bytes())
    assert await office.desk.segment(order.key, 999, watcher=a_watcher()) is None
    await until(lambda: office.desk.stats().running == office.desk.stats().queued == 0)


async def test_a_source_that_is_no_film_is_refused(office: Office) -> None:
    order = an_order(FakeOrigin(b"<html>log in</html>" * 5000), Recipe.CAPPED)
    view = await office.made(order)
    assert view is not None and view.state is State.REFUSED
    assert office.store.stats().media == 0
