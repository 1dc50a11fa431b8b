"""What a tap began: bounded, one a tap, and never waited for longer than a moment."""

from __future__ import annotations

import asyncio

import pytest

from proxy.errors import ExchangeError, bad_request
from proxy.media.views import JobView, State
from proxy.own.beginnings import Beginnings
from proxy.tasks import TaskKeeper

KEY = ("anna", "sound", "/film.mp4")
MAKING = JobView(state=State.MAKING)


async def test_a_quick_beginning_tells_how_it_stands() -> None:
    async def work() -> JobView:
        return MAKING

    beginnings = Beginnings(TaskKeeper("test"))
    assert await beginnings.begin(KEY, work) == MAKING
    assert not await beginnings.is_open(KEY)


async def test_a_slow_one_goes_on_alone_and_is_begun_once() -> None:
    came, begun = asyncio.Event(), 0

    async def work() -> JobView:
        nonlocal begun
        begun += 1
        await came.wait()
        return MAKING

    beginnings = Beginnings(TaskKeeper("test"), patience_s=0.01)
    assert await beginnings.begin(KEY, work) is None
    assert await beginnings.begin(KEY, work) is None
    assert await beginnings.is_open(KEY)
    came.set()
    while await beginnings.is_open(KEY):
        pass
    assert (begun, len(beginnings)) == (1, 0)
    assert (beginnings.came_late(KEY), beginnings.came_late(KEY)) == (MAKING, None)


async def test_an_origins_failure_in_time_is_raised_and_a_late_one_is_nobodys() -> None:
    came = asyncio.Event()

    async def late() -> JobView:
        await came.wait()
        raise bad_request("broken")

    async def soon() -> JobView:
        raise bad_request("broken")

    beginnings = Beginnings(TaskKeeper("test"), patience_s=0.01)
    with pytest.raises(ExchangeError):
        await beginnings.begin(KEY, soon)
    assert await beginnings.begin(KEY, late) is None
    came.set()
    while await beginnings.is_open(KEY):
        pass
    assert len(beginnings) == 0


async def test_where_too_many_are_open_the_next_waits_for_her_own() -> None:
    came = asyncio.Event()

    async def slow() -> JobView:
        await came.wait()
        return MAKING

    async def quick() -> JobView:
        return MAKING

    beginnings = Beginnings(TaskKeeper("test"), patience_s=0.01, max_open=1)
    assert await beginnings.begin(KEY, slow) is None
    assert await beginnings.begin(("boris", "sound", "/film.mp4"), quick) == MAKING
    assert len(beginnings) == 1
    came.set()
