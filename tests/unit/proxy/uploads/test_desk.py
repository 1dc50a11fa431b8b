"""The desk and its shelf: cuts, restarts, a full disk, and who goes first when there is no room."""

from __future__ import annotations

import asyncio
import errno
import os
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.model import Limits
from proxy.errors import ExchangeError
from proxy.uploads.desk import LIFETIME, UploadDesk
from proxy.uploads.entry import Entry
from proxy.uploads.shelf import Shelf
from proxy.uploads.states import Event, State
from proxy.uploads.tus import Checksum, refused
from tests.clocks import HandClock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def desk_at(folder: Path, clock: HandClock | None = None, **limits: int) -> UploadDesk:
    desk = UploadDesk(Shelf(folder), clock or HandClock(NOON), lambda: Limits(**limits))  # type: ignore[arg-type]
    await desk.start()
    return desk


async def chunks(data: bytes, step: int = 7, cut_after: int | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        if cut_after is not None and at >= cut_after:
            raise refused(400, "client-left")
        yield data[at : at + step]


def crc(data: bytes) -> Checksum:
    return Checksum(algorithm="crc32", wanted=zlib.crc32(data).to_bytes(4, "big"))


async def contents(desk: UploadDesk, entry: Entry) -> bytes:
    return b"".join([piece async for piece in desk.bytes_of(entry.id, 0, entry.length_bytes)])


cuts = st.lists(
    st.tuples(
        st.integers(1, 60),  # bytes in the piece
        st.sampled_from(["whole", "cut", "cut unchecked", "wrong", "restart", "repeated"]),
        st.integers(0, 59),  # where it is cut
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=200), pattern=cuts)
def test_whatever_is_cut_the_same_bytes_are_there_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, pattern: list[tuple[int, str, int]]
) -> None:
    async def story() -> None:
        folder = tmp_path_factory.mktemp("uploads")
        desk = await desk_at(folder)
        upload = (await desk.create("hers", "form", "print", len(data))).id
        for size, what, cut in [*pattern, *[(60, "whole", 0)] * 4]:
            entry = desk.get(upload)
            assert entry is not None
            if entry.state is State.READY:
                break
            at = entry.offset_bytes
            piece = data[at : at + size]
            try:
                match what:
                    case "restart":
                        desk = await desk_at(folder)
                    case "cut":
                        await desk.piece(upload, at, chunks(piece, cut_after=cut), crc(piece))
                    case "cut unchecked":
                        await desk.piece(upload, at, chunks(piece, cut_after=cut), None)
                    case "wrong":
                        await desk.piece(upload, at, chunks(bytes(len(piece))), crc(piece + b"!"))
                    case _:
                        await desk.piece(upload, at, chunks(piece), crc(piece))
                        if what == "repeated":
                            await desk.piece(upload, at, chunks(piece), crc(piece))
            except ExchangeError as error:
                assert error.status in (400, 409, 460)
        entry = desk.get(upload)
        assert entry is not None and entry.state is State.READY
        assert await contents(desk, entry) == data

    asyncio.run(story())


async def test_a_later_piece_puts_aside_one_that_hangs_on_a_dead_link(tmp_path: Path) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 20)
    gone = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield b"0123456789"
        await gone.wait()
        yield b"XXXXXXXXXX"

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(_status_of(desk.piece(entry.id, 0, hangs(), None)))
        await asyncio.sleep(0)
        kept = await desk.piece(entry.id, 0, chunks(b"01234567890123456789"), crc(b"01234567890123456789"))
        gone.set()
    assert kept.state is State.READY
    assert first.result() == 409
    assert await contents(desk, kept) == b"01234567890123456789"


async def _status_of(piece: object) -> int:
    try:
        await piece  # type: ignore[misc]
    except ExchangeError as error:
        return error.status
    return 204


async def test_a_restart_in_mid_sending_leaves_it_in_doubt(tmp_path: Path) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 3)
    await desk.piece(entry.id, 0, chunks(b"abc"), crc(b"abc"))
    await desk.move(entry.id, Event.SENT)
    for _ in range(2):
        again = (await desk_at(tmp_path)).get(entry.id)
        assert again is not None
        assert (again.state, again.attempts, again.offset_bytes) == (State.IN_DOUBT, 1, 3)


