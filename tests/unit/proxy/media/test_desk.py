"""A source comes once and a medium is made once, however many ask; only those whom the origin lets have it get it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.media.jobs import Slots
from proxy.media.views import State
from proxy.transforms.media.spec import CappedSpec, Recipe
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until, view_of


async def test_fifty_learners_cost_one_download_and_one_encode(office: Office) -> None:
    origin = FakeOrigin(BODY)
    orders = [an_order(origin, learner=f"learner-{n}") for n in range(50)]
    views = await asyncio.gather(*(office.made(order, f"learner-{n}") for n, order in enumerate(orders)))
    assert {view.state for view in views if view is not None} == {State.READY}
    assert len(origin.requests) == 1
    assert len(office.runner.ran) == 1 and office.runner.ran[0].source == BODY
    for n, order in enumerate(orders):
        media = await office.desk.ready(order.key, learner=f"learner-{n}")
        assert media is not None and media.main_file.path.read_bytes() == BODY[: len(BODY) // 10]
    assert office.desk.stats().made == 1


async def test_two_addresses_of_one_content_cost_two_downloads_and_one_encode(office: Office) -> None:
    one, other = FakeOrigin(BODY, etag='"one"'), FakeOrigin(BODY, etag='"other"')
    office.runner.gate = asyncio.Event()
    orders = an_order(one), an_order(other, learner="boris")
    tickets = [await office.desk.ask(order, a_watcher(order.source.learner)) for order in orders]
    await until(lambda: office.desk.stats().fetching == 0)
    office.runner.gate.set()
    ended = [await office.ended(ticket.key) for ticket in tickets]
    assert [view.state for view in ended if view] == [State.READY, State.READY]
    assert len(office.runner.ran) == 1


async def test_what_is_ready_is_answered_at_once_and_after_a_restart(office: Office) -> None:
    order = an_order(FakeOrigin(BODY))
    await office.made(order)
    await office.reopened()
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    assert ticket.view.state is State.READY
    assert ticket.view.length_bytes == len(BODY) // 10
    assert await office.desk.ready(ticket.key, learner="anna") is not None
    assert len(office.runner.ran) == 1


async def test_nobody_gets_what_the_origin_has_not_let_her_have(office: Office) -> None:
    order = an_order(FakeOrigin(BODY))
    await office.made(order, "anna")
    assert await office.desk.ready(order.key, learner="boris") is None
    office.desk.authorised.note("boris", order.source.key, 403, office.clock.now())
    assert await office.desk.ready(order.key, learner="boris") is None
    office.desk.authorised.note("boris", order.source.key, 304, office.clock.now())
    assert await office.desk.ready(order.key, learner="boris") is not None
    office.clock.moves(601)
    assert await office.desk.ready(order.key, learner="boris") is None


async def test_private_files_of_two_learners_are_two_even_at_one_address(office: Office) -> None:
    hers, his = FakeOrigin(BODY, etag='"v1"'), FakeOrigin(BODY[::-1], etag='"v1"')
    anna, boris = an_order(hers, learner="anna"), an_order(his, learner="boris")
    assert anna.source.url == boris.source.url and anna.key != boris.key
    await office.made(anna, "anna")
    await office.made(boris, "boris")
    media = await office.desk.ready(boris.key, learner="boris")
    assert media is not None and media.main_file.path.read_bytes() == BODY[::-1][: len(BODY) // 10]
    assert await office.desk.ready(anna.key, learner="boris") is None
    assert await office.store.inspect() == []


async def test_a_job_is_given_up_when_its_last_watcher_has_left(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY))
    ticket = await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    office.desk.leave(ticket.key, a_watcher())
    office.clock.moves(29)
    office.desk.tick(office.clock.now())
    assert office.desk.stats().running == 1
    office.clock.moves(2)
    office.desk.tick(office.clock.now())
    await until(lambda: office.runner.cancelled == 1)
    view = await office.desk.view(ticket.key)
    assert view is not None and view.state is State.CANCELLED
    assert office.desk.stats().cancelled == 1
    await until(lambda: not any((office.folder / "media" / "work").iterdir()))


async def test_a_page_that_is_loaded_again_keeps_its_job(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY))
    ticket = await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    office.desk.leave(ticket.key, a_watcher())
    office.clock.moves(5)
    await office.desk.ask(order, a_watcher())
    office.clock.moves(60)
    office.desk.tick(office.clock.now())
    office.runner.gate.set()
    view = await office.ended(ticket.key)
    assert view is not None and view.state is State.READY
    assert len(office.runner.ran) == 1


async def test_what_is_nearly_done_is_finished_for_the_next(office: Office) -> None:
    office.runner.gate, office.runner.done_at_gate = asyncio.Event(), 0.85
    order = an_order(FakeOrigin(BODY))
    ticket = await office.desk.ask(order, a_watcher(stays_s=5))
    await office.runner.halfway.wait()
    office.clock.moves(3600)
    office.desk.tick(office.clock.now())
    office.runner.gate.set()
    view = await office.ended(ticket.key)
    assert view is not None and view.state is State.READY


async def test_a_page_without_scripts_is_waited_for_between_two_looks(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY))
    await office.desk.ask(order, a_watcher(stays_s=60))
    await office.runner.halfway.wait()
    for _ in range(5):
        office.clock.moves(50)
        office.desk.tick(office.clock.now())
        await office.desk.ask(order, a_watcher(stays_s=60))
    assert office.desk.stats().running == 1
    office.clock.moves(61)
    office.desk.tick(office.clock.now())
    assert office.desk.stats().running == 0


async def test_a_full_queue_says_so_and_what_is_there_goes_on(tmp_path: Path) -> None:
    office = await Office(tmp_path, slots=Slots(make=1, waiting=2)).open()
    office.runner.gate = asyncio.Event()
    origins = [FakeOrigin(BODY + bytes([n]), etag=f'"{n:040x}"') for n in range(3)]
    tickets = [await office.desk.ask(an_order(origin), a_watcher()) for origin in origins]
    assert [ticket.view.state is State.FULL for ticket in tickets] == [False, False, True]
    assert office.desk.stats().turned_away == 1
    office.runner.gate.set()
    for ticket in tickets[:2]:
        view = await office.ended(ticket.key)
        assert view is not None and view.state is State.READY
    await office.close()


async def test_no_more_encoders_run_than_there_are_places(tmp_path: Path) -> None:
    office = await Office(tmp_path, slots=Slots(make=2)).open()
    origins = [FakeOrigin(BODY + bytes([n]), etag=f'"{n:040x}"') for n in range(12)]
    office.runner.gate = asyncio.Event()
    views = [asyncio.create_task(office.made(an_order(origin))) for origin in origins]
    await until(lambda: office.desk.stats().queued == 10 and office.runner.running == 2)
    office.runner.gate.set()
    await asyncio.gather(*views)
    assert office.runner.most_running == 2
    assert office.desk.stats().made == 12
    await office.close()


async def test_the_time_to_readiness_is_learned_and_never_guessed(office: Office) -> None:
    first = an_order(FakeOrigin(BODY), media_s=60.0)
    office.runner.gate = asyncio.Event()
    office.runner.done_at_gate = 0.0
    ticket = await office.desk.ask(first, a_watcher())
    await office.runner.halfway.wait()
    assert (await view_of(office, ticket.key)).ready_in_s is None
    office.runner.gate.set()
    await office.ended(ticket.key)
    await office.reopened()
    office.runner.gate = asyncio.Event()
    office.runner.halfway.clear()
    second = an_order(FakeOrigin(BODY[::-1], etag='"' + "b2" * 20 + '"'), media_s=120.0)
    third = an_order(FakeOrigin(BODY + b"x", etag='"' + "c3" * 20 + '"'), media_s=60.0)
    tickets = [await office.desk.ask(second, a_watcher())]
    await office.runner.halfway.wait()
    tickets.append(await office.desk.ask(third, a_watcher()))
    await until(lambda: office.desk.stats().fetching == 0)
    assert (await view_of(office, tickets[0].key)).ready_in_s == pytest.approx(20.0)
    waiting = await view_of(office, tickets[1].key)
    assert waiting.ready_in_s == pytest.approx(30.0) and waiting.position == 0
    office.runner.gate.set()
    await office.ended(tickets[1].key)


async def test_a_watcher_is_woken_by_changes_and_not_by_the_clock(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    ticket = await office.desk.ask(an_order(FakeOrigin(BODY)), a_watcher())
    await office.runner.halfway.wait()
    views = office.desk.watch(ticket.key)
    while not (first := await anext(views)).growing:
        pass
    assert (first.state, first.progress, first.ready_in_s) == (State.MAKING, 0.5, 0.0)
    office.clock.moves(5)
    second = asyncio.ensure_future(anext(views))
    await asyncio.sleep(0.02)
    assert not second.done()
    office.runner.gate.set()
    assert (await second).state is State.READY
    assert [view async for view in views] == []


async def test_what_the_desk_never_heard_of_is_none(office: Office) -> None:
    assert await office.desk.view("x" * 64) is None
    assert await office.desk.ready("x" * 64, learner="anna") is None
    assert office.desk.growing("x" * 64, learner="anna") is None


def test_an_order_is_named_by_its_source_and_what_is_wanted_of_it() -> None:
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    others = [
        replace(order, version=2),
        replace(order, spec=CappedSpec(max_height_px=360)),
        replace(order, segment=1),
        replace(order, source=replace(order.source, etag='"' + "b2" * 20 + '"')),
    ]
    assert len({order.key, *(other.key for other in others)}) == 5
    assert replace(order, region="tigil", title="x", fetch=None).key == order.key
    assert len({one.content_key("5" * 64) for one in (order, *others[:3])}) == 4
