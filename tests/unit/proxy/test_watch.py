"""The watch over links: requests while one is down don't wait, probes find it again, whoever asks is told."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from policies.model import Origin, Outage
from proxy.account.metrics import Metrics
from proxy.clock import SystemClock
from proxy.errors import ExchangeError, upstream_unreachable
from proxy.link_state import Link
from proxy.tasks import TaskKeeper
from proxy.upstream.address import Target
from proxy.watch import MOST_WAYS, STATE_FILE, LinkWatch
from tests.builders import an_origin

LMS = an_origin()
THERE = Target("http", "127.0.0.1", 8081, None)
QUICK = Outage(deadline_s=0.05, probe_first_s=0.01, probe_slowest_s=0.02)


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[LinkWatch]:
    keeper = TaskKeeper("test")
    yield LinkWatch(clock=SystemClock(), terms=lambda: QUICK, keeper=keeper, folder=tmp_path, metrics=Metrics())
    await keeper.close()


def test_nothing_is_remembered_of_links_that_are_up(tmp_path: Path) -> None:
    keeper = TaskKeeper("test")
    watch = LinkWatch(clock=SystemClock(), terms=lambda: QUICK, keeper=keeper, folder=tmp_path, metrics=Metrics())
    watch.answered(THERE)
    watch.failed(LMS, THERE, "upstream-malformed", connected=True)
    watch.failed(None, THERE, "upstream-unreachable", connected=False)
    assert watch.troubled == {} and watch.link(THERE) is Link.UP
    watch.check(THERE)


async def test_a_link_that_is_down_answers_at_once(watch: LinkWatch, tmp_path: Path) -> None:
    watch.failed(LMS, THERE, "upstream-unreachable", connected=False)
    with pytest.raises(ExchangeError) as met:
        watch.check(THERE)
    assert (met.value.code, met.value.status) == ("link-down", 503) and met.value.retry_after_s
    told = json.loads((tmp_path / STATE_FILE).read_text("utf-8"))
    assert [(one["origin"], one["link"], one["why"]) for one in told] == [("lms", "down", "unreachable")]


async def test_a_probe_finds_it_again_and_tells(
    watch: LinkWatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tropa.links")
    tries: list[int] = []
    back: asyncio.Future[Origin] = asyncio.get_running_loop().create_future()

    async def probe(origin: Origin, target: Target, deadline_s: float) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise upstream_unreachable("cut")

    watch.probes_by(probe)
    watch.tell(back.set_result)
    watch.failed(LMS, THERE, "upstream-unreachable", connected=False)
    assert await asyncio.wait_for(back, 20) is LMS
    assert len(tries) == 3 and watch.link(THERE) is Link.UP
    assert json.loads((tmp_path / STATE_FILE).read_text("utf-8")) == []
    assert [record.getMessage().split(") is ")[1] for record in caplog.records] == ["down (unreachable)", "up"]


async def test_a_link_on_which_nothing_comes_back_counts_as_down(watch: LinkWatch) -> None:
    asked = asyncio.Event()

    async def probe(origin: Origin, target: Target, deadline_s: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    watch.probes_by(probe)
    watch.overdue(LMS, THERE)
    assert watch.link(THERE) is Link.SLOW
    await asyncio.wait_for(asked.wait(), 20)
    async with asyncio.timeout(20):
        while watch.link(THERE) is not Link.DOWN:
            await asyncio.sleep(0.01)


async def test_ways_are_bounded(watch: LinkWatch) -> None:
    for port in range(MOST_WAYS + 5):
        watch.failed(LMS, Target("http", "h", port, None), "upstream-name", connected=False)
    assert len(watch.troubled) == MOST_WAYS