async def test_what_was_accepted_keeps_no_bytes_and_is_told_after_a_restart(tmp_path: Path) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 3)
    await desk.piece(entry.id, 0, chunks(b"abc"), crc(b"abc"))
    await desk.move(entry.id, Event.SENT)
    await desk.move(entry.id, Event.TAKEN, status=303)
    assert not (tmp_path / entry.id / "bytes").exists()
    assert desk.held_bytes == 0
    desk = await desk_at(tmp_path)
    same = await desk.create("hers", "form", "print", 3)
    assert (same.id, same.state) == (entry.id, State.ACCEPTED), "a page that never heard of it is told"
    await desk.claimed(entry.id)
    assert (await desk.create("hers", "form", "print", 3)).id != entry.id, "who knows may send the same file again"


@pytest.mark.parametrize("broken", ["entry.json", "offset", "bytes"])
async def test_what_a_crash_left_broken_is_no_upload(tmp_path: Path, broken: str) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 10)
    await desk.piece(entry.id, 0, chunks(b"01234"), None)
    (tmp_path / entry.id / broken).write_bytes(b"{" if broken != "bytes" else b"0")
    (tmp_path / "stray").write_bytes(b"")
    assert (await desk_at(tmp_path)).get(entry.id) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_day_after_it_was_last_asked_about_it_is_gone(tmp_path: Path) -> None:
    clock = HandClock(NOON)
    desk = await desk_at(tmp_path, clock)
    old = await desk.create("hers", "form", "1", 10)
    clock.at += LIFETIME - timedelta(minutes=1)
    young = await desk.create("hers", "form", "2", 10)
    clock.at += timedelta(minutes=1)
    await desk.sweep()
    assert (desk.get(old.id), desk.get(young.id)) == (None, young)
    assert [path.name for path in tmp_path.iterdir()] == [young.id]


async def test_room_is_made_by_what_was_left_longest_ago_and_never_by_what_is_under_way(tmp_path: Path) -> None:
    clock = HandClock(NOON)
    desk = await desk_at(tmp_path, clock, upload_store_bytes=100)
    sent = await desk.create("hers", "form", "sent", 1)
    await desk.piece(sent.id, 0, chunks(b"x"), None)
    await desk.move(sent.id, Event.SENT)
    first = await desk.create("hers", "form", "1", 40)
    clock.at += timedelta(minutes=1)
    second = await desk.create("others", "form", "2", 40)
    with pytest.raises(ExchangeError) as caught:
        await desk.create("others", "form", "3", 40)
    assert caught.value.status == 507
    clock.at += timedelta(hours=1)
    await desk.create("others", "form", "3", 40)
    assert (desk.get(first.id), desk.get(second.id)) == (None, second)
    assert desk.get(sent.id) is not None


async def test_a_full_disk_loses_a_piece_and_nothing_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 10)
    await desk.piece(entry.id, 0, chunks(b"01234"), crc(b"01234"))
    full = True
    pwrite = os.pwrite

    def no_space(file: int, data: bytes, offset: int) -> int:
        if full:
            raise OSError(errno.ENOSPC, "no space")
        return pwrite(file, data, offset)

    monkeypatch.setattr(os, "pwrite", no_space)
    with pytest.raises(ExchangeError) as caught:
        await desk.piece(entry.id, 5, chunks(b"56789"), crc(b"56789"))
    assert caught.value.status == 507
    full = False
    kept = await desk.piece(entry.id, 5, chunks(b"56789"), crc(b"56789"))
    assert await contents(desk, kept) == b"0123456789"


async def test_a_form_is_not_sent_that_a_restart_would_not_know_of(tmp_path: Path) -> None:
    desk = await desk_at(tmp_path)
    entry = await desk.create("hers", "form", "print", 1)
    await desk.piece(entry.id, 0, chunks(b"x"), None)
    (tmp_path / entry.id).rename(tmp_path / "elsewhere")
    with pytest.raises(ExchangeError) as caught:
        await desk.move(entry.id, Event.SENT)
    assert caught.value.status == 507
    assert desk.get(entry.id) is not None and desk.get(entry.id).state is State.READY  # type: ignore[union-attr]


async def test_a_learners_word_takes_all_of_hers_and_nothing_else(tmp_path: Path) -> None:
    desk = await desk_at(tmp_path)
    await desk.create("hers", "form", "1", 10)
    await desk.create("hers", "form", "2", 10)
    other = await desk.create("others", "form", "1", 10)
    assert await desk.forget("hers") == 2
    assert await desk.forget("hers") == 0
    assert [path.name for path in tmp_path.iterdir()] == [other.id]
