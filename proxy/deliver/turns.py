"""What makes text readable goes first: on a thin link style sheets don't share it with scripts and pictures.

A browser asks for everything at once, and over HTTP/1.1 each connection gets its share, so that a page stays blank
until its style sheet has come at a third of the link's speed. Here what isn't needed for reading waits its turn.

Laws: only links below a megabit and a half wait; nothing waits longer than `MOST_WAIT_S`; whoever waits looks at the
socket's own queue, so a front that buffers (nothing queued here) makes nobody wait; bytes and order within an answer
stay as they are.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from proxy.account.link import unsent_bytes
from proxy.clock import Clock

THIN_LINK_BPS = 1_500_000
MOST_WAIT_S = 12.0
_LOOK_EVERY_S = 0.05
_MAX_LEARNERS = 5000


@dataclass(slots=True)
class _First:
    """Style sheets of one learner on their way: asked for (not sent yet), and sockets they were written to."""

    pending: int = 0
    sockets: list[asyncio.Transport] = field(default_factory=list)


class Turns:
    """Turns of one process, by learner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._firsts: OrderedDict[str, _First] = OrderedDict()

    def begin_first(self, learner: str) -> None:
        """A style sheet was asked for."""
        first = self._firsts.setdefault(learner, _First())
        first.pending += 1
        self._firsts.move_to_end(learner)
        if len(self._firsts) > _MAX_LEARNERS:
            self._firsts.popitem(last=False)

    def end_first(self, learner: str, transport: asyncio.Transport | None) -> None:
        """It has been written; transport: where its bytes may still be queued."""
        first = self._firsts.get(learner)
        if first is None:
            return
        first.pending = max(0, first.pending - 1)
        if transport is not None and unsent_bytes(transport):
            first.sockets.append(transport)

    async def wait(self, learner: str) -> None:
        """Return when no style sheet of this learner is on its way, or after MOST_WAIT_S."""
        until_s = self._clock.steady_s() + MOST_WAIT_S
        while self._busy(learner) and self._clock.steady_s() < until_s:  # noqa: ASYNC110 - a socket tells nobody
            await asyncio.sleep(_LOOK_EVERY_S)

    def _busy(self, learner: str) -> bool:
        first = self._firsts.get(learner)
        if first is None:
            return False
        first.sockets = [socket for socket in first.sockets if not socket.is_closing() and unsent_bytes(socket)]
        if first.pending or first.sockets:
            return True
        del self._firsts[learner]
        return False
