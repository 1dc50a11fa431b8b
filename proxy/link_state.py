"""Whether the way to one origin is up, slow or down: a pure state machine.

Laws of this file: pure; the clock and the jitter are arguments. An answer that came in time means up, whatever was
before (half-open: any success closes it). A connection that can't be made means down; what is merely late or breaks off
means slow, and down when the probe that follows at once says so: a bad link must not count as a link, and one request
that a server drops is no bad link.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from policies.frozen import Frozen
from policies.model import Outage

_JITTER = 0.5


class Link(StrEnum):
    UP = "up"
    SLOW = "slow"
    DOWN = "down"


class Sign(StrEnum):
    """What an exchange, or a probe, met.

    ANSWERED     a head came within the deadline
    LATE         a head came, after the deadline
    OVERDUE      no head has come within the deadline
    BROKE        the body stalled or broke off
    UNREACHABLE  no connection, no name, no head at all
    """

    ANSWERED = "answered"
    LATE = "late"
    OVERDUE = "overdue"
    BROKE = "broke"
    UNREACHABLE = "unreachable"


class LinkState(Frozen, frozen=True, kw_only=True):
    """since_s and the others are steady seconds. tries: probes in vain since it is not up; why: the last sign."""

    link: Link
    since_s: float
    why: Sign = Sign.ANSWERED
    tries: int = 0
    probe_at_s: float = 0.0


def after(state: LinkState | None, sign: Sign, steady_s: float, *, probed: bool = False) -> LinkState | None:
    """The state after a sign; None: up, about which nothing need be remembered. probed: a probe's own sign."""
    match sign:
        case Sign.ANSWERED:
            return None
        case Sign.UNREACHABLE:
            return _turned(state, Link.DOWN, sign, steady_s)
        case Sign.LATE:
            keeps = state is not None and state.link is Link.DOWN and probed
            return _turned(state, Link.DOWN if keeps else Link.SLOW, sign, steady_s)
        case Sign.OVERDUE | Sign.BROKE:
            bad = probed or (state is not None and state.link is Link.DOWN)
            return _turned(state, Link.DOWN if bad else Link.SLOW, sign, steady_s)


def _turned(state: LinkState | None, link: Link, sign: Sign, steady_s: float) -> LinkState:
    if state is None or state.link is not link:
        # A new trouble is tried at once: one sign alone may be an accident.
        return LinkState(link=link, since_s=steady_s, why=sign, probe_at_s=steady_s)
    return replace(state, why=sign)


def probed_in_vain(state: LinkState, steady_s: float, terms: Outage, *, jitter: float) -> LinkState:
    """The same trouble, to be tried again later each time. jitter: 0 to 1, so that a village doesn't knock at once."""
    wait_s = min(terms.probe_first_s * 2**state.tries, terms.probe_slowest_s)
    return replace(
        state, tries=min(state.tries + 1, 30), probe_at_s=steady_s + wait_s * (1 - _JITTER / 2 + _JITTER * jitter)
    )
