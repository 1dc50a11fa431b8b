"""Who waits, who leaves, what becomes one, and how long it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from proxy.media import queue as q
from proxy.media.estimate import Paces, left_s
from proxy.media.jobs import Job, Lane, Queue, Slots, Stage, Work
from proxy.media.queue import GRACE
from proxy.media.turns import ahead_s, position, turns
from proxy.transforms.media.spec import CappedSpec, Recipe
from tests.media_desk import START
from tests.property.test_media_queue_laws import a_job, with_jobs

SECOND = timedelta(seconds=1)


def only(queue: Queue) -> Job:
    (job,) = queue.jobs.values()
    return job


def started(queue: Queue, work: Work = Work.MAKE) -> Queue:
    found = q.start_next(queue, work)
    assert found is not None
    return found[0]


def test_who_asks_for_what_is_under_way_joins_it() -> None:
    queue = with_jobs([a_job("x"), a_job("x", region="tigil", learner="boris", lane=Lane.URGENT)])
    assert set(only(queue).watchers) == {"anna", "boris"}
    assert only(queue).lane is Lane.URGENT and only(queue).region == "koryak"


def test_a_full_queue_turns_away_what_is_new_and_lets_join() -> None:
    queue = with_jobs([a_job("x"), a_job("y")], Slots(waiting=2))
    assert q.add(queue, a_job("z")) is None
    assert q.add(queue, a_job("y", learner="boris")) is not None


def test_a_job_is_unwanted_when_its_last_watcher_has_been_gone_for_a_while() -> None:
    queue = with_jobs([a_job("x", watchers={"anna": None, "boris": None})])
    queue = q.leave(queue, "x", "anna", START)
    assert q.unwanted(queue, START + 10 * GRACE) == ()
    queue = q.leave(queue, "x", "boris", START)
    assert q.unwanted(queue, START + GRACE - SECOND) == ()
    assert q.unwanted(queue, START + GRACE) == ("x",)


def test_a_page_that_is_loaded_again_keeps_its_job() -> None:
    queue = q.leave(with_jobs([a_job("x")]), "x", "anna", START)
    again = q.add(queue, a_job("x"))
    assert again is not None
    assert q.unwanted(again, START + 10 * GRACE) == ()


def test_a_page_that_asks_now_and_then_is_waited_for_until_it_said() -> None:
    queue = with_jobs([a_job("x", watchers={"anna": START + 60 * SECOND})])
    assert q.unwanted(queue, START + 59 * SECOND) == ()
    assert q.unwanted(queue, START + 60 * SECOND) == ("x",)


def test_what_is_nearly_done_or_wanted_at_night_goes_on_without_watchers() -> None:
    queue = started(with_jobs([a_job("x", watchers={})]))
    assert q.unwanted(queue, START) == ("x",)
    assert q.unwanted(q.progressed(queue, "x", 0.8), START) == ()
    assert q.unwanted(q.progressed(queue, "x", 0.79), START) == ("x",)
    tonight = with_jobs([a_job("x", watchers={}, scheduled=frozenset(("receipt",)), lane=Lane.SCHEDULED)])
    assert q.unwanted(tonight, START) == ()
    assert q.unwanted(q.unschedule(tonight, "x", "receipt"), START) == ("x",)


def test_progress_never_goes_back() -> None:
    queue = started(with_jobs([a_job("x")]))
    assert only(q.progressed(q.progressed(queue, "x", 0.5), "x", 0.4)).done == 0.5


def test_two_addresses_of_one_content_become_one_job() -> None:
    one, other = a_job("a", stage=Stage.QUEUED), a_job("b", learner="boris", stage=Stage.QUEUED)
    queue = started(started(with_jobs([one, other]), Work.FETCH), Work.FETCH)
    queue = q.arrived(queue, "a", "content")
    assert queue.jobs["content"].stage is Stage.WAITING
    queue = q.arrived(queue, "b", "content")
    assert only(queue).names == {"name-a", "name-b"}
    assert set(only(queue).watchers) == {"anna", "boris"}


@pytest.mark.parametrize("first", ["a", "b"])
def test_the_one_that_is_at_work_goes_on_when_two_become_one(first: str) -> None:
    queue = with_jobs([a_job("a"), a_job("b", learner="boris", stage=Stage.FETCHING)])
    queue = started(queue)
    assert queue.jobs["a"].stage is Stage.MAKING
    order = ("a", "b") if first == "a" else ("b", "a")
    for key in order:
        queue = q.arrived(queue, key, "content")
    assert only(queue).stage is Stage.MAKING
    assert only(queue).names == {"name-a", "name-b"}


def test_another_attempt_waits_again_and_is_counted() -> None:
    queue = started(with_jobs([a_job("x")]))
    queue = q.again(queue, "x", Recipe.CAPPED, CappedSpec(max_height_px=144), counts=True)
    assert (only(queue).stage, only(queue).attempt, only(queue).recipe) == (Stage.WAITING, 1, Recipe.CAPPED)
    assert only(q.again(queue, "x", Recipe.CAPPED, CappedSpec(), counts=False)).attempt == 1


def test_sources_on_their_way_have_slots_of_their_own() -> None:
    queue = with_jobs([a_job(str(n), stage=Stage.QUEUED) for n in range(5)], Slots(fetch=2, make=1))
    queue = started(started(queue, Work.FETCH), Work.FETCH)
    assert q.start_next(queue, Work.FETCH) is None
    assert q.start_next(queue, Work.MAKE) is None
    assert q.start_next(q.can_begin(queue, "0"), Work.MAKE) is not None


def test_what_stands_before_a_job_is_told_only_where_it_was_measured() -> None:
    queue = started(with_jobs([a_job(str(n)) for n in range(3)]))
    assert ahead_s(queue, "0") == 0.0
    assert ahead_s(queue, "1") == 10.0
    assert ahead_s(q.progressed(queue, "0", 0.5), "2") == 15.0
    unknown = replace(queue, jobs={**queue.jobs, "1": replace(queue.jobs["1"], measured=False)})
    assert ahead_s(unknown, "2") is None
    assert ahead_s(unknown, "1") == 10.0
    assert ahead_s(queue, "none") is None and position(queue, "none") is None


def test_work_that_took_longer_than_thought_is_owed() -> None:
    jobs = [a_job("k1"), a_job("k2"), a_job("t1", region="tigil"), a_job("t2", region="tigil")]
    queue = started(with_jobs(jobs))
    queue = q.drop(queue, "k1", got_s=500.0)
    assert [job.key for job in turns(queue, Work.MAKE)] == ["t1", "t2", "k2"]


def test_an_empty_queue_owes_nobody_anything() -> None:
    queue = q.drop(started(with_jobs([a_job("x")])), "x", got_s=10.0)
    assert queue.served == {} and len(queue) == 0


def test_paces_are_learned_from_finished_jobs_and_nothing_is_guessed() -> None:
    paces = Paces()
    assert paces.estimate_s(Recipe.AUDIO, media_s=60.0, source_bytes=1000) is None
    paces = paces.with_job(Recipe.AUDIO, took_s=2.0, media_s=100.0, source_bytes=10_000_000)
    assert paces.estimate_s(Recipe.AUDIO, media_s=600.0, source_bytes=None) == pytest.approx(12.0)
    assert paces.estimate_s(Recipe.AUDIO, media_s=None, source_bytes=50_000_000) == pytest.approx(10.0)
    assert paces.estimate_s(Recipe.CAPPED, media_s=600.0, source_bytes=None) is None
    slower = paces.with_job(Recipe.AUDIO, took_s=4.0, media_s=100.0, source_bytes=10_000_000)
    assert slower.estimate_s(Recipe.AUDIO, media_s=100.0, source_bytes=None) == pytest.approx(2.4)


def test_a_job_at_work_is_judged_by_its_own_progress() -> None:
    assert left_s(done=0.0, running_s=5.0, estimate_s=None) is None
    assert left_s(done=0.01, running_s=5.0, estimate_s=20.0) == 15.0
    assert left_s(done=0.5, running_s=10.0, estimate_s=1.0) == 10.0
    assert left_s(done=0.0, running_s=50.0, estimate_s=20.0) == 0.0
