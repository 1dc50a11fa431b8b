"""Whatever is asked, in whatever order: no job is lost, none runs twice, nobody starves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from proxy.media import queue as q
from proxy.media.jobs import Job, Lane, Queue, Slots, Stage, Work
from proxy.media.turns import position
from proxy.transforms.media.spec import Recipe, SoundSpec
from tests.media_desk import START

REGIONS = ("koryak", "tigil", "chukotka")
LEARNERS = ("anna", "boris", "vera")


def a_job(key: str, region: str = "koryak", learner: str = "anna", **more: object) -> Job:
    values: dict[str, object] = {
        "key": key,
        "names": frozenset((f"name-{key}",)),
        "source": key,
        "recipe": Recipe.AUDIO,
        "spec": SoundSpec(),
        "region": region,
        "learner": learner,
        "watchers": {learner: None},
        "stage": Stage.WAITING,
        "cost_s": 10.0,
        "measured": True,
    }
    return Job(**{**values, **more})  # type: ignore[arg-type]


def with_jobs(jobs: list[Job], slots: Slots | None = None) -> Queue:
    queue = Queue(slots=slots or Slots(make=1, waiting=10_000))
    for job in jobs:
        added = q.add(queue, job)
        assert added is not None
        queue = added
    return queue


def served_order(queue: Queue) -> list[Job]:
    """Everything made one after the other."""
    order: list[Job] = []
    while (started := q.start_next(queue, Work.MAKE)) is not None:
        queue, job = started
        order.append(job)
        queue = q.drop(queue, job.key, got_s=job.cost_s)
    return order


def test_fifty_learners_of_one_region_do_not_starve_another() -> None:
    crowd = [a_job(f"k{n}", learner=f"learner-{n}") for n in range(50)]
    others = [a_job(f"t{n}", region="tigil", learner="galina") for n in range(5)]
    order = [job.region for job in served_order(with_jobs([*crowd, *others]))]
    assert order[:10] == ["koryak", "tigil"] * 5


def test_one_learner_with_fifty_jobs_does_not_starve_her_neighbour() -> None:
    crowd = [a_job(f"a{n}") for n in range(50)]
    order = [job.learner for job in served_order(with_jobs([*crowd, a_job("b", learner="boris")]))]
    assert order.index("boris") == 1


def test_a_region_that_comes_late_to_a_long_queue_is_next_but_one() -> None:
    queue = with_jobs([a_job(f"k{n}", learner=f"learner-{n}") for n in range(50)])
    for _ in range(20):
        started = q.start_next(queue, Work.MAKE)
        assert started is not None
        queue = q.drop(started[0], started[1].key, got_s=10.0)
    added = q.add(queue, a_job("late", region="tigil"))
    assert added is not None
    assert [job.key for job in served_order(added)].index("late") <= 1


def test_a_region_with_long_jobs_gets_no_more_time_than_one_with_short_ones() -> None:
    long = [a_job(f"l{n}", region="koryak", learner=f"k{n}", cost_s=100.0) for n in range(10)]
    short = [a_job(f"s{n}", region="tigil", learner=f"t{n}", cost_s=10.0) for n in range(100)]
    got: Counter[str] = Counter()
    for job in served_order(with_jobs([*long, *short]))[:-20]:
        got[job.region] += int(job.cost_s)
        assert abs(got["koryak"] - got["tigil"]) <= 100


@given(st.lists(st.tuples(st.sampled_from(REGIONS), st.sampled_from(LEARNERS), st.integers(1, 50)), max_size=60))
def test_regions_that_wait_get_the_same_work_within_one_job(asked: list[tuple[str, str, int]]) -> None:
    jobs = [
        a_job(str(n), region=region, learner=learner, cost_s=float(cost))
        for n, (region, learner, cost) in enumerate(asked)
    ]
    left = Counter(job.region for job in jobs)
    got: Counter[str] = Counter()
    order = served_order(with_jobs(jobs))
    assert Counter(job.key for job in order) == Counter(job.key for job in jobs)
    most = max((job.cost_s for job in jobs), default=0)
    for job in order:
        got[job.region] += int(job.cost_s)
        left[job.region] -= 1
        waiting = [region for region in REGIONS if left[region]]
        assert all(abs(got[one] - got[other]) <= most for one in waiting for other in waiting)


@given(st.permutations([Lane.URGENT] * 3 + [Lane.INTERACTIVE] * 4 + [Lane.SCHEDULED] * 3))
def test_urgent_goes_before_interactive_and_scheduled_goes_last(lanes: list[Lane]) -> None:
    order = served_order(with_jobs([a_job(str(n), lane=lane) for n, lane in enumerate(lanes)]))
    assert [job.lane for job in order] == sorted(lanes)


def test_the_told_position_is_the_order_in_which_they_are_made() -> None:
    jobs = [a_job(f"{n}", region=REGIONS[n % 3], learner=LEARNERS[n % 2], cost_s=n + 1.0) for n in range(30)]
    queue = with_jobs(jobs)
    places = {job.key: position(queue, job.key) for job in jobs}
    assert [places[job.key] for job in served_order(queue)] == list(range(30))


def test_a_segment_gets_a_slot_of_its_own_and_no_more() -> None:
    queue = with_jobs([a_job("film"), a_job("other")], Slots(make=1, urgent=1))
    for key in ("s1", "s2"):
        added = q.add(queue, a_job(key, lane=Lane.URGENT))
        assert added is not None
        queue = added
    keys = []
    while (started := q.start_next(queue, Work.MAKE)) is not None:
        queue, job = started
        keys.append(job.key)
    assert keys == ["s1", "s2"]
    assert len(queue.at(Stage.MAKING)) == 2


class Desk(RuleBasedStateMachine):
    """A desk that forgets nothing, beside the queue."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(slots=Slots(make=2, urgent=1, fetch=2, waiting=12))
        self.now = START
        self.wants: dict[str, set[str]] = {}  # order -> who still waits for it
        self.turned_away: set[str] = set()
        self.done: set[str] = set()
        self.number = 0

    @rule(
        target=keys,
        region=st.sampled_from(REGIONS),
        learner=st.sampled_from(LEARNERS),
        lane=st.sampled_from(Lane),
        again=st.booleans(),
        content=st.integers(0, 3),
    )
    def ask(self, region: str, learner: str, lane: Lane, again: bool, content: int) -> str:
        if not again or not self.number:
            self.number += 1
        name = f"order-{self.number}-{content}"
        watcher = f"{region}/{learner}"
        job = a_job(name, region, learner, lane=lane, stage=Stage.QUEUED, watchers={watcher: None})
        job = replace(job, names=frozenset((name,)))
        content_key = f"content-{content}"
        if content_key in self.queue.jobs and name in self.queue.jobs[content_key].names:
            job = replace(job, key=content_key)
        before = len(self.queue)
        added = q.add(self.queue, job)
        if added is None:
            assert before >= 12 and job.key not in self.queue.jobs
            self.turned_away.add(name)
            return name
        self.queue = added
        self.wants.setdefault(name, set()).add(watcher)
        self.done.discard(name)
        return name

    @rule()
    def fetch(self) -> None:
        if (started := q.start_next(self.queue, Work.FETCH)) is not None:
            assert started[1].stage is Stage.FETCHING
            self.queue = started[0]

    @rule()
    def make(self) -> None:
        if (started := q.start_next(self.queue, Work.MAKE)) is not None:
            assert self.queue.jobs[started[1].key].stage is Stage.WAITING
            self.queue = started[0]

    @rule(pick=st.integers(0, 20))
    def arrive(self, pick: int) -> None:
        fetching = self.queue.at(Stage.FETCHING)
        if fetching:
            job = fetching[pick % len(fetching)]
            self.queue = q.arrived(self.queue, job.key, f"content-{job.key[-1]}")
            assert f"content-{job.key[-1]}" in self.queue.jobs

    @rule(pick=st.integers(0, 20))
    def begin_early(self, pick: int) -> None:
        fetching = self.queue.at(Stage.FETCHING)
        if fetching:
            self.queue = q.can_begin(self.queue, fetching[pick % len(fetching)].key)

    @rule(pick=st.integers(0, 20), done=st.floats(0, 1))
    def progress(self, pick: int, done: float) -> None:
        making = self.queue.at(Stage.MAKING)
        if making:
            self.queue = q.progressed(self.queue, making[pick % len(making)].key, done)

    @rule(pick=st.integers(0, 20))
    def finish(self, pick: int) -> None:
        making = self.queue.at(Stage.MAKING)
        if making:
            job = making[pick % len(making)]
            self.queue = q.drop(self.queue, job.key, got_s=5.0)
            self._over(job)

    @rule(pick=st.integers(0, 20), counts=st.booleans())
    def fail_once(self, pick: int, counts: bool) -> None:
        making = self.queue.at(Stage.MAKING)
        if making:
            job = making[pick % len(making)]
            self.queue = q.again(self.queue, job.key, job.recipe, job.spec, counts=counts)

    @rule(name=keys, region=st.sampled_from(REGIONS), learner=st.sampled_from(LEARNERS))
    def leave(self, name: str, region: str, learner: str) -> None:
        for job in self.queue.jobs.values():
            if name in job.names:
                self.queue = q.leave(self.queue, job.key, f"{region}/{learner}", self.now)
                for other in job.names:
                    self.wants.get(other, set()).discard(f"{region}/{learner}")

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for key in q.unwanted(self.queue, self.now):
            job = self.queue.jobs[key]
            assert all(until is not None for until in job.watchers.values())
            self.queue = q.drop(self.queue, key)
            self._over(job)

    def _over(self, job: Job) -> None:
        for name in job.names:
            self.wants.pop(name, None)
            self.done.add(name)

    @invariant()
    def nothing_is_lost(self) -> None:
        names = {name for job in self.queue.jobs.values() for name in job.names}
        assert {name for name, who in self.wants.items() if who} <= names

    @invariant()
    def nothing_is_there_twice(self) -> None:
        names = [name for job in self.queue.jobs.values() for name in job.names]
        assert len(names) == len(set(names))
        assert all(key == job.key for key, job in self.queue.jobs.items())

    @invariant()
    def slots_are_kept(self) -> None:
        making = self.queue.at(Stage.MAKING)
        assert len(making) <= 3
        assert sum(job.lane is not Lane.URGENT for job in making) <= 2 + sum(job.lane is Lane.URGENT for job in making)
        assert len(self.queue) <= 12

    @invariant()
    def everybody_has_a_place(self) -> None:
        waiting = [job for job in self.queue.jobs.values() if job.stage is not Stage.MAKING]
        places = sorted(place for job in waiting if (place := position(self.queue, job.key)) is not None)
        assert places == list(range(len(waiting)))


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=40)
