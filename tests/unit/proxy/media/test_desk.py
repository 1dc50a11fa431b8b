"""A source comes once and a medium is made once, however many ask; only those whom the origin lets have it get it."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.media import store_folders
from proxy.media.growing import GrowingBroken
from proxy.media.jobs import Slots
from proxy.media.views import JobView, State
from proxy.transforms.media.spec import CappedSpec, MediaMade, Recipe, SoundCodec, SoundSpec
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import BODY, Office, a_watcher, an_order, until


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office(tmp_path).open()
    yield office
    await office.close()


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


async def test_a_tools_failure_is_tried_once_more_and_simpler(office: Office) -> None:
    office.runner.outcomes = [Refused(why="timed-out")]
    order = an_order(FakeOrigin(BODY), Recipe.SLIDECAST)
    view = await office.made(order)
    assert view is not None and view.state is State.READY
    assert [(ran.recipe, type(ran.spec)) for ran in office.runner.ran][1] == (Recipe.AUDIO, SoundSpec)
    media = await office.desk.ready(order.key, learner="anna")
    assert media is not None and media.recipe == "audio"
    assert office.desk.stats().retried == 1


async def test_two_failures_are_enough_for_a_day(office: Office) -> None:
    office.runner.outcomes = [Refused(why="killed"), ValueError("a fault of ours")]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    assert view is not None and (view.state, view.why) == (State.REFUSED, "recipe-failed")
    assert [ran.spec.codec for ran in office.runner.ran if isinstance(ran.spec, SoundSpec)] == list(SoundCodec)
    again = await office.desk.ask(order, a_watcher())
    assert again.view.state is State.REFUSED
    office.clock.moves(24 * 3600 + 1)
    assert (await office.desk.ask(order, a_watcher())).view.is_open


@pytest.mark.parametrize("outcome", [Refused(why="damaged"), Unchanged(why="already-light")])
async def test_what_is_the_sources_fault_is_not_tried_again(office: Office, outcome: Refused | Unchanged) -> None:
    office.runner.outcomes = [outcome]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    assert view is not None and view.why == outcome.why
    assert len(office.runner.ran) == 1
    await office.reopened()
    assert (await office.desk.ask(order, a_watcher())).view.why == outcome.why


async def test_a_medium_that_is_no_smaller_than_its_source_is_not_kept(office: Office) -> None:
    office.runner.made = lambda folder, body: _copied(folder)  # type: ignore[method-assign]
    view = await office.made(an_order(FakeOrigin(BODY)))
    assert view is not None and (view.state, view.why) == (State.UNCHANGED, "not-smaller")
    assert office.store.stats().media == 0


def _copied(folder: Path) -> MediaMade:
    (folder / "copy").write_bytes(BODY)
    return MediaMade(main="copy", content_type="x", files=("copy",), length_bytes=len(BODY), facts={})


async def test_a_source_that_can_not_be_had_is_told_and_not_asked_for_at_every_look(office: Office) -> None:
    origin = FakeOrigin(BODY, status=404)
    order = an_order(origin)
    view = await office.made(order)
    assert view is not None and (view.state, view.why) == (State.REFUSED, "origin-404")
    await office.made(order)
    assert len(origin.requests) == 1
    office.clock.moves(61)
    await office.made(order)
    assert len(origin.requests) == 2


async def test_a_source_over_the_limit_is_refused_without_being_fetched(office: Office) -> None:
    office.max_source_bytes = 100_000
    await office.reopened()
    origin = FakeOrigin(BODY)
    view = await office.made(an_order(origin))
    assert view is not None and (view.state, view.why) == (State.REFUSED, "too-large")
    assert origin.sent_bytes == 0


async def test_a_full_disk_is_a_reason_and_nothing_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_folders, "_sync", full)
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    monkeypatch.undo()
    assert view is not None and (view.state, view.why) == (State.REFUSED, "disk-full")
    await until(lambda: not any((office.folder / "media" / "work").iterdir()))
    office.clock.moves(601)
    view = await office.made(order)
    assert view is not None and view.state is State.READY


async def test_what_fails_on_a_full_disk_is_no_fault_of_the_source(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(office.folder)
    monkeypatch.setattr(store_folders.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    office.runner.outcomes = [Refused(why="damaged")]
    order = an_order(FakeOrigin(BODY))
    view = await office.made(order)
    monkeypatch.undo()
    assert view is not None and view.why == "disk-full"
    office.clock.moves(601)
    view = await office.made(order)
    assert view is not None and view.state is State.READY


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


async def view_of(office: Office, key: str) -> JobView:
    view = await office.desk.view(key)
    assert view is not None
    return view


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


# -- what is read while it is made ---------------------------------------------------------------------------------


async def test_a_capped_film_is_read_by_many_while_it_is_made(office: Office) -> None:
    office.runner.gate = asyncio.Event()
    order = an_order(FakeOrigin(BODY), Recipe.CAPPED)
    office.allow(order)
    ticket = await office.desk.ask(order, a_watcher())
    await office.runner.halfway.wait()
    growing = office.desk.growing(ticket.key, learner="anna")
    assert growing is not None and growing.content_type == "video/mp4"
    assert office.desk.growing(ticket.key, learner="boris") is None
    readers = [asyncio.create_task(_read(growing.read_from(offset))) for offset in (0, 0, 7)]
    await asyncio.sleep(0.02)
    assert not any(reader.done() for reader in readers)
    office.runner.gate.set()
    whole = BODY[: len(BODY) // 10]
    assert await asyncio.gather(*readers) == [whole, whole, whole[7:]]
    await office.ended(ticket.key)
    assert growing.is_whole
    assert await _read(growing.read_from(3)) == whole[3:]
    assert office.desk.growing(ticket.key, learner="anna") is None


async def test_a_watcher_is_told_when_there_is_something_to_read(office: Office) -> None:
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
    reader = asyncio.create_task(_read(growing.read_from()))
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
    reader = asyncio.create_task(_read(growing.read_from()))
    await asyncio.sleep(0.02)
    office.clock.moves(2)
    office.desk.tick(office.clock.now())
    with pytest.raises(GrowingBroken):
        await reader


async def _read(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


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


# -- segments ------------------------------------------------------------------------------------------------------


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


# -- restarts ------------------------------------------------------------------------------------------------------


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
    assert "Лекция 3.mp4".encode() in stored
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
