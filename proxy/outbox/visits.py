"""The sessions that learners came with lately: what waits for them is sent with these, and with nothing else.

Laws: in memory alone and bounded; one login's session sends that login's messages; an origin isn't tried again for a
learner within seconds, but at once when its link is back; a session that is over sends nothing more.
"""

from __future__ import annotations

from collections import OrderedDict

from policies.model import Origin
from proxy.clock import Clock
from proxy.outbox.outbox import Outbox
from proxy.outbox.side import Visit
from proxy.tasks import TaskKeeper

_MOST_VISITS = 2000
_AGAIN_AFTER_S = 5.0


class Visits:
    """The latest of each learner at each origin."""

    def __init__(self, outbox: Outbox, keeper: TaskKeeper, clock: Clock) -> None:
        self._outbox = outbox
        self._keeper = keeper
        self._clock = clock
        self._latest: OrderedDict[tuple[str, str], Visit] = OrderedDict()
        self._tried_s: dict[tuple[str, str], float] = {}

    def remember(self, visit: Visit) -> None:
        """She is here."""
        key = (visit.learner, visit.origin.id)
        self._latest[key] = visit
        self._latest.move_to_end(key)
        if len(self._latest) > _MOST_VISITS:
            self._tried_s.pop(self._latest.popitem(last=False)[0], None)

    def forget(self, learner: str) -> None:
        """Her session is over."""
        for key in [key for key in self._latest if key[0] == learner]:
            del self._latest[key]

    def send(self, learner: str, origin: Origin) -> None:
        """Send what waits for her at this origin, beside whatever goes on; not where that was tried just now."""
        key, now_s = (learner, origin.id), self._clock.steady_s()
        if now_s - self._tried_s.get(key, -_AGAIN_AFTER_S) < _AGAIN_AFTER_S:
            return
        visit = self._latest.get(key)
        if visit is not None:
            self._tried_s[key] = now_s
            self._keeper.start(self._outbox.replay(visit), name="outbox")

    def link_is_back(self, origin: Origin) -> None:
        """Everybody's for whom something waits there."""
        for learner, origin_id in list(self._latest):
            if origin_id == origin.id and learner in self._outbox.waiting:
                self._tried_s.pop((learner, origin_id), None)
                self.send(learner, origin)
