"""Two learners in one whole process: one is told and forgotten, the other's data stay as they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from policies.model import Period
from policies.values import Scope
from proxy.account.state import AddUse, Claim, JobRow, Mark, PutJob, PutMark, UseKey
from proxy.app import Tropa, load
from proxy.clock import OffsetClock
from proxy.exchange import Replaced
from tests.exchanges import NOON
from tests.receipts import a_receipt

REGIONS = """
tropa: {listeners: {front: {mode: reverse, listen: "127.0.0.1:0", origin: course}}}
origins:
  course: {title: Course, hosts: [lms.test], upstream: "http://127.0.0.1:9", allow_private: true}
regions:
  koryak: {title: Koryak, timezone: Asia/Kamchatka, networks: [127.0.0.0/8], policy: open,
    tariff: {price: 0.40 RUB/MB, allowance: 300 MB/day}}
"""
ANNA, BORIS = "a" * 20, "b" * 20
DAY = NOON.replace(hour=0, minute=0) - timedelta(hours=12)  # the day in Kamchatka began at noon, UTC


@pytest.fixture
async def tropa(tmp_path: Path) -> AsyncIterator[Tropa]:
    file = tmp_path / "regions.yaml"
    file.write_text(REGIONS, "utf-8")
    clock = OffsetClock(NOON)
    made = Tropa(tmp_path / "state", load(file, tmp_path / "state", clock), clock)
    await made.start()
    yield made
    await made.close(drain_s=0.1)


async def lives_here(tropa: Tropa, learner: str) -> None:
    """This learner leaves something in every place that keeps something of learners."""
    parts, now = tropa.parts.pipeline._parts, tropa._clock.now()
    accountant = tropa.parts.ground.accountant
    (territory,) = (one for one in tropa._current().territories.values() if one.region == "koryak")
    accountant.allowances.count(territory, learner, 1_000_000, now)
    accountant.broken_pages.report(learner, "https://lms.test/page", now)
    accountant.links.delivered(learner, 1_000_000, 2.0, tropa._clock.steady_s())
    accountant.codes.issue(f"{learner} x", {"learner": learner, "url": "https://lms.test/"}, now)
    await parts.originals.grant(learner, f"https://lms.test/{learner}.jpg", now)
    one = a_receipt(learner=learner, bytes_direct=5_000_000, bytes_to_learner=1_000)
    parts.savings.record(one, territory)
    tropa.parts.ground.log.write(one)
    outcome = Replaced(body=b"x" * 9, content_type="image/webp", length_bytes=9)
    await tropa.parts.halves.adapting.store.put("5" * 64, outcome, learner=learner)
    until = now + timedelta(days=1)
    old = UseKey(scope=Scope.LEARNER, holder=learner, period=Period.DAY, start=DAY - timedelta(days=9))
    job = JobRow(id=f"job-{learner}", kind="of-tomorrow", state="open", owner=learner, region="koryak", since=now)
    await tropa.parts.ground.state.reserve([Claim(id=f"c-{learner}", uses=(old,), reserved_bytes=1, drawn_bytes=1)])
    changes = [PutMark(Mark(kind="choice", owner=learner, key="video", until=until, facts={"version": "sound"}))]
    await tropa.parts.ground.state.commit([AddUse(use=old, nbytes=3), PutJob(job), *changes])


EVERYWHERE = {
    *("allowance_now", "allowances_before", "reports_of_broken_pages", "link", "support_codes", "originals"),
    *("variants", "savings", "log", "kept"),
}


async def test_one_learner_is_told_and_forgotten_and_the_others_data_stay(tropa: Tropa, tmp_path: Path) -> None:
    await lives_here(tropa, ANNA)
    await lives_here(tropa, BORIS)
    before = await tropa.parts.personal.export(BORIS)
    told = await tropa.parts.personal.export(ANNA)
    assert set(told) == EVERYWHERE
    assert BORIS not in json.dumps(told)
    erased = await tropa.parts.personal.erase(ANNA)
    assert not erased.failed
    assert erased.total > len(EVERYWHERE)
    assert await tropa.parts.personal.export(ANNA) == {}
    assert (await tropa.parts.personal.erase(ANNA)).total == 0
    assert await tropa.parts.personal.export(BORIS) == before
    await tropa.parts.ground.state.commit([])
    raw = b"".join(path.read_bytes() for path in (tmp_path / "state" / "log").iterdir())
    assert ANNA.encode() not in raw


async def test_what_is_counted_after_an_erasure_counts_from_nothing(tropa: Tropa) -> None:
    await lives_here(tropa, ANNA)
    await tropa.parts.personal.erase(ANNA)
    (territory,) = (one for one in tropa._current().territories.values() if one.region == "koryak")
    allowances = tropa.parts.ground.accountant.allowances
    allowances.count(territory, ANNA, 500, tropa._clock.now())
    (use,) = allowances.usage(territory, ANNA, tropa._clock.now()).allowances
    assert use.used_bytes == 500
    told = await tropa.parts.personal.export(ANNA)
    assert [one["used_bytes"] for one in told["allowance_now"]["counters"]] == [500]
