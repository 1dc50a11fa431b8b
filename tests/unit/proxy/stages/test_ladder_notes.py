"""A film that is being watched goes on over a restart: what was capped stays so, what was made is made."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from policies.treatments import NothingFits
from proxy.account.seals import Seals
from proxy.account.secret import Keyed
from proxy.account.sqlite import SqliteState
from proxy.account.state import Mark, MarkQuery, PutMark
from proxy.cache.variants import VariantStore
from proxy.clock import OffsetClock
from proxy.media.queue_state import Rows
from proxy.stages.context import Exchange
from proxy.stages.ladder import LadderStage
from proxy.stages.ladder_notes import LIFE, LadderNotes
from proxy.stages.noted import Sent, opened
from proxy.stages.rung_book import RungBook
from proxy.stages.rung_pieces import PieceMaker
from proxy.tasks import TaskKeeper
from proxy.transforms.ladder import LadderSpec
from proxy.transforms.media.spec import CappedSpec
from tests.exchanges import NOON
from tests.unit.proxy.stages.test_ladder import LIST, LOW, MAKE, MUXED, SMALL_MPD, Stage, text_of, watching

KEYED = Keyed(b"a secret of the tests")
SMALL = replace(LOW, max_height_px=144)
HER = watching().who.learner
SENT = Sent(
    url="https://lms.example.org/l/m.m3u8",
    query="",
    manifest="hls",
    text=MUXED,
    spec=LadderSpec(max_height_px=96),
    nothing_fits=NothingFits.MAKE,
    capped=CappedSpec(),
)


class Process:
    """One process of several over the same State."""

    def __init__(self, state: SqliteState) -> None:
        self.keeper = TaskKeeper("test")
        self.rows = Rows(state, self.keeper)
        self.notes = LadderNotes(state, self.rows, KEYED, self.keeper)
        self.with_all = Stage()
        self.book = RungBook()
        self.with_all.rungs._book = self.book
        self.stage = LadderStage(
            self.with_all.book,
            self.with_all.read_ahead,
            self.with_all.sticky,
            OffsetClock(NOON),
            self.with_all._withheld,
            self.with_all.rungs,
            self.notes,
        )
        self.with_all.stage = self.stage

    async def start(self) -> Process:
        await self.stage.start(NOON)
        return self

    async def end(self) -> None:
        await self.keeper.idle()
        await self.rows.flush()

    def is_made(self, path: str) -> bool:
        """Whether what stands at this address is made here."""
        return self.book.find(HER, f"https://lms.example.org{path}", None) is not None


def another(exchange: Exchange) -> Exchange:
    return replace(exchange, who=replace(exchange.who, learner="another-learner-0000"))


async def test_segments_of_a_made_rung_are_made_after_a_restart_too(state: SqliteState) -> None:
    first = await Process(state).start()
    first.with_all.lying["/l/144.m3u8"] = LIST
    await first.with_all.get(MUXED, MAKE)
    await first.with_all.get(LIST, MAKE, target="/l/144.m3u8")
    assert first.is_made("/l/0.ts")
    await first.end()
    second = await Process(state).start()
    assert not second.stage.is_left_off(another(watching())) and second.stage.follows(watching("/l/0.ts", MAKE))
    assert second.stage.is_left_off(watching("/l/0.ts", MAKE))
    await second.stage.take_up(watching("/l/0.ts", MAKE))
    assert second.is_made("/l/0.ts") and not second.is_made("/l/1.ts")
    assert not second.stage.is_left_off(watching("/l/0.ts", MAKE)) and not second.with_all.asked
    assert text_of(await second.with_all.get(LIST, MAKE, target="/l/144.m3u8")) == LIST  # which is read again


async def test_the_same_holds_for_dash_with_its_head(state: SqliteState) -> None:
    first = await Process(state).start()
    await first.with_all.get(SMALL_MPD, MAKE, target="/l/m.mpd")
    await first.end()
    second = await Process(state).start()
    await second.stage.take_up(watching("/l/low/1.m4s", MAKE))
    assert second.is_made("/l/low/1.m4s") and second.is_made("/l/low/init.mp4") and not second.is_made("/l/high/1.m4s")


async def test_what_was_taken_out_is_withheld_and_the_cap_stays(state: SqliteState) -> None:
    first = await Process(state).start()
    before = text_of(await first.with_all.get(MUXED, SMALL))
    await first.end()
    second = await Process(state).start()
    await second.stage.take_up(watching())
    assert b"144.m3u8" in before and b"360.m3u8" not in before
    assert second.stage.withholds(watching("/l/360.m3u8")) is not None
    assert second.stage.withholds(watching("/l/144.m3u8")) is None
    assert second.stage.withholds(another(watching("/l/360.m3u8"))) is None
    assert text_of(await second.with_all.get(MUXED, replace(SMALL, max_height_px=720))) == before  # her sitting goes on


async def test_after_a_logout_or_an_erasure_nothing_is_taken_up(state: SqliteState) -> None:
    first = await Process(state).start()
    await first.with_all.get(MUXED, SMALL)
    assert await first.stage.forget(HER) == 1
    await first.end()
    assert await state.list(MarkQuery(kind=None, now=NOON)) == ()
    second = await Process(state).start()
    assert not second.stage.is_left_off(watching())


async def test_what_outlived_its_time_or_cannot_be_read_is_left_out(state: SqliteState) -> None:
    first = await Process(state).start()
    first.notes.note(HER, SENT, NOON - LIFE)
    await first.end()
    await state.commit([PutMark(Mark(kind="ladder", owner=HER, key="1", until=NOON + LIFE, facts={"text": "!"}))])
    second = await Process(state).start()
    await second.stage.take_up(watching())
    assert not second.stage.is_left_off(watching()) and second.stage.withholds(watching("/l/360.m3u8")) is None


async def test_nothing_of_what_was_watched_can_be_read_in_state(state: SqliteState) -> None:
    process = await Process(state).start()
    process.notes.note(HER, SENT, NOON)
    process.notes.note(another(watching()).who.learner, SENT, NOON)
    await process.end()
    marks = await state.list(MarkQuery(kind=None, now=NOON))
    assert len({mark.key for mark in marks}) == 2  # one film, but not told from the rows
    for mark in marks:
        lying = str(mark.facts["sealed"])
        assert set(mark.facts) == {"sealed"} and "lms.example.org" not in str(mark) and b"m3u8" not in b64decode(lying)
    mine, others = sorted(marks, key=lambda mark: mark.owner != HER)
    assert opened(process.notes.seals, mine) == SENT == opened(process.notes.seals, others)
    assert opened(process.notes.seals, replace(mine, owner=others.owner)) is None
    assert opened(Process(state).notes.seals, mine) == SENT and opened(Seals(Keyed(b"s" * 32)), mine) is None


async def test_what_an_older_tropa_left_readable_goes_at_the_start(state: SqliteState) -> None:
    old = Mark(kind="ladder", owner=HER, key="1", until=NOON + LIFE, facts={"url": SENT.url, "text": ""})
    await state.commit([PutMark(old)])
    process = await Process(state).start()
    await process.end()
    assert not process.stage.is_left_off(watching()) and await state.list(MarkQuery(kind=None, now=NOON)) == ()


async def test_what_is_forgotten_while_it_is_packed_or_read_stays_so(state: SqliteState) -> None:
    process = await Process(state).start()
    process.notes.note(HER, SENT, NOON)
    packing = asyncio.ensure_future(process.notes.flush())
    await asyncio.sleep(0)  # until it is the thread's
    assert await process.stage.forget(HER) == 1
    await packing
    await process.end()
    assert await state.list(MarkQuery(kind=None, now=NOON)) == ()
    await process.with_all.get(MUXED, SMALL)
    await process.end()
    second = await Process(state).start()
    reading = asyncio.ensure_future(second.stage.take_up(watching()))
    await asyncio.sleep(0)
    await second.stage.forget(HER)
    await reading
    assert second.stage.withholds(watching("/l/360.m3u8")) is None


async def test_requests_that_come_at_once_find_what_was_left(state: SqliteState) -> None:
    first = await Process(state).start()
    await first.with_all.get(MUXED, SMALL)
    await first.end()
    second = await Process(state).start()
    await asyncio.gather(*(second.stage.take_up(watching()) for _ in range(3)))
    assert second.stage.withholds(watching("/l/360.m3u8")) is not None


async def test_what_was_noted_last_is_kept_when_the_process_ends(state: SqliteState) -> None:
    first = await Process(state).start()
    first.notes.note(HER, SENT, NOON)
    await first.keeper.close()
    await first.stage.close()
    await first.rows.flush()
    assert (await Process(state).start()).stage.is_left_off(watching())


async def test_notes_whose_time_is_over_are_counted_no_more(state: SqliteState) -> None:
    process = await Process(state).start()
    for number in range(10):
        process.notes.note(f"learner-{number}", SENT, NOON)
    process.notes.note(HER, SENT, NOON + LIFE)
    assert await process.stage.forget("learner-3") == 0 and await process.stage.forget(HER) == 1


async def test_notes_are_bounded_and_an_old_one_goes_first(state: SqliteState) -> None:
    process = await Process(state).start()
    for number in range(20):
        sent = replace(SENT, url=f"https://lms.example.org/{number}.m3u8")
        process.notes.note(HER, sent, NOON + timedelta(seconds=number))
    process.notes.note(HER, replace(SENT, url="https://lms.example.org/huge.m3u8", text=b"#" * (1 << 20)), NOON)
    await process.end()
    again = await Process(state).start()
    left = [opened(again.notes.seals, mark) for mark in again.notes.left_of(HER)]
    assert [sent.url.rpartition("/")[2] for sent in left if sent is not None] == [
        f"{number}.m3u8" for number in range(4, 20)
    ]


async def test_a_live_manifest_that_loses_rungs_is_written_down_once_a_minute(state: SqliteState) -> None:
    process = await Process(state).start()

    async def noted(sent: Sent, seconds: range) -> list[bytes]:
        """What State had after each."""
        had = []
        for second in seconds:
            process.notes.note(HER, replace(sent, text=b"%d" % second), NOON + timedelta(seconds=second))
            await process.end()
            (mark,) = await state.list(MarkQuery(kind="ladder", now=NOON))
            kept = opened(process.notes.seals, mark)
            had.append(kept.text if kept is not None else b"")
        return had

    assert await noted(replace(SENT, capped=None), range(0, 65, 5)) == [b"0"] * 12 + [b"60"]
    assert await noted(SENT, range(3)) == [b"0", b"1", b"2"]  # segments that are made must be known


async def test_what_was_half_made_when_the_last_process_was_killed_goes(state: SqliteState, tmp_path: Path) -> None:
    left = tmp_path / "making" / "rung-of-the-last-process"
    left.mkdir(parents=True)
    (left / "source").write_bytes(b"somebody's film")
    maker = PieceMaker(VariantStore(tmp_path / "variants", max_bytes=1, clock=OffsetClock(NOON)), tmp_path / "making")
    process = Process(state)
    process.with_all.rungs._maker = maker
    await process.start()
    assert not left.exists()
