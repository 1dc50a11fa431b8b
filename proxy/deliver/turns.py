"""What makes text readable goes first: on a thin link a page's blocking parts don't share it with all the rest.

A browser asks for everything at once, and over HTTP/1.1 each connection gets its share, so that a page stays blank
until its style sheet and the scripts in its head have come at a third of the link's speed. Here styles and scripts go
one after the other, in the order in which the page needs them, and pictures after them.

Laws: only links below a megabit and a half wait; nothing waits longer than `MOST_WAIT_S`; whoever waits looks at the
sockets' own queues, so a front that buffers (nothing queued here) makes nobody wait; bytes and order within an answer
stay as they are.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.account.link import unsent_bytes
from proxy.clock import Clock

THIN_LINK_BPS = 1_500_000
MOST_WAIT_S = 12.0
PATIENCE_S = 0.5  # how long what can wait waits to be overtaken by what a page needs sooner and hasn't asked for yet
_LOOK_EVERY_S = 0.05
_MAX_LEARNERS = 5000


@dataclass(slots=True, eq=False)
class Turn:
    """One style sheet or script on its way.

    rank       its place in the order that the page needs, None where no page said
    late       the page's text can be read without it
    asked_s    when it was asked for
    transport  where its bytes may still be queued, once it is written
    """

    rank: int | None = None
    late: bool = False
    asked_s: float = 0.0
    order: _Order | None = None
    written: bool = False
    transport: asyncio.Transport | None = None

    @property
    def over(self) -> bool:
        if not self.written:
            return False
        transport = self.transport
        return transport is None or transport.is_closing() or not unsent_bytes(transport)


@dataclass(slots=True, eq=False)
class _Order:
    """What a page asks for, in the order of need. missing: ranks that nobody has asked for yet."""

    ranks: dict[str, int]
    late: frozenset[str]
    missing: set[int]


class Turns:
    """Turns of one process, by learner: in the order that the page needs, else in the order of asking."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: OrderedDict[str, list[Turn]] = OrderedDict()
        self._orders: OrderedDict[str, _Order] = OrderedDict()

    def expect(self, browser: str, urls: Sequence[str], late: frozenset[str] = frozenset()) -> None:
        """A page goes to this browser that asks for these, in the order of need; `late` of them after its text."""
        ranks = {url: rank for rank, url in reversed(list(enumerate(urls)))}
        first_late = min((ranks[url] for url in late if url in ranks), default=0)
        self._orders[browser] = _Order(ranks, late, set(range(first_late)))
        self._orders.move_to_end(browser)
        if len(self._orders) > _MAX_LEARNERS:
            self._orders.popitem(last=False)

    def take(self, learner: str, browser: str = "", url: str = "") -> Turn:
        """Stand in line: a style sheet or script was asked for. Whoever takes a turn ends it."""
        turn = self._turn(browser, url)
        line = self._lines.setdefault(learner, [])
        after = (at for at, other in enumerate(line) if other.rank is not None and other.rank > (turn.rank or 0))
        line.insert(next(after, len(line)) if turn.rank is not None else len(line), turn)
        self._lines.move_to_end(learner)
        if len(self._lines) > _MAX_LEARNERS:
            self._lines.popitem(last=False)
        return turn

    def _turn(self, browser: str, url: str) -> Turn:
        order, now_s = self._orders.get(browser), self._clock.steady_s()
        rank = order.ranks.get(url) if order is not None else None
        if order is None or rank is None:
            return Turn(asked_s=now_s)
        order.missing.discard(rank)
        return Turn(rank=rank, late=url in order.late, asked_s=now_s, order=order)

    @staticmethod
    def end(turn: Turn, transport: asyncio.Transport | None) -> None:
        """It has been written, or given up."""
        turn.written, turn.transport = True, transport

    async def wait(self, learner: str, own: Turn | None = None) -> None:
        """Return when everything that stands before `own` (None: everything) is over, or after MOST_WAIT_S."""
        until_s = self._clock.steady_s() + MOST_WAIT_S
        while (self._before(learner, own) or self._may_be_overtaken(own)) and self._clock.steady_s() < until_s:  # noqa: ASYNC110 - sockets tell nobody
            await asyncio.sleep(_LOOK_EVERY_S)

    def _may_be_overtaken(self, own: Turn | None) -> bool:
        if own is None or not own.late or own.order is None or not own.order.missing:
            return False
        return self._clock.steady_s() < own.asked_s + PATIENCE_S

    def _before(self, learner: str, own: Turn | None) -> bool:
        line = self._lines.get(learner)
        if line is None:
            return False
        line[:] = [turn for turn in line if not turn.over]
        if not line:
            del self._lines[learner]
            return False
        return line[0] is not own
