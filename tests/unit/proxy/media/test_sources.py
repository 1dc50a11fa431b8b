"""An origin's file is fetched once, goes on where it stopped, and is whole or not there."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.media import spool as spool_module
from proxy.media.refs import Fetched, SourceFailed, SourceRef
from proxy.media.sources import Sources
from tests.clocks import HandClock
from tests.media_desk import START, FakeOrigin, Pauses

BODY = random.Random(3).randbytes(3_000_000)
SHA = hashlib.sha256(BODY).hexdigest()


class Shop:
    """Sources that can be closed and opened again over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock(START)
        self.pauses = Pauses()
        self.sources = self.made()

    def made(self, max_bytes: int = 50_000_000, max_source_bytes: int = 20_000_000) -> Sources:
        return Sources(
            self.folder,
            max_bytes=max_bytes,
            max_source_bytes=max_source_bytes,
            clock=self.clock,
            pause=self.pauses,
        )

    async def reopened(self, **limits: int) -> Sources:
        await self.sources.close()
        self.sources = self.made(**limits)
        await self.sources.open()
        return self.sources

    def files(self) -> list[Path]:
        return [path for part in ("whole", "partial") for path in (self.folder / part).rglob("*") if path.is_file()]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path / "sources")
    await shop.sources.open()
    yield shop
    await shop.sources.close()


async def read_whole(sources: Sources, origin: FakeOrigin, ref: SourceRef | None = None) -> bytes:
    hold = await sources.hold(ref or origin.ref(), origin.fetch)
    try:
        whole = await hold.whole()
        assert hashlib.sha256(whole.path.read_bytes()).hexdigest() == whole.sha256
        return whole.path.read_bytes()
    finally:
        hold.release()


async def failure_of(sources: Sources, origin: FakeOrigin, ref: SourceRef | None = None) -> str:
    with pytest.raises(SourceFailed) as failed:
        await read_whole(sources, origin, ref)
    return failed.value.why


