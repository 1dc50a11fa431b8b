"""A process that is killed at every step of its work: no message is lost, none is posted twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

from proxy.outbox.outbox import Outbox
from proxy.outbox.states import OVER, State
from tests.clocks import HandClock
from tests.outbox_course import Died, Fate, Forum, MortalStore, a_visit, an_item, an_outbox

KILLS = 1000
_MESSAGES_A_LIFE = 2
_FEW = 40  # messages of one story: then a new forum begins, so that its page stays small


class Story:
    """One learner over many lives of one installation."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.path, self.chance, self.clock = folder / "outbox.sqlite", chance, HandClock()
        self.forum = Forum(sessions={"MoodleSession=a": "t0"}, chance=chance)
        self.wrote: list[str] = []
        self.told: set[str] = set()  # what she was told is kept

    async def life(self, fate: Fate) -> None:
        """Start, write, send, decide, until the process dies."""
        self.forum.fate = fate
        store = MortalStore(self.path, fate)
        try:
            outbox = an_outbox(store, self.forum, self.clock)
            await outbox.start()
            for _ in range(_MESSAGES_A_LIFE):
                await self._write(outbox)
                await outbox.replay(a_visit())
            await self._decide(outbox)
            await outbox.replay(a_visit())
        finally:
            store.close()

    async def _write(self, outbox: Outbox) -> None:
        number = len(self.wrote)
        text = f"Сообщение под номером {number:04d}, написанное без связи."
        self.wrote.append(text)
        self.clock.moves(seconds=1)
        if await outbox.keep(an_item(f"m{number}", text, at=self.clock.now())):
            self.told.add(text)

    async def _decide(self, outbox: Outbox) -> None:
        """She looks at the forum and answers what she is asked, rightly."""
        for item in outbox.of("anna"):
            if item.state is State.QUESTION:
                there = any(text == item.text for _, text in self.forum.posts)
                await (outbox.arrived("anna", item.id) if there else outbox.again("anna", item.id))

    async def end(self) -> None:
        """A quiet life, in which everything that is open comes to its end."""
        self.forum.chance = None
        self.forum.fate = Fate()
        store = MortalStore(self.path, Fate())
        outbox = an_outbox(store, self.forum, self.clock)
        await outbox.start()
        for _ in range(4):
            await outbox.replay(a_visit())
            await self._decide(outbox)
        open_ones = [item for item in outbox.of("anna") if item.state not in OVER]
        store.close()
        assert open_ones == []

    def judge(self) -> None:
        posted = [text for _, text in self.forum.posts]
        assert len(posted) == len(set(posted)), "posted twice"
        assert self.told <= set(posted), "lost"
        assert set(posted) <= set(self.wrote)
        assert {owner for owner, _ in self.forum.posts} <= {"anna"}


async def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261128)
    kills = stories = 0
    while kills < KILLS:
        folder = tmp_path / str(stories)
        folder.mkdir()
        story, stories = Story(folder, chance), stories + 1
        while kills < KILLS and len(story.wrote) < _FEW:
            with contextlib.suppress(Died):
                await story.life(Fate(chance.randrange(1, 30)))
                continue
            kills += 1
        await story.end()
        story.judge()
        await asyncio.sleep(0)
    assert kills == KILLS


async def test_a_kill_at_each_step_of_one_sending_ends_in_one_post_or_a_question(tmp_path: Path) -> None:
    for steps in range(12):
        folder = tmp_path / str(steps)
        folder.mkdir()
        story = Story(folder, random.Random(0))
        story.forum.chance = None
        store = MortalStore(story.path, Fate())
        await an_outbox(store, story.forum, story.clock).keep(an_item("m", "Одно сообщение, один раз."))
        store.close()
        story.told.add("Одно сообщение, один раз.")
        story.wrote.append("Одно сообщение, один раз.")
        fate = Fate(steps)
        story.forum.fate = fate
        store = MortalStore(story.path, fate)
        outbox = an_outbox(store, story.forum, story.clock)
        with contextlib.suppress(Died):
            await outbox.start()
            await outbox.replay(a_visit())
        store.close()
        await story.end()
        story.judge()
