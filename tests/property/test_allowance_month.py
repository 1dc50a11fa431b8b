"""A month of random traffic in seconds, by a given clock: no allowance is overrun by more than what was set aside,
every renewal comes when it must, free hours don't count, steps only rise, a clock that jumps grants nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.model import After, Allowance, Period, Step, Tariff, Territory, Windows
from policies.money import is_free, period_bounds
from policies.rules.nearly_spent import step_of
from policies.treatments import PASS_ALL
from policies.values import CostlyHop, Scope
from proxy.account.allowances import TRANCHE_BYTES, Allowances
from proxy.account.meter import Meter
from proxy.account.state import AddUse, UseKey
from proxy.exchange import Who
from tests.builders import a_territory, a_window
from tests.clocks import HandClock
from tests.exchanges import a_decision

RUSSIAN = (
    *("Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Krasnoyarsk"),
    *("Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka", "Asia/Anadyr"),
)
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca")
zones = st.sampled_from([ZoneInfo(name) for name in (*RUSSIAN, *CHANGING)])
STEPS = tuple(Step(percent=percent, treatments=PASS_ALL, live=PASS_ALL) for percent in (80, 95))
LEARNERS = ("anna", "boris")
month = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def allowances(draw: st.DrawFn) -> Allowance:
    period = draw(st.sampled_from(Period))
    days = {Period.DAY: st.just(1), Period.WEEK: st.integers(0, 6), Period.MONTH: st.integers(1, 31)}
    return Allowance(
        scope=draw(st.sampled_from(Scope)),
        amount_bytes=draw(st.sampled_from([3_000_000, 20_000_000, 90_000_000])),
        period=period,
        zone=draw(zones),
        renew_day=draw(days[period]),
        renew_time=draw(st.sampled_from([time(0), time(2, 30), time(9), time(23, 59)])),
        after=After.STOP,
        counts_when_free=draw(st.booleans()),
    )


@st.composite
def places(draw: st.DrawFn) -> Territory:
    zone = draw(zones)
    free = draw(st.sampled_from([Windows(), Windows(windows=(a_window("23:00", "07:00", zone=zone),))]))
    tariff = Tariff(zone=zone, free=free, allowances=tuple(draw(st.lists(allowances(), min_size=1, max_size=3))))
    return a_territory("koryak", "tigil", tariff=tariff, costly_hop=CostlyHop.LEARNER_LINK)


@dataclass
class Truth:
    """What each allowance of each holder should have, by the periods' own arithmetic."""

    place: Territory
    used: dict[tuple[int, str, datetime], int] = field(default_factory=dict)

    def key(self, number: int, learner: str, now: datetime) -> tuple[int, str, datetime]:
        allowance = self.place.tariff.allowances[number]
        holder = learner if allowance.scope is Scope.LEARNER else allowance.scope.value
        return number, holder, period_bounds(allowance, now)[0]

    def count(self, learner: str, nbytes: int, now: datetime) -> None:
        free = is_free(self.place.tariff, now)
        for number, allowance in enumerate(self.place.tariff.allowances):
            if allowance.counts_when_free or not free:
                key = self.key(number, learner, now)
                self.used[key] = self.used.get(key, 0) + nbytes


def who(place: Territory, learner: str) -> Who:
    return Who(territory=place, learner=learner, learner_by="cookie", known_by="network", language="ru")


def distinct(place: Territory) -> bool:
    """Two allowances of one scope, period and beginning share a counter, as one operator's two packets would not."""
    terms = {(one.scope, one.period) for one in place.tariff.allowances}
    return len(terms) == len(place.tariff.allowances)


visits = st.tuples(
    st.sampled_from(LEARNERS),
    st.integers(1, 600),  # minutes since the last one
    st.sampled_from([500, 40_000, 900_000, 7_000_000]),
)
starts = st.datetimes(datetime(2026, 2, 15), datetime(2026, 12, 1)).map(
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)


