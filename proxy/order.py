"""Which answers a page needs to be readable, and which can wait for them, on a link that can't carry all at once."""

from __future__ import annotations

from policies.values import MediaKind
from proxy.deliver.turns import THIN_LINK_BPS
from proxy.stages.context import Exchange

_CAN_WAIT = frozenset({MediaKind.SCRIPT, MediaKind.IMAGE, MediaKind.FONT})


def stands_in_line(exchange: Exchange) -> bool:
    """Styles and scripts: nothing is painted before those in a page's head, which are asked for first."""
    return exchange.facts.kind in (MediaKind.STYLE, MediaKind.SCRIPT) and not exchange.decision.exempt


def waits(exchange: Exchange) -> bool:
    """What is painted, or run, after the text can be read. Parts of assessment never wait."""
    turn = exchange.tally.turn
    can_wait = exchange.facts.kind in _CAN_WAIT or (turn is not None and turn.late)
    return can_wait and not exchange.decision.exempt


def browser_of(exchange: Exchange) -> str:
    """Where a page and what it asks for come from, as far as an address tells: a page may change who the learner is."""
    return f"{exchange.decision.region}/{exchange.inbound.client.address}"


def is_thin(exchange: Exchange) -> bool:
    """Whether the learner's link, as sold or as measured, is below a megabit and a half."""
    decision = exchange.decision
    if decision.bypassed or decision.observe:
        return False
    bps = decision.link.down_bps
    return bps is not None and bps < THIN_LINK_BPS
