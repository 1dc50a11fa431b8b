"""Messages: kept before anybody is told, sent once and in order, returned with their text, asked about in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.model import Limits
from proxy.outbox.outbox import OVER_KEPT, Outbox
from proxy.outbox.states import State
from tests.clocks import HandClock
from tests.outbox_course import Fate, Forum, MortalStore, a_visit, an_item, an_outbox

TEXT = "Я попробовала это на уроке, и дети поняли."


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def forum() -> Forum:
    return Forum(sessions={"MoodleSession=a": "t1", "MoodleSession=b": "t2"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MortalStore]:
    store = MortalStore(tmp_path / "outbox.sqlite", Fate())
    yield store
    store.close()


@pytest.fixture
def outbox(store: MortalStore, forum: Forum, clock: HandClock) -> Outbox:
    return an_outbox(store, forum, clock)


def state_of(outbox: Outbox, item_id: str = "m", owner: str = "anna") -> tuple[State, str]:
    item = outbox.find(owner, item_id)
    assert item is not None
    return item.state, item.why


async def test_what_was_kept_goes_once_with_the_token_of_the_session_she_has_now(outbox: Outbox, forum: Forum) -> None:
    assert await outbox.keep(an_item("m", TEXT))
    assert "anna" in outbox.waiting
    await outbox.replay(a_visit())
    await outbox.replay(a_visit())
    assert forum.posts == [("anna", TEXT)]
    assert state_of(outbox) == (State.DONE, "")
    assert "anna" not in outbox.waiting


async def test_a_message_that_is_done_keeps_no_text(outbox: Outbox) -> None:
    await outbox.keep(an_item("m", TEXT))
    await outbox.replay(a_visit())
    done = outbox.find("anna", "m")
    assert done is not None and done.text == "" and done.form.fields == ()


async def test_messages_go_in_the_order_they_were_written(outbox: Outbox, forum: Forum, clock: HandClock) -> None:
    for number in range(3):
        await outbox.keep(an_item(f"m{number}", f"{TEXT} Часть {number}."))
    forum.is_down = True
    await outbox.replay(a_visit())
    assert forum.posts == []
    forum.is_down = False
    await outbox.replay(a_visit())
    assert [text[-2] for _, text in forum.posts] == ["0", "1", "2"]


async def test_a_disk_that_takes_nothing_keeps_nothing_and_sends_nothing(
    outbox: Outbox, store: MortalStore, forum: Forum
) -> None:
    store.is_full = True
    assert not await outbox.keep(an_item("m", TEXT))
    assert outbox.of("anna") == ()
    store.is_full = False
    await outbox.keep(an_item("m", TEXT))
    store.is_full = True
    await outbox.replay(a_visit())
    assert forum.posts == [] and state_of(outbox)[0] is State.ACCEPTED
    store.is_full = False
    await outbox.replay(a_visit())
    assert len(forum.posts) == 1


@pytest.mark.parametrize("lets_guests_read", [False, True])
async def test_without_a_login_it_waits_and_says_so(outbox: Outbox, forum: Forum, lets_guests_read: bool) -> None:
    forum.lets_guests_read = lets_guests_read
    await outbox.keep(an_item("m", TEXT))
    await outbox.replay(a_visit(cookie="MoodleSession=old"))
    assert forum.posts == [] and state_of(outbox) == (State.ACCEPTED, "login")
    await outbox.replay(a_visit())
    assert len(forum.posts) == 1


async def test_nobody_elses_session_sends_or_shows_it(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", TEXT))
    await outbox.replay(a_visit("boris", "MoodleSession=b"))
    assert forum.posts == []
    assert outbox.of("boris") == () and outbox.find("boris", "m") is None
    assert await outbox.cancel("boris", "m") is None and await outbox.again("boris", "m") is None
    assert await outbox.arrived("boris", "m") is None
    assert state_of(outbox)[0] is State.ACCEPTED


async def test_a_closed_or_gone_discussion_returns_it_with_its_text(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", TEXT))
    forum.closed = True
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.FAILED, "closed")
    item = outbox.find("anna", "m")
    assert item is not None and item.text == TEXT
    forum.closed, forum.gone = False, True
    await outbox.again("anna", "m")
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.FAILED, "gone")
    assert forum.posts == []


async def test_a_discussion_that_closes_while_it_is_sent_swallows_nothing(outbox: Outbox, forum: Forum) -> None:
    forum.closes_after_reading = True
    await outbox.keep(an_item("m", TEXT))
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.UNCONFIRMED, "unclear")
    await outbox.replay(a_visit())
    item = outbox.find("anna", "m")
    assert item is not None and item.state is State.QUESTION and item.text == TEXT and forum.posts == []


async def test_the_same_words_already_there_are_a_question(outbox: Outbox, forum: Forum) -> None:
    forum.posts.append(("anna", TEXT))
    await outbox.keep(an_item("m", TEXT))
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.QUESTION, "same-words") and len(forum.posts) == 1
    await outbox.again("anna", "m")
    await outbox.replay(a_visit())
    assert state_of(outbox)[0] is State.DONE and len(forum.posts) == 2


async def test_an_answer_lost_after_the_post_arrived_is_found_on_the_page(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", TEXT))
    forum.answers_lost = 1
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.UNCONFIRMED, "link")
    assert await outbox.cancel("anna", "m") is None  # it may be there: it can't be called back
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.DONE, "found") and len(forum.posts) == 1


async def test_short_words_prove_nothing_and_are_asked_about(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", "Спасибо!"))
    forum.answers_lost = 1
    await outbox.replay(a_visit())
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.QUESTION, "cannot-look") and len(forum.posts) == 1


async def test_a_servers_own_error_is_no_refusal(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", TEXT))
    forum.status = 500
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.UNCONFIRMED, "unclear")
    await outbox.replay(a_visit())
    assert state_of(outbox) == (State.QUESTION, "not-found")
    forum.status = None
    await outbox.look("anna", "m", a_visit())
    assert state_of(outbox) == (State.QUESTION, "not-found")
    await outbox.again("anna", "m")
    await outbox.replay(a_visit())
    assert state_of(outbox)[0] is State.DONE and len(forum.posts) == 1


async def test_she_takes_it_back_while_it_waits(outbox: Outbox, forum: Forum) -> None:
    await outbox.keep(an_item("m", TEXT))
    taken = await outbox.cancel("anna", "m")
    assert taken is not None and taken.text == TEXT
    await outbox.replay(a_visit())
    assert forum.posts == []


async def test_the_same_message_again_is_the_same_message(outbox: Outbox, clock: HandClock) -> None:
    item = an_item("m", TEXT)
    await outbox.keep(item)
    assert outbox.same("anna", item.digest) is not None
    assert outbox.same("boris", item.digest) is None
    await outbox.replay(a_visit())
    assert outbox.same("anna", item.digest) is not None  # sent just now
    clock.moves(hours=2)
    assert outbox.same("anna", item.digest) is None


async def test_time_returns_what_waited_too_long_and_forgets_what_is_over(outbox: Outbox, clock: HandClock) -> None:
    await outbox.keep(an_item("m", TEXT))
    clock.moves(days=31)
    await outbox.sweep()
    assert state_of(outbox) == (State.FAILED, "too-old")
    await outbox.cancel("anna", "m")
    clock.at += OVER_KEPT * 1.1
    await outbox.sweep()
    assert outbox.of("anna") == ()


async def test_one_learners_messages_are_bounded_and_erased(store: MortalStore, forum: Forum, clock: HandClock) -> None:
    outbox = an_outbox(store, forum, clock, limits=Limits(outbox_messages=2))
    await outbox.keep(an_item("m0", TEXT))
    await outbox.keep(an_item("m1", TEXT + " Ещё."))
    await outbox.keep(an_item("b", TEXT, owner="boris"))
    assert outbox.is_full("anna") and not outbox.is_full("boris")
    assert await outbox.forget("anna") == 2 and await outbox.forget("anna") == 0
    again = an_outbox(store, forum, clock)
    await again.start()
    assert again.of("anna") == () and len(again.of("boris")) == 1
