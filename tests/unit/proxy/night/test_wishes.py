"""Wishes for the free hours: their states, what outlives the process, what is one learner's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from proxy.account.sqlite import SqliteState
from proxy.account.state import JobRow, PutJob
from proxy.night.wishes import MAX_OF_ONE, OPEN_LIFE, Wanted, Wishes, wish_id
from scheduler.night import MAX_TRIES, Why
from scheduler.requests import RequestState

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
PLACE, URL = "tundra/village", "https://lms.example.org/a.zip"


def wanted(owner: str = "anna", url: str = URL, **more: object) -> Wanted:
    why = Why.QUEUED if owner else Why.FOLLOWED
    told: dict[str, object] = {"title": "a.zip", "what": "asked", "why": why, "since": NOW, "changed": NOW} | more
    return Wanted(id=wish_id(PLACE, url, owner), place=PLACE, url=url, owner=owner, **told)  # type: ignore[arg-type]


async def test_what_was_under_way_waits_again_in_the_next_process(state: SqliteState) -> None:
    wishes = Wishes(state)
    one = await wishes.add(wanted(size_bytes=100), max_open=10)
    assert one is not None
    await wishes.move(one.id, RequestState.FETCHING, NOW, held_bytes=40)
    again = Wishes(state)
    await again.start(NOW)
    found = again.get(one.id)
    assert found is not None and (found.state, found.held_bytes) == (RequestState.WAITING, 40)
    assert found.title == "a.zip" and found.since == NOW


async def test_asking_twice_is_one_wish_and_what_is_over_begins_anew(state: SqliteState) -> None:
    wishes = Wishes(state)
    first = await wishes.add(wanted(), max_open=10)
    assert await wishes.add(wanted(since=NOW + timedelta(hours=1)), max_open=10) == first
    assert first is not None
    await wishes.move(first.id, RequestState.FAILED, NOW, reason="origin-404")
    second = await wishes.add(wanted(since=NOW + timedelta(hours=2)), max_open=10)
    assert second is not None and second.state is RequestState.QUEUED


async def test_a_learner_and_everybody_together_have_a_limit(state: SqliteState) -> None:
    wishes = Wishes(state)
    for number in range(MAX_OF_ONE):
        assert await wishes.add(wanted(url=f"{URL}{number}"), max_open=1000)
    assert await wishes.add(wanted(url=f"{URL}x"), max_open=1000) is None
    assert await wishes.add(wanted("bela"), max_open=MAX_OF_ONE) is None
    assert await wishes.add(wanted(""), max_open=1) is not None, "what is followed has a limit of its own"


async def test_a_learners_address_goes_when_it_can_lead_nowhere(state: SqliteState) -> None:
    wishes = Wishes(state)
    one, followed = await wishes.add(wanted(), max_open=9), await wishes.add(wanted(""), max_open=9)
    assert one is not None and followed is not None
    failed = await wishes.move(one.id, RequestState.FAILED, NOW, reason="origin-404")
    assert failed is not None and failed.url == ""
    ready = await wishes.move(followed.id, RequestState.READY, NOW)
    assert ready is not None and ready.url == URL
    assert await wishes.move(one.id, RequestState.FETCHING, NOW) is None, "what is over stays over"


async def test_a_wish_is_cancelled_by_its_learner_alone(state: SqliteState) -> None:
    wishes = Wishes(state)
    one = await wishes.add(wanted(), max_open=9)
    assert one is not None
    assert not await wishes.cancel(one.id, "bela", NOW)
    assert await wishes.cancel(one.id, "anna", NOW)
    assert not await wishes.cancel(one.id, "anna", NOW)


async def test_what_fails_is_tried_rarer_and_then_given_up_and_a_wait_that_was_asked_for_is_kept(
    state: SqliteState,
) -> None:
    wishes = Wishes(state)
    one = await wishes.add(wanted(""), max_open=9)
    assert one is not None
    polite = await wishes.failed(one.id, NOW, "origin-503", retry_s=7200)
    assert polite is not None and polite.not_before == NOW + timedelta(hours=2)
    for _ in range(MAX_TRIES):
        await wishes.failed(one.id, NOW, "origin-503")
    found = wishes.get(one.id)
    assert found is not None and (found.state, found.reason) == (RequestState.FAILED, "origin-503")


async def test_what_waits_too_long_expires_and_is_forgotten_later(state: SqliteState) -> None:
    wishes = Wishes(state)
    one = await wishes.add(wanted(), max_open=9)
    assert one is not None
    await wishes.expire(NOW + OPEN_LIFE)
    assert [w.state for w in wishes.of("anna")] == [RequestState.EXPIRED]
    await wishes.expire(NOW + OPEN_LIFE + timedelta(days=8))
    assert wishes.of("anna") == ()
    again = Wishes(state)
    await again.start(NOW)
    assert again.of("anna") == ()


async def test_a_learners_wishes_are_told_and_erased_and_nobody_elses(state: SqliteState) -> None:
    wishes = Wishes(state)
    await wishes.add(wanted(), max_open=9)
    await wishes.add(wanted("bela"), max_open=9)
    assert wishes.told("anna")["wishes"][0]["url"] == URL
    assert await wishes.forget("anna") == 1 and await wishes.forget("anna") == 0
    assert wishes.told("anna") == {} and len(wishes.of("bela")) == 1


async def test_a_row_that_makes_no_sense_is_left_out(state: SqliteState) -> None:
    row = JobRow(id="x", kind="night", state="dreaming", owner="", region="tundra", since=NOW, facts={})
    await state.commit([PutJob(row)])
    wishes = Wishes(state)
    await wishes.start(NOW)
    assert wishes.get("x") is None


def test_an_urgent_wish_keeps_the_latest_time() -> None:
    assert replace(wanted(""), urgent_at=NOW).as_wish().urgent_at == NOW
