"""What recipes made is whole or not there, stays while it is read, and is forgotten in order."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.media import store_folders
from proxy.media.store import MediaStore
from proxy.media.store_values import StoredMedia, inside, media_key, segment_key
from proxy.transforms.media.spec import MediaMade
from tests.clocks import HandClock
from tests.media_desk import START

KEYS = [media_key(f"{n:064x}", "f" * 16) for n in range(8)]


class Stock:
    """A store that can be closed and opened again over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock(START)
        self.store = MediaStore(folder, max_bytes=10_000_000, clock=self.clock)

    async def reopened(self, max_bytes: int = 10_000_000) -> MediaStore:
        await self.store.close()
        self.store = MediaStore(self.folder, max_bytes=max_bytes, clock=self.clock)
        await self.store.open()
        return self.store

    async def put(
        self, key: str = KEYS[0], body: bytes = b"film" * 1000, *, private: bool = False, learner: str = ""
    ) -> StoredMedia | Refused:
        work = await self.store.new_work()
        made = lecture(work, body)
        return await self.store.put(
            key, work, made, recipe="slidecast", source_bytes=10**6, private=private, learner=learner
        )

    def left(self, part: str) -> list[Path]:
        return [path for path in (self.folder / part).rglob("*") if path.is_file()]


def lecture(work: Path, body: bytes) -> MediaMade:
    (work / "slides").mkdir(exist_ok=True)
    (work / "lecture.json").write_text("{}")
    (work / "slides" / "1.webp").write_bytes(body)
    return MediaMade(
        main="lecture.json",
        content_type="application/json",
        files=("lecture.json", "slides/1.webp"),
        length_bytes=len(body) + 2,
        duration_s=60.0,
        facts={"slides": [{"at_s": 0, "название": "Тема"}]},
    )


@pytest.fixture
async def stock(tmp_path: Path) -> AsyncIterator[Stock]:
    stock = Stock(tmp_path / "media")
    await stock.store.open()
    yield stock
    await stock.store.close()


async def test_what_was_put_is_found_whole_even_after_a_restart(stock: Stock) -> None:
    put = await stock.put()
    assert isinstance(put, StoredMedia)
    for store in (stock.store, await stock.reopened()):
        found = await store.find(KEYS[0])
        assert found is not None
        assert found.files["slides/1.webp"].path.read_bytes() == b"film" * 1000
        assert found.main_file.path.read_text() == "{}"
        assert (found.content_type, found.duration_s, found.recipe) == ("application/json", 60.0, "slidecast")
        assert found.facts == {"slides": [{"at_s": 0, "название": "Тема"}]}
        assert found.files["slides/1.webp"].etag != found.main_file.etag
    assert await stock.store.find(KEYS[1]) is None


async def test_equal_bytes_have_equal_validators_in_every_medium(stock: Stock) -> None:
    one, other = await stock.put(KEYS[0]), await stock.put(KEYS[1])
    assert isinstance(one, StoredMedia) and isinstance(other, StoredMedia)
    assert one.files["slides/1.webp"].etag == other.files["slides/1.webp"].etag


async def test_files_are_the_services_users_alone_and_strays_are_not_taken(stock: Stock) -> None:
    work = await stock.store.new_work()
    made = lecture(work, b"x")
    (work / "stray.tmp").write_bytes(b"half")
    (work / "link").symlink_to("/etc/passwd")
    (work / "slides" / "1.webp").chmod(0o644)
    await stock.store.put(KEYS[0], work, made, recipe="slidecast", source_bytes=9, private=False)
    names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in stock.left("made")}
    assert names == {"lecture.json": 0o600, "1.webp": 0o600, "manifest.json": 0o600}


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", ".", "manifest.json", "a//b"])
def test_a_name_that_leads_out_of_the_folder_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        inside(name)


async def test_a_recipe_that_names_a_link_or_nothing_is_refused(stock: Stock) -> None:
    for name in ("link", "missing"):
        work = await stock.store.new_work()
        (work / "link").symlink_to("/etc/passwd")
        made = MediaMade(main=name, content_type="x", files=(name,), length_bytes=1, facts={})
        outcome = await stock.store.put(KEYS[0], work, made, recipe="audio", source_bytes=9, private=False)
        assert isinstance(outcome, Refused)
    assert await stock.store.find(KEYS[0]) is None


