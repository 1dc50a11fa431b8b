"""Whatever learners do, and whenever the process ends: sources and media are made once, and nothing half made stays."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from proxy.exchange import Refused
from proxy.media.jobs import Slots
from proxy.media.views import Order, State, Watcher
from proxy.transforms.media.spec import Recipe
from tests.media_desk import FakeOrigin
from tests.unit.proxy.media.desks import Office, an_order

LEARNERS = [f"learner-{n}" for n in range(8)]
INDEX_FIRST = (16).to_bytes(4) + b"ftypisom" + bytes(4) + (16).to_bytes(4) + b"moov" + bytes(8)
INDEX_FIRST += (400_008).to_bytes(4) + b"mdat"
RECIPES = (Recipe.AUDIO, Recipe.CAPPED, Recipe.SLIDECAST)


class Day:
    """A random day at the desk; the same seed gives the same asks."""

    def __init__(self, folder: Path, seed: int, *, head: bytes = b"", lag_s: float = 0.0) -> None:
        self.chance = random.Random(seed)
        self.office = Office(folder, slots=Slots(make=2, fetch=2, waiting=20))
        # two addresses share each content
        bodies = [head + self.chance.randbytes(400_000) for _ in range(3)]
        self.origins = [
            FakeOrigin(
                bodies[n % 3], etag=f'"{n:040x}"', cuts=[self.chance.randrange(1000, 390_000)], chunk_s=lag_s / 4
            )
            for n in range(6)
        ]
        self.office.runner.lag_s = lag_s
        self.office.refetch = lambda ref: self.origins[int(ref.etag.strip('"'), 16)].fetch

    def order(self) -> Order:
        origin = self.chance.choice(self.origins)
        learner = self.chance.choice(LEARNERS)
        source = origin.ref(private=False, learner=learner, url=f"https://x/{self.origins.index(origin)}.mp4")
        order = an_order(origin, self.chance.choice(RECIPES), source=source, region=self.chance.choice("ab"))
        self.office.allow(order, learner)
        return order

    async def step(self) -> None:
        office, desk = self.office, self.office.desk
        order = self.order()
        watcher = Watcher(learner=order.source.learner, id="page")
        match self.chance.randrange(10):
            case 0:
                await office.reopened()
            case 1:
                desk.leave(order.key, watcher)
            case 2:
                office.clock.moves(31)
                desk.tick(office.clock.now())
            case 3:
                await desk.defer(order, order.source.learner)
            case 4:
                office.runner.outcomes.append(self.chance.choice([Refused(why="killed"), None, None]))
            case _:
                await desk.ask(order, watcher)
        await asyncio.sleep(self.chance.random() * 0.01)


@pytest.mark.parametrize("seed", range(6))
async def test_a_days_chances_end_with_every_medium_whole_and_once(tmp_path: Path, seed: int) -> None:
    day = Day(tmp_path, seed, head=INDEX_FIRST, lag_s=0.02)
    office = await day.office.open()
    for _ in range(80):
        await day.step()
    office.runner.outcomes.clear()
    office.clock.moves(24 * 3600 + 1)
    wanted = [day.order() for _ in range(40)]
    watchers = [Watcher(learner=order.source.learner, id="last") for order in wanted]
    views = [(await office.desk.ask(order, watcher)).view for order, watcher in zip(wanted, watchers, strict=True)]
    async with asyncio.timeout(30):
        while any(view.is_open or view.state is State.FULL for view in views):
            await asyncio.sleep(0.01)
            views = [(await office.desk.ask(order, who)).view for order, who in zip(wanted, watchers, strict=True)]
    for order, view in zip(wanted, views, strict=True):
        assert view.state is State.READY, (view, order.recipe)
        office.allow(order, order.source.learner)
        media = await office.desk.ready(order.key, learner=order.source.learner)
        assert media is not None and await office.store.is_sound(media)
    stats = office.desk.stats()
    assert stats.running == stats.queued == stats.fetching == 0
    assert not office.sources._holds and not office.desk._board.entries
    await office.close()
    assert list((tmp_path / "media" / "work").iterdir()) == []


async def test_what_is_asked_for_by_all_at_once_is_made_once_each(tmp_path: Path) -> None:
    day = Day(tmp_path, 99)
    office = await day.office.open()
    orders = [day.order() for _ in range(120)]
    await asyncio.gather(*(office.made(order, order.source.learner) for order in orders))
    made = Counter((ran.source[:16], ran.recipe) for ran in office.runner.ran)
    assert max(made.values()) == 1
    asked = Counter(request[0] for origin in day.origins for request in origin.requests)
    assert asked[0] <= len(day.origins)
    await office.close()
