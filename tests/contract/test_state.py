"""What every backend of accounting's State promises. A new backend adds one line to BACKENDS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.model import Period
from policies.values import Scope
from proxy.account.sqlite import SqliteState
from proxy.account.state import (
    AddSums,
    AddUse,
    Claim,
    ClaimQuery,
    DropClaim,
    DropJob,
    DropMarks,
    DropUse,
    JobQuery,
    JobRow,
    LedgerKey,
    LedgerQuery,
    Mark,
    MarkQuery,
    PutJob,
    PutMark,
    PutRolled,
    RolledQuery,
    Span,
    State,
    Sums,
    Sweep,
    UseKey,
    UseQuery,
)

Opener = Callable[[Path], State]
BACKENDS: dict[str, Opener] = {"sqlite": lambda folder: SqliteState(folder / "state.sqlite3")}

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = LedgerKey(hour=NOW, region="koryak", site="tigil", origin="lms", traffic_class="lesson", kind="image")
SUMS = Sums(exchanges=1, bytes_from_origin=10, bytes_to_learner=4, metered_bytes=5, bytes_direct=10, cost_nano=2_000)
USE = UseKey(scope=Scope.SITE, holder="koryak/tigil", period=Period.DAY, start=NOW)
CLAIM = Claim(id="run-1", uses=(USE, replace(USE, scope=Scope.REGION)), reserved_bytes=262_144, drawn_bytes=1000)
MARK = Mark(kind="code", owner="", key="K7Q-4M2", until=NOW + timedelta(days=7), facts={"где": "Тигиль", "n": [1]})

JOB = JobRow(
    id="job-1",
    kind="media",
    state="queued",
    owner="anna",
    region="koryak",
    since=NOW,
    facts={"название": "Лекция 3.mp4", "spec": {"bitrate_bps": 16_000}, "watchers": []},
)


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS)
def opener(request: pytest.FixtureRequest) -> Opener:
    return request.param


@pytest.fixture
async def state(opener: Opener, tmp_path: Path) -> AsyncIterator[State]:
    opened = opener(tmp_path)
    await opened.start()
    yield opened
    await opened.close()


async def reopened(opener: Opener, state: State, folder: Path) -> State:
    await state.close()
    fresh = opener(folder)
    await fresh.start()
    return fresh


async def test_sums_of_one_hour_add_up(state: State) -> None:
    await state.commit([AddSums(key=HOUR, sums=SUMS), AddSums(key=HOUR, sums=SUMS)])
    await state.commit([AddSums(key=HOUR, sums=SUMS)])
    (line,) = await state.list(LedgerQuery())
    assert line == AddSums(key=HOUR, sums=SUMS + SUMS + SUMS)


@pytest.mark.parametrize(
    "other",
    [
        replace(HOUR, hour=NOW + timedelta(hours=1)),
        replace(HOUR, region="x"),
        replace(HOUR, site=""),
        replace(HOUR, origin="x"),
        replace(HOUR, traffic_class="x"),
        replace(HOUR, kind="x"),
        replace(HOUR, currency="USD"),
    ],
)
async def test_lines_that_differ_in_anything_stay_apart(state: State, other: LedgerKey) -> None:
    await state.commit([AddSums(key=HOUR, sums=SUMS), AddSums(key=other, sums=SUMS)])
    assert {line.key for line in await state.list(LedgerQuery())} == {HOUR, other}


async def test_a_ledger_query_takes_its_first_hour_and_not_its_last(state: State) -> None:
    hours = [NOW + timedelta(hours=n) for n in range(4)]
    await state.commit([AddSums(key=replace(HOUR, hour=hour), sums=SUMS) for hour in hours])
    found = await state.list(LedgerQuery(since=hours[1], until=hours[3]))
    assert [line.key.hour for line in found] == hours[1:3]


async def test_use_adds_up_and_a_correction_never_takes_it_below_nothing(state: State) -> None:
    await state.commit([AddUse(use=USE, nbytes=100), AddUse(use=USE, nbytes=50)])
    assert await state.list(UseQuery()) == (AddUse(use=USE, nbytes=150),)
    await state.commit([AddUse(use=USE, nbytes=-1000)])
    assert await state.list(UseQuery()) == (AddUse(use=USE, nbytes=0),)


async def test_a_day_and_a_month_that_begin_together_are_two_counters(state: State) -> None:
    month = replace(USE, period=Period.MONTH)
    await state.commit([AddUse(use=USE, nbytes=1), AddUse(use=month, nbytes=2)])
    assert {(line.use, line.nbytes) for line in await state.list(UseQuery())} == {(USE, 1), (month, 2)}


async def test_a_forgotten_counter_is_gone_and_what_is_counted_afterwards_counts_from_nothing(state: State) -> None:
    hers = replace(USE, scope=Scope.LEARNER, holder="anna")
    other = replace(hers, holder="boris")
    await state.commit([AddUse(use=hers, nbytes=5), AddUse(use=other, nbytes=7)])
    await state.commit([AddUse(use=hers, nbytes=5), DropUse(hers)])
    assert await state.list(UseQuery()) == (AddUse(use=other, nbytes=7),)
    await state.commit([DropUse(hers), AddUse(use=hers, nbytes=2)])
    assert await state.list(UseQuery(holder="anna")) == (AddUse(use=hers, nbytes=2),)


async def test_all_marks_and_jobs_of_one_owner_are_found_whatever_their_kind(state: State) -> None:
    grant, choice = replace(MARK, kind="grant", owner="anna"), replace(MARK, kind="choice", owner="anna")
    asked, hers = replace(JOB, id="x", kind="deferred"), replace(JOB, id="y", owner="boris")
    await state.commit([*map(PutMark, (MARK, grant, choice)), *map(PutJob, (JOB, asked, hers))])
    found = await state.list(MarkQuery(kind=None, now=NOW, owner="anna"))
    assert {mark.kind for mark in found} == {"grant", "choice"}
    assert {job.id for job in await state.list(JobQuery(kind=None, owner="anna"))} == {JOB.id, "x"}


async def test_uses_are_listed_from_an_instant_on(state: State) -> None:
    await state.commit([AddUse(use=USE, nbytes=1), AddUse(use=replace(USE, start=NOW - timedelta(days=1)), nbytes=2)])
    assert await state.list(UseQuery(since=NOW)) == (AddUse(use=USE, nbytes=1),)


async def test_a_mark_is_read_back_whole_until_its_end(state: State) -> None:
    await state.commit([PutMark(MARK)])
    assert await state.read("code", "", MARK.key, now=NOW) == MARK
    assert await state.read("code", "", MARK.key, now=MARK.until) is None
    assert await state.read("code", "", "ABC-DEF", now=NOW) is None


async def test_the_last_word_on_a_mark_holds(state: State) -> None:
    later = replace(MARK, facts={"n": 2})
    await state.commit([PutMark(MARK), PutMark(later)])
    assert await state.list(MarkQuery(kind="code", now=NOW)) == (later,)


async def test_marks_are_dropped_one_by_one_or_by_owner_and_never_anothers(state: State) -> None:
    mine = [replace(MARK, owner="me", key=key) for key in "abc"]
    hers = replace(MARK, owner="her", key="a")
    other = replace(MARK, kind="grant", owner="me", key="a")
    await state.commit([PutMark(mark) for mark in (*mine, hers, other)])
    await state.commit([DropMarks(kind="code", owner="me", key="a")])
    assert {mark.key for mark in await state.list(MarkQuery(kind="code", now=NOW, owner="me"))} == {"b", "c"}
    await state.commit([DropMarks(kind="code", owner="me")])
    assert await state.list(MarkQuery(kind="code", now=NOW)) == (hers,)
    assert await state.list(MarkQuery(kind="grant", now=NOW)) == (other,)


async def test_drop_and_put_in_one_commit_keep_their_order(state: State) -> None:
    await state.commit([PutMark(MARK), DropMarks(kind="code", owner="")])
    assert await state.list(MarkQuery(kind="code", now=NOW)) == ()
    await state.commit([DropMarks(kind="code", owner=""), PutMark(MARK)])
    assert await state.list(MarkQuery(kind="code", now=NOW)) == (MARK,)


async def test_a_claim_stands_in_the_journal_with_its_latest_draw_until_it_is_dropped(state: State) -> None:
    drawn = replace(CLAIM, drawn_bytes=2000)
    await state.reserve([CLAIM])
    await state.reserve([drawn])
    assert await state.list(ClaimQuery()) == (drawn,)
    await state.commit([AddUse(use=USE, nbytes=2500), DropClaim(CLAIM.id)])
    assert await state.list(ClaimQuery()) == ()


async def test_a_job_is_listed_whole_until_it_is_dropped(state: State) -> None:
    await state.commit([PutJob(JOB)])
    assert await state.list(JobQuery(kind="media")) == (JOB,)
    await state.commit([DropJob(JOB.id), DropJob("never-there")])
    assert await state.list(JobQuery(kind="media")) == ()


async def test_the_last_word_on_a_job_holds(state: State) -> None:
    making = replace(JOB, state="making", until=NOW + timedelta(days=7), facts={})
    await state.commit([PutJob(JOB), PutJob(making)])
    assert await state.list(JobQuery(kind="media")) == (making,)
    await state.commit([DropJob(JOB.id), PutJob(JOB)])
    assert await state.list(JobQuery(kind="media")) == (JOB,)


async def test_jobs_are_listed_by_kind_and_owner_the_earliest_first(state: State) -> None:
    late = replace(JOB, id="a", since=NOW + timedelta(hours=1))
    hers = replace(JOB, id="b", owner="boris")
    deferred = replace(JOB, id="c", kind="deferred")
    await state.commit([PutJob(job) for job in (late, JOB, hers, deferred)])
    assert await state.list(JobQuery(kind="media", owner="anna")) == (JOB, late)
    assert await state.list(JobQuery(kind="media")) == (hers, JOB, late)
    assert await state.list(JobQuery(kind="deferred")) == (deferred,)


async def test_a_sweep_forgets_jobs_that_ended_and_no_others(state: State) -> None:
    ended = replace(JOB, id="ended", until=NOW)
    lasting = replace(JOB, id="lasting", until=NOW + timedelta(seconds=1))
    await state.commit([PutJob(JOB), PutJob(ended), PutJob(lasting)])
    await state.commit([Sweep(marks_until=NOW)])
    assert {job.id for job in await state.list(JobQuery(kind="media"))} == {JOB.id, "lasting"}


async def test_a_sweep_forgets_what_is_over_and_nothing_else(state: State) -> None:
    old = NOW - timedelta(days=1)
    await state.commit(
        [
            PutMark(replace(MARK, key="old", until=NOW)),
            PutMark(MARK),
            AddUse(use=replace(USE, start=old), nbytes=1),
            AddUse(use=USE, nbytes=1),
            AddSums(key=replace(HOUR, hour=old), sums=SUMS),
            AddSums(key=HOUR, sums=SUMS),
        ]
    )
    await state.commit([Sweep(marks_until=NOW, uses_before=NOW, ledger_before=NOW)])
    assert [mark.key for mark in await state.list(MarkQuery(kind="code", now=old))] == [MARK.key]
    assert [line.use.start for line in await state.list(UseQuery())] == [NOW]
    assert [line.key.hour for line in await state.list(LedgerQuery())] == [NOW]


async def test_a_span_rolled_up_again_is_replaced_and_days_are_no_weeks(state: State) -> None:
    day = PutRolled(span=Span.DAY, key=HOUR, sums=SUMS)
    again, other = replace(day, sums=SUMS + SUMS), replace(day, key=replace(HOUR, hour=NOW + timedelta(days=1)))
    week = replace(day, span=Span.WEEK)
    await state.commit([day, week])
    await state.commit([again, other])
    assert await state.list(RolledQuery(span=Span.DAY)) == (again, other)
    assert await state.list(RolledQuery(span=Span.WEEK, since=NOW, until=NOW + timedelta(days=1))) == (week,)
    assert await state.list(RolledQuery(span=Span.WEEK, until=NOW)) == ()
    await state.commit([Sweep(marks_until=NOW, days_before=NOW + timedelta(days=1), weeks_before=NOW)])
    assert await state.list(RolledQuery(span=Span.DAY)) == (other,)
    assert await state.list(RolledQuery(span=Span.WEEK)) == (week,)


async def test_everything_survives_a_restart(opener: Opener, state: State, tmp_path: Path) -> None:
    await state.reserve([CLAIM])
    await state.commit([AddSums(key=HOUR, sums=SUMS), AddUse(use=USE, nbytes=7), PutMark(MARK), PutJob(JOB)])
    fresh = await reopened(opener, state, tmp_path)
    assert await fresh.list(ClaimQuery()) == (CLAIM,)
    assert await fresh.list(LedgerQuery()) == (AddSums(key=HOUR, sums=SUMS),)
    assert await fresh.list(UseQuery()) == (AddUse(use=USE, nbytes=7),)
    assert await fresh.read("code", "", MARK.key, now=NOW) == MARK
    assert await fresh.list(JobQuery(kind="media")) == (JOB,)
    await fresh.close()


async def test_a_healthy_state_has_no_trouble(state: State) -> None:
    await state.commit([PutMark(MARK)])
    assert (state.health.trouble, state.health.unsaved, state.health.lost) == (None, 0, 0)


async def test_closing_twice_is_harmless(state: State) -> None:
    await state.close()
    await state.close()