async def test_fifty_learners_cost_one_download(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    refs = [origin.ref(learner=f"learner-{n}") for n in range(50)]
    bodies = await asyncio.gather(*(read_whole(shop.sources, origin, ref) for ref in refs))
    assert set(bodies) == {BODY}
    assert origin.requests == [(0, origin.etag, None)]
    assert shop.sources.stats().fetched == 1


async def test_a_second_visit_costs_nothing_even_after_a_restart(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    await read_whole(shop.sources, origin)
    sources = await shop.reopened()
    assert await read_whole(sources, origin) == BODY
    assert len(origin.requests) == 1
    assert await sources.digest_of(origin.ref().key) == SHA


async def test_two_addresses_with_one_content_are_one_file(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    await read_whole(shop.sources, origin)
    await read_whole(shop.sources, origin, origin.ref(url="https://lms.example/other/lecture.mp4"))
    assert [path.name for path in shop.files()] == [SHA]
    assert shop.sources.stats().disk_bytes == len(BODY)


async def test_a_private_file_without_a_content_hash_is_fetched_by_each_learner(shop: Shop) -> None:
    origin = FakeOrigin(BODY, etag='"v1"')
    anna, boris = origin.ref(learner="anna"), origin.ref(learner="boris")
    assert anna.key != boris.key
    await read_whole(shop.sources, origin, anna)
    await read_whole(shop.sources, origin, boris)
    assert len(origin.requests) == 2
    assert origin.ref(learner="anna", private=False).key == origin.ref(learner="boris", private=False).key


def test_a_weak_validator_is_none_and_leaves_the_source_to_one_learner() -> None:
    weak = FakeOrigin(BODY, etag='W/"v1"').ref(private=False)
    assert weak.validator == "" and not weak.shared
    assert weak.key != replace(weak, learner="boris").key


def test_volatile_parameters_name_the_same_source() -> None:
    origin = FakeOrigin(BODY)
    assert origin.ref(url="https://x/a.mp4?token=1&id=5").key == origin.ref(url="https://x/a.mp4?token=2&id=5").key
    assert origin.ref(url="https://x/a.mp4?id=5").key != origin.ref(url="https://x/a.mp4?id=6").key


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without ranges"])
@pytest.mark.parametrize("says_length", [True, False], ids=["length told", "length not told"])
async def test_a_link_that_drops_three_times_gives_the_same_bytes(shop: Shop, ranges: bool, says_length: bool) -> None:
    origin = FakeOrigin(BODY, cuts=[700_001, 1_000_003, 3], ranges=ranges, says_length=says_length)
    assert await read_whole(shop.sources, origin) == BODY
    assert len(origin.requests) == 4
    if ranges:
        assert [request[0] for request in origin.requests] == sorted(request[0] for request in origin.requests)
        assert origin.requests[1][0] == 700_001


async def test_an_origin_that_gives_nothing_is_given_up(shop: Shop) -> None:
    origin = FakeOrigin(BODY, cuts=[0] * 50)
    assert await failure_of(shop.sources, origin) == "broken"
    assert len(origin.requests) == 5


async def test_a_partial_source_goes_on_after_a_restart(shop: Shop) -> None:
    origin = FakeOrigin(BODY, gate=asyncio.Event())
    hold = await shop.sources.hold(origin.ref(), origin.fetch)
    assert origin.gate is not None
    origin.gate.set()
    await hold.glimpse(1_000_000)
    origin.gate.clear()
    await shop.reopened()
    assert await shop.sources.digest_of(origin.ref().key) is None
    origin.gate.set()
    assert await read_whole(shop.sources, origin) == BODY
    assert origin.requests[1][0] >= 1_000_000


async def test_bytes_that_a_killed_process_noted_but_lost_are_fetched_again(shop: Shop) -> None:
    origin = FakeOrigin(BODY, cuts=[2_000_000, 0, 0, 0, 0, 0])
    assert await failure_of(shop.sources, origin) == "broken"
    (partial,) = shop.files()
    os.truncate(partial, 500_000)
    assert await read_whole(await shop.reopened(), origin) == BODY
    assert origin.requests[-1][0] == 500_000


async def test_a_source_that_changed_in_between_is_never_spliced(shop: Shop) -> None:
    origin = FakeOrigin(BODY, cuts=[1_000_000])
    changed = FakeOrigin(BODY[::-1], etag='"' + "b2" * 20 + '"')

    def fetch(offset: int, validator: str | None, tail: int | None):  # type: ignore[no-untyped-def]
        return (origin if not origin.requests else changed).fetch(offset, validator, tail)

    hold = await shop.sources.hold(origin.ref(), fetch)
    with pytest.raises(SourceFailed) as failed:
        await hold.whole()
    hold.release()
    assert failed.value.why == "changed"
    assert shop.files() == []


@pytest.mark.parametrize(("status", "why"), [(403, "origin-403"), (404, "origin-404"), (302, "origin-302")])
async def test_a_refusal_of_the_origin_is_told_as_it_is(shop: Shop, status: int, why: str) -> None:
    assert await failure_of(shop.sources, FakeOrigin(BODY, status=status)) == why


async def test_where_one_learners_session_has_ended_anothers_serves(shop: Shop) -> None:
    refused, origin, both_wait = FakeOrigin(BODY, status=403), FakeOrigin(BODY), asyncio.Event()

    @asynccontextmanager
    async def late(offset: int, validator: str | None, tail: int | None) -> AsyncIterator[Fetched]:
        await both_wait.wait()
        async with refused.fetch(offset, validator, tail) as answer:
            yield answer

    anna = await shop.sources.hold(origin.ref(), late)
    boris = await shop.sources.hold(origin.ref(learner="boris"), origin.fetch)
    both_wait.set()
    assert (await boris.whole()).sha256 == SHA
    assert (await anna.whole()).sha256 == SHA
    anna.release()
    boris.release()


@pytest.mark.parametrize("says_length", [True, False])
async def test_a_source_over_the_limit_is_refused(shop: Shop, says_length: bool) -> None:
    sources = await shop.reopened(max_source_bytes=2_000_000)
    origin = FakeOrigin(BODY, says_length=says_length)
    assert await failure_of(sources, origin) == "too-large"
    assert origin.sent_bytes <= 2_500_000
    assert shop.files() == []


async def test_without_a_fetch_only_what_is_there_is_had(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    with pytest.raises(SourceFailed, match="needs-visit"):
        await shop.sources.hold(origin.ref(), None)
    await read_whole(shop.sources, origin)
    hold = await shop.sources.hold(origin.ref(), None)
    assert (await hold.whole()).sha256 == SHA
    hold.release()


async def test_what_nobody_holds_stops_coming_and_goes_on_later(shop: Shop) -> None:
    origin = FakeOrigin(BODY, gate=asyncio.Event())
    assert origin.gate is not None
    one = await shop.sources.hold(origin.ref(), origin.fetch)
    other = await shop.sources.hold(origin.ref(), origin.fetch)
    origin.gate.set()
    await one.glimpse(500_000)
    origin.gate.clear()
    one.release()
    await asyncio.sleep(0.01)
    assert shop.sources.stats().fetching == 1
    other.release()
    origin.gate.set()
    assert await read_whole(shop.sources, origin) == BODY
    assert len(origin.requests) == 2
    assert origin.requests[1][0] >= 500_000


async def test_readers_of_a_growing_source_get_every_byte(shop: Shop) -> None:
    origin = FakeOrigin(BODY, cuts=[1_234_567])
    hold = await shop.sources.hold(origin.ref(), origin.fetch)

    async def read(offset: int) -> bytes:
        return b"".join([chunk async for chunk in hold.read_from(offset)])

    offsets = (0, 1, 1_234_567, len(BODY) - 1, len(BODY))
    assert await asyncio.gather(*(read(offset) for offset in offsets)) == [BODY[offset:] for offset in offsets]
    await hold.whole()
    assert await read(7) == BODY[7:]
    hold.release()


async def test_a_reader_of_what_will_not_come_is_told(shop: Shop) -> None:
    origin = FakeOrigin(BODY, cuts=[100_000, 0, 0, 0, 0, 0])
    hold = await shop.sources.hold(origin.ref(), origin.fetch)
    got = bytearray()
    with pytest.raises(SourceFailed, match="broken"):
        async for chunk in hold.read_from():
            got += chunk
    hold.release()
    assert got == BODY[:100_000]


async def test_the_tail_comes_first_where_it_is_asked_for_and_is_not_fetched_twice(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    hold = await shop.sources.hold(origin.ref(), origin.fetch)
    path = await hold.glimpse(100_000, 600_000)
    there = path.read_bytes()
    assert there[:100_000] == BODY[:100_000] and there[-600_000:] == BODY[-600_000:]
    assert (await hold.whole()).path.read_bytes() == BODY
    hold.release()
    assert sorted(origin.requests, key=str) == sorted([(0, origin.etag, None), (0, origin.etag, 600_000)], key=str)
    assert origin.sent_bytes < len(BODY) + 600_000


async def test_an_origin_without_ranges_has_no_tail_and_still_comes(shop: Shop) -> None:
    origin = FakeOrigin(BODY, ranges=False)
    hold = await shop.sources.hold(origin.ref(), origin.fetch)
    await hold.glimpse(100_000, 600_000)
    assert (await hold.whole()).sha256 == SHA
    hold.release()


async def test_the_longest_unused_goes_when_room_is_needed_and_never_what_is_held(shop: Shop) -> None:
    sources = await shop.reopened(max_bytes=7_000_000)
    origins = [FakeOrigin(bytes([n]) * 2_500_000, etag=f'"{n:040x}"') for n in range(4)]
    held = await sources.hold(origins[0].ref(), origins[0].fetch)
    path = (await held.whole()).path
    for origin in origins[1:3]:
        shop.clock.moves(60)
        await read_whole(sources, origin)
    assert path.exists()
    assert sources.stats().evicted == 1 and sources.stats().disk_bytes == 5_000_000
    other = await sources.hold(origins[2].ref(), origins[2].fetch)
    assert await failure_of(sources, origins[3]) == "no-room"
    held.release()
    other.release()
    await read_whole(sources, origins[3])


async def test_a_full_disk_is_a_clear_failure_and_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = os.pwrite, 0

    def full(file: int, data: bytes, offset: int) -> int:
        nonlocal written
        written += len(data)
        if written > 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, offset)

    monkeypatch.setattr(spool_module.os, "pwrite", full)
    origin = FakeOrigin(BODY)
    assert await failure_of(shop.sources, origin) == "disk-full"
    monkeypatch.undo()
    assert shop.files() == []
    assert await read_whole(shop.sources, origin) == BODY


async def test_files_are_the_services_users_alone(shop: Shop) -> None:
    await read_whole(shop.sources, FakeOrigin(BODY))
    (whole,) = shop.files()
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    assert stat.S_IMODE(whole.parent.stat().st_mode) == 0o700


async def test_a_file_that_was_cut_short_is_not_there(shop: Shop) -> None:
    origin = FakeOrigin(BODY)
    await read_whole(shop.sources, origin)
    os.truncate(shop.files()[0], 5)
    assert await read_whole(shop.sources, origin) == BODY


async def test_the_sweep_removes_strays_and_what_nobody_used_for_a_week(shop: Shop) -> None:
    await read_whole(shop.sources, FakeOrigin(BODY))
    stray = shop.folder / "whole" / "00" / ("00" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    await shop.sources.sweep(shop.clock.now())
    assert [path.name for path in shop.files()] == [SHA]
    await shop.sources.sweep(shop.clock.now() + timedelta(days=8))
    assert shop.files() == []


async def test_a_source_without_any_validator_is_believed_for_an_hour(shop: Shop) -> None:
    origin = FakeOrigin(BODY, etag="", cuts=[1_000_000])
    assert await read_whole(shop.sources, origin) == BODY
    assert [request[0] for request in origin.requests] == [0, 0]
    shop.clock.moves(3599)
    assert await shop.sources.digest_of(origin.ref().key) == SHA
    shop.clock.moves(2)
    assert await shop.sources.digest_of(origin.ref().key) is None


async def test_time_left_follows_the_rate_so_far(shop: Shop) -> None:
    origin = FakeOrigin(BODY, gate=asyncio.Event())
    hold = await shop.sources.hold(origin.ref(), origin.fetch)
    assert hold.left_s is None
    assert origin.gate is not None
    origin.gate.set()
    await hold.glimpse(1_000_000)
    origin.gate.clear()
    shop.clock.moves(10)
    there = hold.there_bytes
    assert hold.left_s == pytest.approx((len(BODY) - there) * 10 / there)
    hold.release()
