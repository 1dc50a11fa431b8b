"""A film is read while it is made, and made while it arrives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.exchange import Refused
from proxy.media.growing import GrowingBroken
from proxy.media.jobs import Slots
from proxy.media.views import State
from proxy.transforms.media.spec import Recipe
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, read_whole, until, view_of


async def test_a_capped_film_is_read_by_many_while_it_is_made(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None and growing.content_type == "video/mp4"
    assert office.desk.growing(ticket.key, learner="boris") is None
    readers = [asyncio.create_task(read_whole(growing.read_from(offset))) for offset in (0, 0, 7)]
    await asyncio.sleep(0.02)
    assert not any(reader.done() for reader in readers)
    office.runner.gate.set()
    whole = BODY[: len(BODY) // 10]
    assert await asyncio.gather(*readers) == [whole, whole, whole[7:]]
    await office.ended(ticket.key)
    assert growing.is_whole
    assert await read_whole(growing.read_from(3)) == whole[3:]
    assert office.desk.growing(ticket.key, learner="anna") is None


async def test_a_watcher_is_told_when_there_is_something_toread_whole(office: Office) -> None:
    office.runner.gate, office.runner.done_at_gate = asyncio.Event(), 0.0
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    async with asyncio.timeout(20):
        async for view in office.desk.watch(ticket.key):
            if view.growing:
                break
    assert office.desk.growing(ticket.key, learner="anna") is not None
    office.runner.gate.set()
    await office.ended(ticket.key)


@pytest.mark.parametrize("outcome", [Refused(why="damaged"), Refused(why="killed"), ValueError("ours")])
async def test_readers_of_what_fails_end_broken(office: Office, outcome: Refused | Exception) -> None:
    office.runner.gate = asyncio.Event()
    office.runner.outcomes = [outcome]
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None
    reader = asyncio.create_task(read_whole(growing.read_from()))
    await asyncio.sleep(0.02)
    office.runner.gate.set()
    with pytest.raises(GrowingBroken):
        await reader
    assert not growing.is_whole


async def test_readers_of_what_is_given_up_end_broken(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher(stays_s=1))
    await office.runner.halfway.wait()
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None
    reader = asyncio.create_task(read_whole(growing.read_from()))
    await asyncio.sleep(0.02)
    office.clock.moves(2)
    office.desk.tick(office.clock.now())
    with pytest.raises(GrowingBroken):
        await reader


FASTSTART = (20).to_bytes(4) + b"ftypisom" + bytes(8) + (16).to_bytes(4) + b"moov" + bytes(8)
FASTSTART += (1_000_000).to_bytes(4) + b"mdat" + BODY + BODY


async def test_a_film_with_its_index_in_front_is_begun_while_it_arrives(office: Office) -> None:
    origin = FakeOrigin(FASTSTART, gate=asyncio.Event(), open_bytes=400_000)
    assert origin.gate is not None
    order = an_order(origin, Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    await until(lambda: office.runner.began_early == 1)
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None
    await until(lambda: growing.length_bytes > 0)
    assert (await view_of(office, ticket.key)).state is State.MAKING
    origin.gate.set()
    view = await office.ended(ticket.key)
    assert view is not None and view.state is State.READY
    assert growing.is_whole and office.runner.ran == []
    assert len(origin.requests) == 1


async def test_a_film_with_its_index_at_the_end_is_begun_when_it_is_there(office: Office) -> None:
    body = (16).to_bytes(4) + b"ftypisom" + bytes(4) + (500_000).to_bytes(4) + b"mdat" + BODY + BODY
    view = await office.made(an_order(FakeOrigin(body), Recipe.CAPPED))
    assert view is not None and view.state is State.READY
    assert office.runner.began_early == 0 and len(office.runner.ran) == 1


async def test_what_was_begun_too_early_is_made_again_from_the_whole(office: Office) -> None:
    origin = FakeOrigin(FASTSTART, gate=asyncio.Event(), open_bytes=400_000)
    office.runner.outcomes = [Refused(why="damaged")]
    asked = asyncio.create_task(office.made(an_order(origin, Recipe.CAPPED)))
    await until(lambda: office.runner.began_early == 1)
    assert origin.gate is not None
    origin.gate.set()
    view = await asked
    assert view is not None and view.state is State.READY
    assert office.runner.began_early == 1 and len(office.runner.ran) == 1
    assert office.desk.stats().retried == 0


async def test_a_slow_origin_never_takes_every_encoder(tmp_path: Path) -> None:
    office = await Office(tmp_path, slots=Slots(make=2)).open()
    gate = asyncio.Event()
    for n in range(2):
        slow = FakeOrigin(FASTSTART + bytes([n]), etag=f'"{n:040x}"', gate=gate, open_bytes=400_000)
        await office.desk.ask(an_order(slow, Recipe.CAPPED), a_watcher())
    await until(lambda: office.runner.began_early == 1)
    view = await office.made(an_order(FakeOrigin(BODY, etag='"' + "d4" * 20 + '"')))
    assert view is not None and view.state is State.READY
    assert office.runner.began_early == 1
    gate.set()
    await office.close()
