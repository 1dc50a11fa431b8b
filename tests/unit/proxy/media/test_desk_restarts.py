"""Jobs outlive the process; what only a login can fetch is never written down."""

from __future__ import annotations

import asyncio
import json

from proxy.media.views import State
from proxy.transforms.media.spec import Recipe
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until


async def test_a_job_that_was_being_made_begins_again_after_a_restart(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY))
    await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    await office.reopened()
    assert list((office.folder / "media" / "made").rglob("*.mp4")) == []
    office.runner.gate.set()
    view = await office.ended(order.key)
    assert view is not None and view.state is State.READY
    assert [ran.recipe for ran in office.runner.ran] == [Recipe.AUDIO, Recipe.AUDIO]
    assert office.runner.ran[1].spec == order.spec


async def test_a_public_source_that_was_on_its_way_is_fetched_on_after_a_restart(office: Office) -> None:
    origin = FakeOrigin(BODY, gate=asyncio.Event())
    assert origin.gate is not None
    order = an_order(origin, source=origin.ref(private=False))
    await office.desk.ask(order, a_watcher())
    await until(lambda: len(origin.requests) == 1)
    asked: list[str] = []

    def refetch(ref):  # type: ignore[no-untyped-def]
        asked.append(ref.url)
        return origin.fetch

    office.refetch = refetch
    origin.gate.set()
    await office.reopened()
    view = await office.ended(order.key)
    assert view is not None and view.state is State.READY
    assert asked == [order.source.url]


async def test_an_address_that_only_a_login_can_use_is_never_written_down(office: Office) -> None:
    secret = "https://lms.example/tokenpluginfile.php/4f1d0c/lecture.mp4"
    origin = FakeOrigin(BODY, gate=asyncio.Event())
    private = an_order(FakeOrigin(BODY, etag='"v1"', gate=asyncio.Event()))
    with_token = an_order(origin, source=origin.ref(private=False, url=secret))
    for order in (private, with_token):
        await office.desk.ask(order, a_watcher())
    await until(lambda: office.desk.stats().fetching == 2)
    await office.close()
    stored = b"".join(path.read_bytes() for path in office.folder.glob("tropa.db*"))
    assert b"4f1d0c" not in stored and private.source.url.encode() not in stored
    assert json.dumps("Лекция 3.mp4").encode() in stored, "the jobs themselves are there"
    await office.open()
    assert await office.desk.view(private.key) is None


async def test_an_ended_job_leaves_no_row(office: Office) -> None:
    await office.made(an_order(FakeOrigin(BODY)))
    office.runner.gate = asyncio.Event()
    origin = FakeOrigin(BODY[::-1], etag='"' + "b2" * 20 + '"')
    ticket = await office.desk.ask(an_order(origin), a_watcher(stays_s=1))
    await until(lambda: office.desk.stats().running == 1)
    office.clock.moves(2)
    office.desk.tick(office.clock.now())
    runs = len(office.runner.ran)
    await office.reopened()
    assert office.desk.stats().running == office.desk.stats().queued == office.desk.stats().fetching == 0
    assert len(office.runner.ran) == runs
    assert await office.desk.view(ticket.key) is None
