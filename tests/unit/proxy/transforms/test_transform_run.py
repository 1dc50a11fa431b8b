"""The pool: each once, few at a time, none for ever, and nobody waits longer than agreed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from proxy.clock import SystemClock
from proxy.exchange import Outcome, Refused, Unchanged
from proxy.transforms.fair_queue import FairQueue
from proxy.transforms.hold import UNKNOWN_LINK_HOLD_S, EncodeTimes, hold_s
from proxy.transforms.run import TransformPool

DONE = Unchanged(why="done")


@asynccontextmanager
async def pool(*, slots: int = 2, queue_limit: int = 100, deadline_s: float = 5) -> AsyncIterator[TransformPool]:
    made = TransformPool(slots=slots, clock=SystemClock(), queue_limit=queue_limit, deadline_s=deadline_s)
    yield made
    await made.close()


class Work:
    """Makers that wait until they are let go, and count."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun: list[str] = []
        self.most = self.now = 0

    def maker(self, name: str = "", outcome: Outcome = DONE) -> Callable[[], Awaitable[Outcome]]:
        async def make() -> Outcome:
            self.begun.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                await self.go.wait()
            finally:
                self.now -= 1
            return outcome

        return make


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_however_many_ask_it_is_made_once() -> None:
    work = Work()
    async with pool() as transforms:
        asked = [asyncio.create_task(transforms.obtain("k", work.maker(), hold_s=5)) for _ in range(50)]
        await settle()
        work.go.set()
        assert await asyncio.gather(*asked) == [DONE] * 50
        assert len(work.begun) == 1 and transforms.stats().joined == 49


async def test_who_stops_waiting_gets_none_and_the_work_goes_on_and_is_kept() -> None:
    work, kept = Work(), asyncio.Queue[Outcome]()
    async with pool() as transforms:
        started = time.perf_counter()
        assert await transforms.obtain("k", work.maker(), hold_s=0.05, keep=kept.put) is None
        assert time.perf_counter() - started < 1
        assert transforms.stats().not_in_time == 1
        work.go.set()
        assert await asyncio.wait_for(kept.get(), 2) == DONE


async def test_asked_without_waiting_it_is_made_all_the_same() -> None:
    work, kept = Work(), asyncio.Queue[Outcome]()
    work.go.set()
    async with pool() as transforms:
        assert await transforms.obtain("k", work.maker(), hold_s=0, keep=kept.put) is None
        assert await asyncio.wait_for(kept.get(), 2) == DONE


async def test_a_learner_who_leaves_does_not_take_the_work_from_the_others() -> None:
    work = Work()
    async with pool() as transforms:
        first = asyncio.create_task(transforms.obtain("k", work.maker(), hold_s=5))
        second = asyncio.create_task(transforms.obtain("k", work.maker(), hold_s=5))
        await settle()
        first.cancel()
        await settle()
        work.go.set()
        assert await second == DONE and len(work.begun) == 1


async def test_no_more_run_at_once_than_there_are_slots() -> None:
    work = Work()
    async with pool(slots=3) as transforms:
        asked = [asyncio.create_task(transforms.obtain(str(n), work.maker(), hold_s=5)) for n in range(20)]
        await settle()
        assert work.most == 3 and transforms.stats().running == 3 and transforms.stats().queued == 17
        work.go.set()
        assert await asyncio.gather(*asked) == [DONE] * 20
        assert work.most == 3


async def test_a_full_queue_answers_at_once_with_none() -> None:
    work = Work()
    async with pool(slots=1, queue_limit=2) as transforms:
        asked = [asyncio.create_task(transforms.obtain(str(n), work.maker(), hold_s=5)) for n in range(3)]
        await settle()
        assert await transforms.obtain("one too many", work.maker(), hold_s=5) is None
        assert transforms.stats().queue_full == 1
        work.go.set()
        assert await asyncio.gather(*asked) == [DONE] * 3


async def test_a_transform_that_never_ends_is_refused_at_its_deadline_and_frees_its_slot() -> None:
    hung, other = Work(), Work()
    other.go.set()
    async with pool(slots=1, deadline_s=0.05) as transforms:
        assert await transforms.obtain("hung", hung.maker(), hold_s=5) == Refused(why="timed-out")
        assert await transforms.obtain("other", other.maker(), hold_s=5) == DONE
        assert transforms.stats().timed_out == 1 and hung.now == 0


async def test_a_transform_that_raises_is_refused_and_counted() -> None:
    async def broken() -> Outcome:
        raise ZeroDivisionError

    kept = asyncio.Queue[Outcome]()
    async with pool() as transforms:
        assert await transforms.obtain("k", broken, hold_s=5, keep=kept.put) == Refused(why="transform-failed")
        assert await asyncio.wait_for(kept.get(), 2) == Refused(why="transform-failed")
        assert transforms.stats().failed == 1


