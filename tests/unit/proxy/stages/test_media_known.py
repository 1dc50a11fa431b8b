"""What cards say of versions, after a restart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from proxy.account.sqlite import SqliteState
from proxy.account.state import MarkQuery
from proxy.media.queue_state import Rows
from proxy.media.refs import SourceRef
from proxy.stages.media_book import MediaBook
from proxy.stages.media_known import KnownMedia
from proxy.tasks import TaskKeeper
from tests.clocks import HandClock
from tests.exchanges import NOON
from tests.media_desk import START

URL = "https://lms.example.org/film.mp4?token=secret"
HERS = SourceRef(origin="lms", url=URL, etag='"a"', length_bytes=9, private=True, learner="hers")
PUBLIC = replace(HERS, private=False)


def at_noon() -> HandClock:
    clock = HandClock(START)
    clock.at = NOON
    return clock


class Process:
    """One process of several over the same State. stored: names for which there is something on disk."""

    def __init__(self, state: SqliteState, clock: HandClock, stored: frozenset[str] = frozenset()) -> None:
        self.keeper, self.clock, self.stored = TaskKeeper("test"), clock, stored
        self.rows = Rows(state, self.keeper)
        self.book = MediaBook(KnownMedia(state, self.rows, clock))

    async def standing(self, names: Collection[str]) -> frozenset[str]:
        return self.stored & frozenset(names)

    async def start(self) -> MediaBook:
        await self.book.start(self.standing, self.clock.now())
        return self.book

    async def end(self) -> None:
        await self.keeper.idle()
        await self.rows.flush()


async def test_what_is_on_disk_is_ready_after_a_restart_and_what_is_not_is_to_be_made(state: SqliteState) -> None:
    clock = at_noon()
    first = Process(state, clock)
    first.book.lasts(PUBLIC, URL, 2700)
    first.book.became_ready(PUBLIC, URL, "sound", 4_000_000, name="one")
    first.book.became_ready(PUBLIC, URL, "slidecast", 5_000_000, name="two")
    first.book.cannot_be(PUBLIC, URL, "capped")
    first.book.is_under_way(PUBLIC, URL, "slides", 60)
    await first.end()
    known = (await Process(state, clock, frozenset({"one"})).start()).known("his", URL)
    assert known.duration_s == 2700 and known.ready == {"sound": 4_000_000}
    assert known.impossible == {"capped"} and known.ready_in_s == {}
    clock.at += timedelta(hours=25)  # what was tried in vain is tried again
    assert (await Process(state, clock, frozenset({"one"})).start()).known("his", URL).impossible == frozenset()


async def test_a_private_films_versions_are_its_learners_alone_and_end_with_her_login(state: SqliteState) -> None:
    clock = at_noon()
    first = Process(state, clock)
    first.book.became_ready(HERS, URL, "sound", 5, name="one")
    await first.end()
    second = Process(state, clock, frozenset({"one"}))
    book = await second.start()
    assert book.known("hers", URL).ready == {"sound": 5} and book.known("his", URL).ready == {}
    book.forget("hers")
    await second.end()
    assert await state.list(MarkQuery(kind=None, now=NOON)) == ()


async def test_no_address_is_written_down(state: SqliteState, tmp_path: Path) -> None:
    first = Process(state, at_noon())
    first.book.became_ready(PUBLIC, URL, "sound", 5, name="one")
    await first.end()
    assert not any(b"film.mp4" in path.read_bytes() for path in tmp_path.iterdir())


async def test_what_the_book_forgets_is_forgotten_on_disk(state: SqliteState) -> None:
    first = Process(state, at_noon())
    first.book = MediaBook(KnownMedia(state, first.rows, first.clock), max_entries=2)
    for number in range(5):
        first.book.became_ready(PUBLIC, f"{URL}&n={number}", "sound", 5, name="one")
    await first.end()
    assert len(await state.list(MarkQuery(kind=None, now=NOON))) == 2
