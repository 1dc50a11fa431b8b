"""Whether a link is up, slow or down, by what exchanges and probes meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Outage
from proxy.link_state import Link, LinkState, Sign, after, probed_in_vain

TERMS = Outage(deadline_s=8.0, probe_first_s=2.0, probe_slowest_s=60.0)


def state_of(*signs: Sign, probed: bool = False) -> Link:
    state: LinkState | None = None
    for number, sign in enumerate(signs):
        state = after(state, sign, float(number), probed=probed and number == len(signs) - 1)
    return Link.UP if state is None else state.link


@pytest.mark.parametrize(
    ("signs", "probed", "link"),
    [
        ((Sign.ANSWERED,), False, Link.UP),
        ((Sign.UNREACHABLE,), False, Link.DOWN),
        ((Sign.BROKE,), False, Link.SLOW),
        ((Sign.BROKE, Sign.BROKE), False, Link.SLOW),  # one page that a server drops, asked for twice
        ((Sign.BROKE, Sign.BROKE), True, Link.DOWN),
        ((Sign.OVERDUE,), False, Link.SLOW),
        ((Sign.OVERDUE, Sign.OVERDUE), True, Link.DOWN),  # a bad link is no link
        ((Sign.LATE, Sign.LATE, Sign.LATE), False, Link.SLOW),  # a slow server is not away
        ((Sign.UNREACHABLE, Sign.LATE), True, Link.DOWN),
        ((Sign.UNREACHABLE, Sign.OVERDUE), False, Link.DOWN),
        ((Sign.UNREACHABLE, Sign.ANSWERED), True, Link.UP),
        ((Sign.OVERDUE, Sign.UNREACHABLE, Sign.ANSWERED), False, Link.UP),
    ],
)
def test_signs_make_the_state(signs: tuple[Sign, ...], probed: bool, link: Link) -> None:
    assert state_of(*signs, probed=probed) is link


@given(st.lists(st.tuples(st.sampled_from(Sign), st.booleans())))
def test_any_answer_in_time_closes_it(signs: list[tuple[Sign, bool]]) -> None:
    state: LinkState | None = None
    for number, (sign, probed) in enumerate(signs):
        state = after(state, sign, float(number), probed=probed)
    assert after(state, Sign.ANSWERED, 1e6) is None


@given(st.integers(0, 60), st.floats(0, 1))
def test_probes_come_ever_more_seldom_and_within_their_bounds(tries: int, jitter: float) -> None:
    state = after(None, Sign.UNREACHABLE, 100.0)
    assert state is not None and state.probe_at_s == 100.0
    for _ in range(tries):
        state = probed_in_vain(state, 100.0, TERMS, jitter=jitter)
    later = probed_in_vain(state, 100.0, TERMS, jitter=jitter)
    wait_s = later.probe_at_s - 100.0
    assert 0.75 * min(2.0 * 2**tries, 60.0) <= wait_s <= 1.25 * 60.0
