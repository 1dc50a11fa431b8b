"""A request with a receipt is answered when its time has come, whatever happens in between."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.exchange import Refused
from proxy.media.deferred import KEPT_LIFE, MAX_OPEN_OF_ONE, OPEN_LIFE
from proxy.media.jobs import Slots
from proxy.media.views import DeferredState, DeferredView
from proxy.transforms.media.spec import Recipe
from tests.media_desk import START, FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office(tmp_path).open()
    yield office
    await office.close()


def only(office: Office, learner: str = "anna") -> DeferredView:
    (view,) = office.desk.deferred(learner)
    return view


async def becomes(office: Office, state: DeferredState) -> DeferredView:
    await until(lambda: only(office).state is state)
    return only(office)


async def test_a_request_is_made_when_its_time_has_come(office: Office) -> None:
    order = an_order(FakeOrigin(BODY))
    tonight = START + timedelta(hours=5)
    receipt = await office.desk.defer(order, "anna", tonight)
    assert only(office).id == receipt
    assert (only(office).state, only(office).title, only(office).when) == (
        DeferredState.QUEUED,
        "Лекция 3.mp4",
        tonight,
    )
    office.clock.moves(5 * 3600 - 1)
    office.desk.tick(office.clock.now())
    assert office.runner.ran == [] and only(office).state is DeferredState.QUEUED
    office.clock.moves(1)
    office.desk.tick(office.clock.now())
    view = await becomes(office, DeferredState.READY)
    assert tonight <= view.changed <= office.clock.now()
    office.allow(order)
    assert await office.desk.ready(view.key, learner="anna") is not None


async def test_what_somebody_waits_for_goes_before_what_was_deferred(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    first, later, now = (FakeOrigin(BODY + bytes([n]), etag=f'"{n:040x}"') for n in range(3))
    await office.desk.ask(an_order(first), a_watcher())
    await office.runner.halfway.wait()
    await office.desk.defer(an_order(later), "boris")
    await until(lambda: office.desk.stats().queued == 1)
    await office.desk.ask(an_order(now), a_watcher("vera"))
    await until(lambda: office.desk.stats().fetching == 0 and office.desk.stats().queued == 2)
    office.runner.gate.set()
    await until(lambda: office.desk.stats().made == 3)
    assert [ran.source for ran in office.runner.ran] == [first.body, now.body, later.body]


async def test_a_request_needs_no_open_page_and_survives_the_process(office: Office) -> None:
    origin = FakeOrigin(BODY)
    order = an_order(origin, source=origin.ref(private=False))
    await office.desk.defer(order, "anna", START + timedelta(hours=1))
    office.refetch = lambda ref: origin.fetch
    await office.reopened()
    assert (only(office).state, only(office).since) == (DeferredState.QUEUED, START)
    office.clock.moves(3600)
    office.desk.tick(office.clock.now())
    await becomes(office, DeferredState.READY)
    await office.reopened()
    assert only(office).state is DeferredState.READY


async def test_a_request_that_was_being_made_goes_on_after_a_restart(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    await office.desk.defer(an_order(FakeOrigin(BODY)), "anna")
    await office.runner.halfway.wait()
    assert only(office).state is DeferredState.MAKING and only(office).progress == 0.5
    await office.reopened()
    office.runner.gate.set()
    await becomes(office, DeferredState.READY)
    assert len(office.runner.ran) == 2


async def test_what_only_her_login_can_fetch_waits_for_her_next_visit(office: Office) -> None:
    origin = FakeOrigin(BODY, etag='"v1"')
    order = an_order(origin)
    await office.desk.defer(order, "anna", START + timedelta(hours=1))
    await office.reopened()
    office.clock.moves(3600)
    office.desk.tick(office.clock.now())
    await until(lambda: only(office).why == "needs-visit")
    assert only(office).state is DeferredState.WAITING
    office.desk.tick(office.clock.now())
    await office.reopened()
    assert only(office).why == "needs-visit"
    await office.desk.ask(an_order(origin), a_watcher(stays_s=1))
    office.desk.tick(office.clock.now())
    await becomes(office, DeferredState.READY)


async def test_a_request_for_what_is_ready_is_ready(office: Office) -> None:
    order = an_order(FakeOrigin(BODY))
    await office.made(order)
    await office.desk.defer(order, "boris", START + timedelta(hours=5))
    assert only(office, "boris").state is DeferredState.READY
    assert office.desk.deferred("anna") == ()


async def test_a_failure_is_told_with_its_reason(office: Office) -> None:
    office.runner.outcomes = [Refused(why="damaged")]
    await office.desk.defer(an_order(FakeOrigin(BODY)), "anna")
    assert (await becomes(office, DeferredState.FAILED)).why == "damaged"


async def test_a_cancelled_request_stops_what_nobody_else_wants(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    receipt = await office.desk.defer(an_order(FakeOrigin(BODY)), "anna")
    assert receipt is not None
    await office.runner.halfway.wait()
    assert not office.desk.cancel(receipt, "boris")
    assert office.desk.cancel(receipt, "anna")
    assert not office.desk.cancel(receipt, "anna")
    office.desk.tick(office.clock.now())
    await until(lambda: office.runner.cancelled == 1)
    assert only(office).state is DeferredState.CANCELLED


async def test_two_learners_want_one_thing_and_one_gives_up(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    origin = FakeOrigin(BODY)
    hers = await office.desk.defer(an_order(origin), "anna")
    await office.desk.defer(an_order(origin, learner="boris"), "boris")
    assert hers is not None
    await office.runner.halfway.wait()
    office.desk.cancel(hers, "anna")
    office.desk.tick(office.clock.now())
    office.runner.gate.set()
    await until(lambda: only(office, "boris").state is DeferredState.READY)
    assert len(office.runner.ran) == 1


async def test_the_same_request_twice_is_one(office: Office) -> None:
    origin = FakeOrigin(BODY)
    when = START + timedelta(hours=1)
    assert await office.desk.defer(an_order(origin), "anna", when) == await office.desk.defer(
        an_order(origin), "anna", when
    )
    assert len(office.desk.deferred("anna")) == 1


async def test_one_learner_can_not_fill_the_queue_of_requests(office: Office) -> None:
    when = START + timedelta(hours=1)
    origins = [FakeOrigin(b"x", etag=f'"{n:040x}"') for n in range(MAX_OPEN_OF_ONE + 1)]
    receipts = [await office.desk.defer(an_order(origin), "anna", when) for origin in origins]
    assert receipts[-1] is None and None not in receipts[:-1]
    assert await office.desk.defer(an_order(origins[-1], learner="boris"), "boris", when) is not None


async def test_a_request_that_finds_the_queue_full_tries_again(tmp_path: Path) -> None:
    office = await Office(tmp_path, slots=Slots(make=1, waiting=1)).open()
    office.runner.gate = asyncio.Event()
    await office.desk.ask(an_order(FakeOrigin(BODY)), a_watcher())
    await office.desk.defer(an_order(FakeOrigin(BODY[::-1], etag='"' + "b2" * 20 + '"')), "anna")
    await office.runner.halfway.wait()
    await until(lambda: office.desk.stats().turned_away >= 1)
    assert only(office).state is DeferredState.QUEUED
    office.runner.gate.set()
    await until(lambda: office.desk.stats().made == 1)
    office.desk.tick(office.clock.now())
    await becomes(office, DeferredState.READY)
    await office.close()


async def test_old_requests_expire_and_old_receipts_are_forgotten(office: Office) -> None:
    await office.desk.defer(an_order(FakeOrigin(BODY)), "anna", START + timedelta(days=30))
    office.clock.moves(OPEN_LIFE.total_seconds())
    office.desk.tick(office.clock.now())
    assert only(office).state is DeferredState.EXPIRED
    office.clock.moves(KEPT_LIFE.total_seconds())
    office.desk.tick(office.clock.now())
    assert office.desk.deferred("anna") == ()
    await office.reopened()
    assert office.desk.deferred("anna") == ()


async def test_an_answered_request_keeps_no_address(office: Office) -> None:
    origin = FakeOrigin(BODY)
    ref = origin.ref(private=False)
    await office.desk.defer(an_order(origin, Recipe.PDF, source=ref), "anna")
    await becomes(office, DeferredState.READY)
    await office.close()
    assert ref.url.encode() not in await _rows(office)
    await office.open()


async def _rows(office: Office) -> bytes:
    with closing(sqlite3.connect(office.folder / "tropa.db")) as base, base:
        return repr(base.execute("SELECT * FROM job").fetchall()).encode()
