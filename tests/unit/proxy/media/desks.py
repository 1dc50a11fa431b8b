"""A desk over fakes, that can be closed and opened again over one folder."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

from proxy.account.sqlite import SqliteState
from proxy.media.desk import Desk
from proxy.media.jobs import Slots
from proxy.media.refs import Fetch, SourceRef
from proxy.media.sources import Sources
from proxy.media.store import MediaStore
from proxy.media.views import JobView, Order, Runner, Watcher
from proxy.transforms.media.spec import CappedSpec, HlsSpec, MediaSpec, PdfSpec, Recipe, SlidecastSpec, SoundSpec
from tests.clocks import HandClock
from tests.media_desk import START, FakeOrigin, FakeRunner, Pauses

BODY = random.Random(5).randbytes(400_000)
SPECS: dict[Recipe, MediaSpec] = {
    Recipe.AUDIO: SoundSpec(),
    Recipe.CAPPED: CappedSpec(),
    Recipe.SLIDECAST: SlidecastSpec(),
    Recipe.PDF: PdfSpec(),
    Recipe.HLS: HlsSpec(),
}


def an_order(origin: FakeOrigin, recipe: Recipe = Recipe.AUDIO, *, learner: str = "anna", **more: object) -> Order:
    source = more.pop("source", None) or origin.ref(learner=learner)
    values: dict[str, object] = {
        "source": source,
        "recipe": recipe,
        "version": 1,
        "spec": SPECS[recipe],
        "region": "koryak",
        "title": "Лекция 3.mp4",
        "fetch": origin.fetch,
    }
    return Order(**{**values, **more})  # type: ignore[arg-type]


def a_watcher(learner: str = "anna", stays_s: float | None = None) -> Watcher:
    return Watcher(learner=learner, id="page", stays=None if stays_s is None else timedelta(seconds=stays_s))


class Office:
    """real: runs the recipes in place of the fake runner, for tests that have a tool."""

    def __init__(self, folder: Path, *, slots: Slots | None = None, real: Runner | None = None) -> None:
        self.folder = folder
        self.clock = HandClock(START)
        self.runner = FakeRunner(self.clock, takes_s=10.0)
        self.real = real
        self.slots = slots or Slots(make=1)
        self.refetch: Callable[[SourceRef], Fetch | None] = lambda ref: None
        self.max_source_bytes = 5_000_000

    async def open(self) -> Office:
        self.state = SqliteState(self.folder / "tropa.db")
        await self.state.start()
        clock = self.clock
        self.sources = Sources(
            self.folder / "sources",
            max_bytes=50_000_000,
            max_source_bytes=self.max_source_bytes,
            clock=clock,
            pause=Pauses(),
        )
        self.store = MediaStore(self.folder / "media", max_bytes=20_000_000, clock=clock)
        self.desk = Desk(
            sources=self.sources,
            store=self.store,
            runner=self.real or self.runner,
            state=self.state,
            clock=clock,
            slots=self.slots,
            refetch=self.refetch,
        )
        await self.desk.start()
        return self

    async def close(self) -> None:
        await self.desk.close()
        await self.state.close()

    async def reopened(self) -> Office:
        await self.close()
        return await self.open()

    def allow(self, order: Order, learner: str = "anna") -> None:
        self.desk.authorised.note(learner, order.source.key, 200, self.clock.now())

    async def made(self, order: Order, learner: str = "anna") -> JobView | None:
        """Ask and wait until it has ended."""
        self.allow(order, learner)
        ticket = await self.desk.ask(order, a_watcher(learner))
        return await self.ended(ticket.key) if ticket.view.is_open else ticket.view

    async def ended(self, key: str) -> JobView | None:
        async with asyncio.timeout(20):
            views = [view async for view in self.desk.watch(key)]
            return views[-1] if views else None


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.005)


async def view_of(office: Office, key: str) -> JobView:
    view = await office.desk.view(key)
    assert view is not None
    return view


async def read_whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])