async def test_what_says_nothing_of_the_source_is_not_kept() -> None:
    work, kept = Work(), asyncio.Queue[Outcome]()
    work.go.set()
    async with pool() as transforms:
        outcome = await transforms.obtain("k", work.maker(outcome=Refused(why="no-worker")), hold_s=5, keep=kept.put)
        assert outcome == Refused(why="no-worker")
        await settle()
        assert kept.empty()


async def test_a_store_that_fails_does_not_cost_the_outcome() -> None:
    async def full(_: Outcome) -> None:
        raise OSError

    work = Work()
    work.go.set()
    async with pool() as transforms:
        assert await transforms.obtain("k", work.maker(), hold_s=5, keep=full) == DONE
        assert await transforms.obtain("other", work.maker(), hold_s=5) == DONE


async def test_one_page_with_many_pictures_does_not_keep_another_s_first_one_waiting() -> None:
    work = Work()
    async with pool(slots=1) as transforms:
        asked = [
            asyncio.create_task(transforms.obtain(f"a{n}", work.maker(f"a{n}"), hold_s=5, party="a")) for n in range(9)
        ]
        await settle()
        asked.append(asyncio.create_task(transforms.obtain("b", work.maker("b"), hold_s=5, party="b")))
        await settle()
        work.go.set()
        await asyncio.gather(*asked)
        assert work.begun.index("b") <= 2


async def test_background_work_yields_to_what_somebody_waits_for_and_moves_up_when_somebody_does() -> None:
    work = Work()
    async with pool(slots=1) as transforms:
        asked = [asyncio.create_task(transforms.obtain("first", work.maker("first"), hold_s=5))]
        await settle()
        for name, background in (("later-1", True), ("later-2", True), ("live", False), ("later-2", False)):
            waiting = transforms.obtain(name, work.maker(name), hold_s=5, background=background)
            asked.append(asyncio.create_task(waiting))
            await settle()
        work.go.set()
        await asyncio.gather(*asked)
        assert work.begun == ["first", "live", "later-2", "later-1"]


async def test_closing_answers_everybody_with_none() -> None:
    work = Work()
    transforms = TransformPool(slots=1, clock=SystemClock())
    asked = [asyncio.create_task(transforms.obtain(str(n), work.maker(), hold_s=5)) for n in range(3)]
    await settle()
    await transforms.close()
    assert await asyncio.gather(*asked) == [None] * 3
    assert await transforms.obtain("after", work.maker(), hold_s=5) is None


async def test_the_estimate_grows_with_the_queue_and_returns_when_it_is_empty() -> None:
    work = Work()
    async with pool(slots=1) as transforms:
        alone = transforms.estimate_s("image", 1_000_000)
        asked = [
            asyncio.create_task(transforms.obtain(str(n), work.maker(), hold_s=5, pixels=2_000_000)) for n in range(4)
        ]
        await settle()
        assert transforms.estimate_s("image", 1_000_000) > 5 * alone
        work.go.set()
        await asyncio.gather(*asked)
        await settle()
        assert transforms.estimate_s("image", 1_000_000) < alone


def test_encode_times_follow_what_is_measured_and_each_kind_has_its_own() -> None:
    times = EncodeTimes()
    first = times.estimate_s("image", 1_000_000)
    for _ in range(60):
        times.observe("image", 2_000_000, 1.0)
    assert times.estimate_s("image", 1_000_000) == pytest.approx(0.51, abs=0.02)
    assert times.estimate_s("other", 1_000_000) == first
    times.observe("image", 10, 5.0)
    assert times.estimate_s("image", 1_000_000) < 1


@pytest.mark.parametrize(
    ("encode_s", "source_bytes", "link_bps", "expected"),
    [
        (0.1, 2_000_000, 256_000, 3.0),  # a minute of original: hold as long as may be
        (0.1, 20_000, 256_000, 0.5),  # 0.625 s of original, 0.125 s of variant
        (0.1, 20_000, 100_000_000, 0.0),  # the original is there before the encoder is
        (4.0, 2_000_000, 256_000, 0.0),  # a hold that would end in the original anyway
        (0.1, 2_000_000, None, UNKNOWN_LINK_HOLD_S),
        (0.3, 2_000_000, None, 0.0),
    ],
)
def test_an_image_is_held_where_that_is_the_quicker_way(
    encode_s: float, source_bytes: int, link_bps: int | None, expected: float
) -> None:
    held = hold_s(encode_s=encode_s, source_bytes=source_bytes, expected_ratio=0.2, link_bps=link_bps)
    assert held == pytest.approx(expected)


def test_a_fair_queue_takes_parties_in_turn_and_each_party_in_order() -> None:
    queue = FairQueue[str]()
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        queue.push(item, party=item[0], background=False)
    assert [queue.pop() for _ in range(6)] == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert queue.pop() is None and len(queue) == 0
