"""With which session a message goes, and when it is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proxy.outbox.outbox import Outbox
from proxy.outbox.visits import Visits
from proxy.tasks import TaskKeeper
from tests.clocks import HandClock
from tests.outbox_course import Fate, Forum, MortalStore, a_visit, an_item, an_outbox

TEXT = "Я попробовала это на уроке, и дети поняли."


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def forum() -> Forum:
    return Forum(sessions={"MoodleSession=a": "t1"})


@pytest.fixture
def outbox(tmp_path: Path, forum: Forum, clock: HandClock) -> Iterator[Outbox]:
    store = MortalStore(tmp_path / "outbox.sqlite", Fate())
    yield an_outbox(store, forum, clock)
    store.close()


@pytest.fixture
async def keeper() -> AsyncIterator[TaskKeeper]:
    keeper = TaskKeeper("test")
    yield keeper
    await keeper.close()


async def test_what_waits_goes_with_the_session_she_came_with_last(
    outbox: Outbox, forum: Forum, clock: HandClock, keeper: TaskKeeper
) -> None:
    visits, visit = Visits(outbox, keeper, clock), a_visit()
    await outbox.keep(an_item("m", TEXT))
    visits.send(visit.learner, visit.origin)
    await keeper.idle()
    assert forum.posts == [], "she wasn't here"
    visits.remember(visit)
    visits.send(visit.learner, visit.origin)
    await keeper.idle()
    assert forum.posts == [(visit.learner, TEXT)]


async def test_a_session_that_is_over_sends_nothing(
    outbox: Outbox, forum: Forum, clock: HandClock, keeper: TaskKeeper
) -> None:
    visits, visit = Visits(outbox, keeper, clock), a_visit()
    await outbox.keep(an_item("m", TEXT))
    visits.remember(visit)
    visits.forget(visit.learner)
    visits.link_is_back(visit.origin)
    await keeper.idle()
    assert forum.posts == []


async def test_an_origin_is_left_alone_for_seconds_unless_its_link_comes_back(
    outbox: Outbox, forum: Forum, clock: HandClock, keeper: TaskKeeper
) -> None:
    visits, visit = Visits(outbox, keeper, clock), a_visit()
    await outbox.keep(an_item("m", TEXT))
    visits.remember(visit)
    forum.is_down = True
    visits.send(visit.learner, visit.origin)
    await keeper.idle()
    forum.is_down = False
    visits.send(visit.learner, visit.origin)
    await keeper.idle()
    assert forum.posts == [], "tried just now"
    visits.link_is_back(visit.origin)
    await keeper.idle()
    assert forum.posts == [(visit.learner, TEXT)]