async def test_a_folder_that_is_a_link_is_no_way_out(stock: Stock, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("key")
    work = await stock.store.new_work()
    (work / "slides").symlink_to(outside)
    made = MediaMade(main="slides/secret", content_type="x", files=("slides/secret",), length_bytes=3, facts={})
    outcome = await stock.store.put(KEYS[0], work, made, recipe="slidecast", source_bytes=9, private=False)
    assert isinstance(outcome, Refused)
    assert (outside / "secret").read_text() == "key"


async def test_a_medium_that_lost_bytes_is_not_there(stock: Stock) -> None:
    put = await stock.put()
    assert isinstance(put, StoredMedia)
    os.truncate(put.files["slides/1.webp"].path, 7)
    store = await stock.reopened()
    assert await store.find(KEYS[0]) is None
    assert store.stats().damaged == 1
    assert stock.left("made") == []


async def test_a_medium_whose_bytes_changed_is_dropped_after_the_first_look(stock: Stock) -> None:
    put = await stock.put()
    assert isinstance(put, StoredMedia)
    put.files["slides/1.webp"].path.write_bytes(b"FILM" * 1000)
    store = await stock.reopened()
    media = await store.find(KEYS[0])
    if media is not None:
        assert not await store.is_sound(media)
    for _ in range(100):
        if await store.find(KEYS[0]) is None:
            break
        await asyncio.sleep(0.01)
    assert await store.find(KEYS[0]) is None
    assert store.stats().damaged == 1


async def test_of_a_medium_put_twice_the_first_stays(stock: Stock) -> None:
    await stock.put(body=b"one" * 10)
    again = await stock.put(body=b"two" * 10)
    assert isinstance(again, StoredMedia)
    assert again.files["slides/1.webp"].path.read_bytes() == b"one" * 10
    assert stock.store.stats().media == 1


async def test_a_medium_that_was_damaged_is_put_anew(stock: Stock) -> None:
    put = await stock.put(body=b"one" * 10)
    assert isinstance(put, StoredMedia)
    os.truncate(put.files["slides/1.webp"].path, 7)
    await stock.reopened()
    again = await stock.put(body=b"two" * 10)
    assert isinstance(again, StoredMedia)
    assert again.files["slides/1.webp"].path.read_bytes() == b"two" * 10
    assert stock.left("gone") == []


async def test_the_longest_unused_is_evicted_and_never_what_is_read(stock: Stock) -> None:
    store = await stock.reopened(max_bytes=1_000_000)
    with store.reading(KEYS[0]):
        for key in KEYS[:4]:
            stock.clock.moves(60)
            await stock.put(key, bytes(300_000))
        there = [await store.find(key) is not None for key in KEYS[:4]]
        assert there == [True, False, True, True]
    assert store.stats().disk_bytes <= 1_000_000
    assert store.stats().evicted == 1


async def test_an_open_file_is_read_to_its_end_whatever_happens_to_its_name(stock: Stock) -> None:
    put = await stock.put(body=b"film" * 1000)
    assert isinstance(put, StoredMedia)
    with put.files["slides/1.webp"].path.open("rb") as file:
        await stock.reopened(max_bytes=1)
        await stock.store.sweep(stock.clock.now())
        assert stock.left("made") == []
        assert file.read() == b"film" * 1000


async def test_a_full_disk_is_told_and_leaves_nothing(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_folders, "_sync", full)
    assert await stock.put() == Refused(why="disk-full")
    monkeypatch.undo()
    assert await stock.store.find(KEYS[0]) is None
    assert stock.store.stats().failed_writes == 1
    await stock.reopened()
    assert stock.left("work") == []


@pytest.mark.parametrize("step", range(12))
async def test_an_interruption_at_any_step_leaves_nothing_half_made(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    steps = 0

    def interrupted(real):  # type: ignore[no-untyped-def]
        def call(*arguments, **more):  # type: ignore[no-untyped-def]
            nonlocal steps
            steps += 1
            if steps > step:
                raise OSError(errno.EIO, "interrupted")
            return real(*arguments, **more)

        return call

    for owner, name in ((store_folders, "_sync"), (store_folders, "_write"), (Path, "rename"), (Path, "chmod")):
        monkeypatch.setattr(owner, name, interrupted(getattr(owner, name)))
    await stock.put()
    monkeypatch.undo()
    store = await stock.reopened()
    found = await store.find(KEYS[0])
    assert (found is None) == (stock.left("made") == [])
    if found is not None:
        assert found.files["slides/1.webp"].path.read_bytes() == b"film" * 1000
        assert await store.is_sound(found)
    assert stock.left("work") == []


async def test_a_lost_index_is_made_again_from_the_folders(stock: Stock) -> None:
    await stock.put()
    await stock.store.close()
    for path in stock.folder.glob("media.sqlite*"):
        path.unlink()
    store = await stock.reopened()
    assert store.stats().media == 0
    assert await store.find(KEYS[0]) is not None
    assert store.stats().media == 1


async def test_a_damaged_index_is_set_aside_and_the_media_are_still_found(stock: Stock) -> None:
    await stock.put()
    await stock.store.close()
    for path in stock.folder.glob("media.sqlite-*"):
        path.unlink()
    (stock.folder / "media.sqlite").write_bytes(b"no base at all" * 1000)
    store = await stock.reopened()
    assert await store.find(KEYS[0]) is not None


async def test_the_sweep_settles_strays(stock: Stock) -> None:
    await stock.put(KEYS[0])
    await stock.put(KEYS[1])
    half = stock.folder / "made" / KEYS[2][:2] / KEYS[2]
    half.mkdir(parents=True, exist_ok=True)
    (half / "video.mp4").write_bytes(b"half")
    await stock.store.close()
    for path in stock.folder.glob("media.sqlite*"):
        path.unlink()
    store = await stock.reopened()
    for _ in range(256):
        await store.sweep(stock.clock.now())
    assert store.stats().media == 2
    assert not half.exists()


async def test_what_was_tried_in_vain_is_not_tried_again_for_a_day(stock: Stock) -> None:
    await stock.store.in_vain.note(KEYS[0], Unchanged(why="already-light"))
    await stock.store.in_vain.note(KEYS[1], Refused(why="damaged"))
    stock.clock.moves(24 * 3600 - 1)
    store = await stock.reopened()
    one, other = await store.in_vain.of(KEYS[0]), await store.in_vain.of(KEYS[1])
    assert one is not None and (one.kind, one.why) == ("unchanged", "already-light")
    assert other is not None and (other.kind, other.why) == ("refused", "damaged")
    stock.clock.moves(2)
    assert await store.in_vain.of(KEYS[0]) is None


async def test_the_machines_bad_hour_is_forgotten_in_minutes(stock: Stock) -> None:
    await stock.store.in_vain.note(KEYS[0], Refused(why="no-tool"))
    stock.clock.moves(601)
    assert await stock.store.in_vain.of(KEYS[0]) is None


async def test_one_learners_medium_is_hidden_and_lives_a_day_until_two_have_had_it(stock: Stock) -> None:
    await stock.put(KEYS[0], private=True, learner="anna")
    await stock.put(KEYS[1], private=True, learner="anna")
    await stock.put(KEYS[2])
    stock.store.note_learner(KEYS[0], "anna")
    assert {media.key for media in await stock.store.inspect()} == {KEYS[2]}
    stock.store.note_learner(KEYS[0], "boris")
    assert {media.key for media in await stock.store.inspect()} == {KEYS[0], KEYS[2]}
    stock.clock.moves(24 * 3600 + 1)
    assert [await stock.store.find(key) is not None for key in KEYS[:3]] == [True, False, True]
    await stock.store.sweep(stock.clock.now())
    assert stock.store.stats().media == 2


async def test_a_name_stands_for_a_medium_and_its_source(stock: Stock) -> None:
    await stock.store.names.give("asked", KEYS[0], "source")
    store = await stock.reopened()
    assert await store.names.of("asked") == (KEYS[0], "source")
    assert await store.names.of("other") is None
    stock.clock.moves(timedelta(days=31).total_seconds())
    assert await store.names.of("asked") is None


async def test_thousands_of_media_need_no_scan_at_the_start(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    await stock.put()
    scans: list[object] = []
    real = os.scandir
    monkeypatch.setattr(store_folders.os, "scandir", lambda path: scans.append(path) or real(path))
    await stock.reopened()
    assert not any("made" in str(path) for path in scans)


def test_a_segment_has_a_key_of_its_own() -> None:
    assert len({segment_key(KEYS[0], n) for n in range(9)} | {KEYS[0], segment_key(KEYS[1], 0)}) == 11


async def test_a_folder_removed_by_hand_is_not_there(stock: Stock) -> None:
    await stock.put()
    shutil.rmtree(stock.folder / "made")
    assert await (await stock.reopened()).find(KEYS[0]) is None


async def test_a_file_removed_under_a_running_process_is_missed_at_once(stock: Stock) -> None:
    put = await stock.put()
    assert isinstance(put, StoredMedia)
    assert await stock.store.find(KEYS[0]) is not None
    put.files["slides/1.webp"].path.unlink()
    assert await stock.store.find(KEYS[0]) is None
    assert (stock.store.stats().damaged, stock.left("made")) == (1, [])
    assert isinstance(await stock.put(), StoredMedia)
