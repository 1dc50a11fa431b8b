"""What makes text readable goes first: on a thin link a page's blocking parts don't share it with all the rest.

A browser asks for everything at once, and over HTTP/1.1 each connection gets its share, so that a page stays blank
until its style sheet and the scripts in its head have come at a third of the link's speed. Here styles and scripts go
one after the other, as the page asks for them, and pictures after them.

Laws: only links below a megabit and a half wait; nothing waits longer than `MOST_WAIT_S`; whoever waits looks at the
sockets' own queues, so a front that buffers (nothing queued here) makes nobody wait; bytes and order within an answer
stay as they are.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from proxy.account.link import unsent_bytes
from proxy.clock import Clock

THIN_LINK_BPS = 1_500_000
MOST_WAIT_S = 12.0
_LOOK_EVERY_S = 0.05
_MAX_LEARNERS = 5000


@dataclass(slots=True, eq=False)
class Turn:
    """One style sheet or script on its way. transport: where its bytes may still be queued, once it is written."""

    written: bool = False
    transport: asyncio.Transport | None = None

    @property
    def over(self) -> bool:
        if not self.written:
            return False
        transport = self.transport
        return transport is None or transport.is_closing() or not unsent_bytes(transport)


class Turns:
    """Turns of one process, by learner, in the order of asking."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: OrderedDict[str, list[Turn]] = OrderedDict()

    def take(self, learner: str) -> Turn:
        """Stand in line: a style sheet or script was asked for. Whoever takes a turn ends it."""
        turn = Turn()
        self._lines.setdefault(learner, []).append(turn)
        self._lines.move_to_end(learner)
        if len(self._lines) > _MAX_LEARNERS:
            self._lines.popitem(last=False)
        return turn

    @staticmethod
    def end(turn: Turn, transport: asyncio.Transport | None) -> None:
        """It has been written, or given up."""
        turn.written, turn.transport = True, transport

    async def wait(self, learner: str, own: Turn | None = None) -> None:
        """Return when everything that stands before `own` (None: everything) is over, or after MOST_WAIT_S."""
        until_s = self._clock.steady_s() + MOST_WAIT_S
        while self._before(learner, own) and self._clock.steady_s() < until_s:  # noqa: ASYNC110 - sockets tell nobody
            await asyncio.sleep(_LOOK_EVERY_S)

    def _before(self, learner: str, own: Turn | None) -> bool:
        line = self._lines.get(learner)
        if line is None:
            return False
        line[:] = [turn for turn in line if not turn.over]
        if not line:
            del self._lines[learner]
            return False
        return line[0] is not own