@month
@given(places().filter(distinct), starts, st.lists(visits, min_size=40, max_size=160))
def test_a_month_never_overruns_an_allowance_and_renews_each_when_it_must(
    place: Territory, start: datetime, month_of: list[tuple[str, int, int]]
) -> None:
    clock, counters, truth = HandClock(start), Allowances(run="r"), Truth(place)
    decision, receipts = a_decision(site="tigil"), []
    reached: dict[tuple[int, str, datetime], int] = {}
    for learner, minutes, nbytes in month_of:
        clock.at += timedelta(minutes=minutes)
        meter = Meter(decision, who(place, learner), counters, clock, receipts.append)
        moved = 0
        while moved < nbytes and meter.draw(min(16_384, nbytes - moved)):
            moved += min(16_384, nbytes - moved)
        charge = meter.settle(from_origin_bytes=0, to_learner_bytes=moved, up_bytes=0, direct_bytes=moved)
        truth.count(learner, charge.metered_bytes, clock.at)
        usage = counters.usage(place, learner, clock.at)
        for number, (allowance, use) in enumerate(zip(place.tariff.allowances, usage.allowances, strict=True)):
            key = truth.key(number, learner, clock.at)
            assert use.used_bytes == truth.used.get(key, 0)
            assert use.renews_at == period_bounds(allowance, clock.at)[1] > clock.at
            assert use.used_bytes <= allowance.amount_bytes + TRANCHE_BYTES
            step = step_of(STEPS, use, clock.at)
            percent = 0 if step is None else step.percent
            assert percent >= reached.get(key, 0)
            reached[key] = percent


@month
@given(
    places().filter(distinct),
    starts,
    st.lists(st.tuples(visits, st.sampled_from([0, 0, 0, -3, 3, -1380, 1380])), min_size=10, max_size=60),
)
def test_a_clock_that_jumps_back_and_forth_grants_nothing_twice_and_loses_nothing(
    place: Territory, start: datetime, steps: list[tuple[tuple[str, int, int], int]]
) -> None:
    """The clock is wrong for a while, by minutes or almost a day, and set right again; sweeps go on meanwhile."""
    true, counters, truth = start, Allowances(run="r"), Truth(place)
    for (learner, minutes, nbytes), wrong_by in steps:
        true += timedelta(minutes=minutes)
        now = true + timedelta(minutes=wrong_by)
        counters.changes()  # as each second
        counters.sweep(now)
        held = counters.reserve(place, learner, nbytes, now)
        if not held.short:
            counters.settle(held, nbytes)
            counters.settle(held, nbytes)
            truth.count(learner, nbytes, now)
        for number, use in enumerate(counters.usage(place, learner, now).allowances):
            used = truth.used.get(truth.key(number, learner, now), 0)
            assert use.used_bytes == used
            assert used <= place.tariff.allowances[number].amount_bytes


@month
@given(places().filter(distinct), starts, st.lists(visits, min_size=10, max_size=60), st.integers(1, 9))
def test_a_process_that_is_killed_again_and_again_forgets_no_byte_that_was_kept(
    place: Territory, start: datetime, month_of: list[tuple[str, int, int]], often: int
) -> None:
    """Each kill comes right after a second's save; what State was given is what the next process begins with."""
    now, counters, truth = start, Allowances(run="r"), Truth(place)
    kept: dict[object, int] = {}
    for number, (learner, minutes, nbytes) in enumerate(month_of):
        now += timedelta(minutes=minutes)
        counters.count(place, learner, nbytes, now)
        truth.count(learner, nbytes, now)
        for change in counters.changes():
            kept[change.use] = kept.get(change.use, 0) + change.nbytes  # type: ignore[union-attr]
        if number % often == 0:
            counters = Allowances(run=f"r{number}")
            counters.load([_add_use(use, used) for use, used in kept.items()], ())
        counters.sweep(now)
        for at, use in enumerate(counters.usage(place, learner, now).allowances):
            assert use.used_bytes == truth.used.get(truth.key(at, learner, now), 0)


def _add_use(use: object, nbytes: int) -> AddUse:
    assert isinstance(use, UseKey)
    return AddUse(use=use, nbytes=nbytes)
