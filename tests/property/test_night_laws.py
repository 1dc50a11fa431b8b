"""Laws of fetching in the free hours: a month of nights in seconds, in every zone of Russia and where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policies.model import Window, Windows
from policies.units import as_time
from policies.windows import is_open
from policies.zones import zone
from scheduler.night import Flow, NightLimits, NightSpan, Stop, Why, Wish, grant, in_order, next_night, night_at, plan

RUSSIAN = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Krasnoyarsk",
    "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
)  # fmt: skip
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")  # the last one by half an hour
CHUNK = 65536
DAYS = frozenset(range(7))


@st.composite
def nightly(draw: st.DrawFn) -> tuple[Windows, str]:
    name = draw(st.sampled_from(RUSSIAN + CHANGING))
    start = draw(st.integers(0, 1439))
    end = (start + draw(st.integers(30, 1200))) % 1440
    window = Window(zone=zone(name), weekdays=DAYS, start=as_time(start), end=as_time(end))
    return Windows(windows=(window,)), name


# One month around the change of clocks in each hemisphere, and one without.
months = st.sampled_from([datetime(2026, month, 15, tzinfo=UTC) for month in (3, 7, 10)])


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(nightly(), months, st.integers(1, 4000), st.integers(0, 12), st.integers(0, 25))
def test_in_a_month_no_window_is_missed_none_overrun_and_no_limit_passed_by_more_than_a_chunk(
    place: tuple[Windows, str], month: datetime, kbit_s: int, limit_chunks: int, late_min: int
) -> None:
    free, name = place
    limit, rate = limit_chunks * CHUNK - CHUNK // 2, kbit_s * 1000.0
    now, flow = month, Flow(night=NightSpan(opens=month, closes=month))
    nights: dict[str, int] = {}
    while now < month + timedelta(days=30):
        night = night_at(free, zone(name), now)
        assert (night is not None) == is_open(free, now)
        if night is None:
            opens = next_night(free, now)
            assert opens is not None and night_at(free, zone(name), opens - timedelta(seconds=1)) is None
            now = opens + timedelta(minutes=late_min)  # whoever wakes the work may come late
            continue
        flow = flow if flow.night == night else Flow(night=night, limit_bytes=limit)
        nights.setdefault(night.key, 0)
        flow, answer = grant(flow, CHUNK, now, rate)
        if isinstance(answer, Stop):
            assert answer is Stop.LIMIT or night.closes - now <= timedelta(seconds=CHUNK * 8 / rate)
            now = night.closes
            continue
        now += timedelta(seconds=answer)
        assert night.opens <= now < night.closes
        nights[night.key] += CHUNK
    assert all(spent < max(limit, 0) + CHUNK for spent in nights.values())
    assert 29 <= len(nights) <= 31
    assert all(nights.values()) or limit <= 0


sizes = st.one_of(st.none(), st.integers(0, 5_000_000))
instants = st.integers(0, 10_000).map(lambda minutes: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes))
wishes = st.lists(
    st.builds(
        Wish,
        key=st.sampled_from("abcdefghij"),
        why=st.sampled_from(Why),
        since=instants,
        owner=st.sampled_from(["", "one", "two"]),
        urgent_at=st.one_of(st.none(), instants),
        size_bytes=sizes,
        held_bytes=st.integers(0, 1_000_000),
    ),
    max_size=12,
)
limits = st.builds(
    NightLimits,
    rate_bps=st.one_of(st.none(), st.floats(1000, 1e7)),
    limit_bytes=st.one_of(st.none(), st.integers(0, 10_000_000)),
    often_bytes=st.integers(0, 2_000_000),
)
OPENS = datetime(2026, 11, 23, 20, tzinfo=UTC)
NIGHT = NightSpan(opens=OPENS, closes=OPENS + timedelta(hours=8))


@given(wishes, limits, st.integers(0, 8 * 3600), st.integers(0, 1_000_000))
def test_a_plan_keeps_within_the_night_and_its_limits_and_tells_of_every_wish_once(
    wished: list[Wish], most: NightLimits, late_s: int, spent: int
) -> None:
    found = plan(wished, NIGHT, most, OPENS + timedelta(seconds=late_s), spent_bytes=spent)
    assert sorted(item.wish.key for item in found) == sorted({wish.key for wish in wished})
    if most.limit_bytes is not None:
        assert sum(item.bytes for item in found) <= max(most.limit_bytes - spent, 0)
    assert sum(item.bytes for item in found if item.wish.why is Why.OFTEN) <= most.often_bytes
    times = [(item.starts, item.ends) for item in found if item.starts and item.ends]
    assert all(NIGHT.opens <= starts <= ends <= NIGHT.closes for starts, ends in times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))


@given(wishes)
def test_the_order_doesnt_depend_on_the_order_of_asking(wished: list[Wish]) -> None:
    unique = list({wish.key: wish for wish in wished}.values())
    assert in_order(unique) == in_order(reversed(unique))


@given(wishes)
def test_no_learners_second_thing_comes_before_anothers_first(wished: list[Wish]) -> None:
    asked = [wish.owner for wish in in_order(wished) if wish.why is Why.QUEUED]
    rounds = [asked[:index].count(owner) for index, owner in enumerate(asked)]
    assert rounds == sorted(rounds)
