"""Segments of a long film are made when a player asks for them, and the next one ahead."""

from __future__ import annotations

import asyncio

from proxy.transforms.media.spec import Recipe
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until


async def test_segments_are_made_when_they_are_asked_for_and_the_next_one_ahead(office: Office) -> None:
    order = an_order(FakeOrigin(BODY), Recipe.HLS)
    await office.made(order)
    player = a_watcher()
    media = await office.desk.segment(order.key, 7, watcher=player)
    assert media is not None and media.main_file.path.read_bytes() == b"segment 7"
    await until(lambda: office.runner.segments == [7, 8])
    await until(lambda: office.desk.stats().running == 0)
    media = await office.desk.segment(order.key, 8, watcher=player)
    assert media is not None and media.main_file.path.read_bytes() == b"segment 8"
    await until(lambda: office.runner.segments == [7, 8, 9])
    assert await office.desk.segment(order.key, 8, watcher=a_watcher("boris")) is None


async def test_a_segment_does_not_wait_for_a_film(office: Office) -> None:
    order = an_order(FakeOrigin(BODY), Recipe.HLS)
    await office.made(order)
    office.runner.gate = asyncio.Event()
    office.runner.halfway.clear()
    film = an_order(FakeOrigin(BODY[::-1], etag='"' + "b2" * 20 + '"'))
    await office.desk.ask(film, a_watcher("boris"))
    await office.runner.halfway.wait()
    asked = asyncio.create_task(office.desk.segment(order.key, 3, watcher=a_watcher()))
    await until(lambda: office.runner.segments == [3])
    assert office.desk.stats().running == 2
    office.runner.gate.set()
    assert await asked is not None


async def test_a_player_that_went_elsewhere_leaves_its_segment(office: Office) -> None:
    order = an_order(FakeOrigin(BODY), Recipe.HLS)
    await office.made(order)
    office.runner.gate = asyncio.Event()
    asked = asyncio.create_task(office.desk.segment(order.key, 3, watcher=a_watcher()))
    await until(lambda: office.runner.segments == [3])
    asked.cancel()
    await asyncio.wait((asked,))
    office.clock.moves(31)
    office.desk.tick(office.clock.now())
    assert office.desk.stats().running == 0
