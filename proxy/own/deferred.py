"""Requests for the free hours: filed with a receipt, shown with time and reason, cancelled by one tap.

Laws: filed only where the place rule makes "later" true; a request is one learner's; what its receipt leads to is kept
as long as the request is, and goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from policies.windows import current_close, next_opening
from proxy.account.state import DropMarks, Mark, MarkQuery, PutMark, State
from proxy.media.desk import Desk
from proxy.media.views import DEFERRED_OPEN, DeferredState, DeferredView, Order
from proxy.pages.media import Deferred
from proxy.stages.context import Exchange

RECEIPT_LIFETIME = timedelta(days=30)
_KIND = "receipt"
# (purpose, payload, until) -> a token sealed for the asking learner
Seal = Callable[[str, Mapping[str, str], datetime], str]


class DeferredRequests:
    """The desk's deferred requests as one learner sees hers."""

    def __init__(self, desk: Desk, state: State) -> None:
        self._desk = desk
        self._state = state
        self._leads: dict[str, tuple[str, Mapping[str, str]]] = {}

    async def start(self, now: datetime) -> None:
        for mark in await self._state.list(MarkQuery(kind=_KIND, now=now)):
            self._leads[mark.key] = (mark.owner, {name: str(value) for name, value in mark.facts.items()})

    async def file(self, exchange: Exchange, order: Order, version: str, payload: Mapping[str, str]) -> str | None:
        """The receipt's id; None where too much was asked for already. payload: what the viewer's token says."""
        learner, now = exchange.who.learner, exchange.now
        receipt = await self._desk.defer(order, learner, free_from(exchange))
        if receipt is None:
            return None
        facts = {**payload, "v": version}
        self._leads[receipt] = (learner, facts)
        mark = Mark(kind=_KIND, owner=learner, key=receipt, until=now + RECEIPT_LIFETIME, facts=facts)
        await self._state.commit([PutMark(mark)])
        return receipt

    async def cancel(self, exchange: Exchange, receipt: str) -> bool:
        """False: it is not hers, or no longer open."""
        done = self._desk.cancel(receipt, exchange.who.learner)
        if done and self._leads.pop(receipt, None) is not None:
            await self._state.commit([DropMarks(kind=_KIND, owner=exchange.who.learner, key=receipt)])
        return done

    def of(self, exchange: Exchange, seal: Seal) -> tuple[Deferred, ...]:
        """Hers, the latest first."""
        views = self._desk.deferred(exchange.who.learner)
        return tuple(self._shown(view, exchange, seal) for view in views)

    async def forget(self, learner: str) -> int:
        """All her requests are given up, and what their receipts led to goes with them."""
        for receipt in [receipt for receipt, (owner, _) in self._leads.items() if owner == learner]:
            del self._leads[receipt]
        await self._state.commit([DropMarks(kind=_KIND, owner=learner)])
        return await self._desk.erase(learner)

    def sweep(self) -> None:
        """Forget what leads to requests that nobody has any more."""
        for receipt, (learner, _) in list(self._leads.items()):
            if all(view.id != receipt for view in self._desk.deferred(learner)):
                del self._leads[receipt]

    def _shown(self, view: DeferredView, exchange: Exchange, seal: Seal) -> Deferred:
        _, facts = self._leads.get(view.id, ("", {}))
        href = ""
        if facts and view.state is DeferredState.READY:
            payload = {name: value for name, value in facts.items() if name != "v"}
            token = seal("media", payload, exchange.now + timedelta(days=1))
            href = f"/.tropa/media/{token}/{facts['v']}"
        is_open = view.state in DEFERRED_OPEN
        return Deferred(
            title=view.title,
            form=facts.get("v", "slidecast"),
            state=view.state.value,
            asked_at=view.since,
            due_at=view.when if is_open else None,
            why=_why(view),
            href=href,
            token=seal("cancel", {"r": view.id}, exchange.now + timedelta(days=1)) if is_open else None,
        )


def free_from(exchange: Exchange) -> datetime | None:
    """When the free hours begin; None: they are now, or the link costs nothing anyway, or none are in sight."""
    free = exchange.who.territory.tariff.free
    if exchange.decision.free_now or current_close(free, exchange.now) is not None:
        return None
    return next_opening(free, exchange.now)


_WHY = {
    "origin-404": "source-gone",
    "origin-410": "source-gone",
    "origin-401": "not-allowed",
    "origin-403": "not-allowed",
    "needs-visit": "needs-visit",
    "signed": "signed",
    "disk-full": "no-room",
    "no-room": "no-room",
    "disk": "no-room",
    "window": "window",
    "allowance": "allowance",
}


def _why(view: DeferredView) -> str:
    if not view.why:
        return ""
    return _WHY.get(view.why, "impossible" if view.state is DeferredState.FAILED else "other")
