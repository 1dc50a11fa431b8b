"""A learner's messages under `/.tropa/outbox`: the list, receipts, her decisions.

Laws: she sees her own alone; a decision is a POST with a sealed token that names the message; looking asks the origin
with the session that she presents now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer, see_other
from proxy.exchange import authority_of
from proxy.outbox.item import Item
from proxy.outbox.outbox import Outbox
from proxy.outbox.states import State
from proxy.own.dressing import Dresser
from proxy.own.refusals import own_page
from proxy.pages.outbox import Waiting, outbox_page, receipt_page
from proxy.stages.context import Exchange
from proxy.stages.outbox import RECEIPTS, OutboxStage, see_receipt

TOKEN = "outbox"  # noqa: S105 - a purpose, not a secret
_ACTS: Mapping[State, tuple[str, ...]] = {
    State.ACCEPTED: ("cancel",),
    State.SENDING: (),
    State.UNCONFIRMED: (),
    State.DONE: (),
    State.FAILED: ("again", "cancel"),
    State.QUESTION: ("look", "arrived", "again", "cancel"),
    State.CANCELLED: (),
}
_REFRESH_S: Mapping[State, int] = {State.ACCEPTED: 30, State.SENDING: 5, State.UNCONFIRMED: 15}
_NAMED = "outbox/"


class OutboxRoutes:
    """What the reserved path answers about messages."""

    def __init__(
        self,
        outbox: Outbox,
        stage: OutboxStage,
        dresser: Dresser,
        pages_go: Callable[[str], Awaitable[object]],
    ) -> None:
        """pages_go: forgets which pages a learner opened."""
        self._outbox = outbox
        self._pages_go = pages_go
        self._stage = stage
        self._dresser = dresser

    async def page(self, exchange: Exchange, name: str, *, page_url: str) -> Answer:
        """The list, or one receipt. name: what follows the reserved path."""
        learner = exchange.who.learner
        context = self._dresser.context(exchange, page_url=page_url)
        if name == _NAMED.rstrip("/"):
            rows = tuple(self._shown(item, exchange) for item in reversed(self._outbox.of(learner)))
            left = tuple(self._left(item, exchange) for item in await self._stage.left(exchange))
            return own_page(200, outbox_page(rows, context, left=left))
        item = self._outbox.find(learner, name.removeprefix(_NAMED))
        if item is None:
            return see_other(RECEIPTS)
        shown = self._shown(item, exchange)
        return own_page(200, receipt_page(shown, context, refresh_s=_REFRESH_S.get(item.state)))

    async def act(self, exchange: Exchange, act: str, item_id: str) -> Answer:
        """Her decision, then the receipt; what can't be done any more leaves things as they are."""
        learner = exchange.who.learner
        match act:
            case "cancel":
                await self._outbox.cancel(learner, item_id)
            case "again":
                await self._outbox.again(learner, item_id)
                self._stage.noticed(exchange)
            case "arrived":
                await self._outbox.arrived(learner, item_id)
            case "mine" | "take":
                await self._stage.adopt(exchange, item_id)
            case "look":
                visit = self._stage.visit(exchange)
                if visit is not None:
                    await self._outbox.look(learner, item_id, visit)
            case _:
                return plain_answer(404, b"", "text/plain")
        item = self._outbox.find(learner, item_id)
        return see_receipt(item) if item is not None else see_other(RECEIPTS)

    async def session_ended(self, learner: str) -> None:
        """At the logout: the list of her pages goes; what waits stays hers, and is not sent with that session."""
        self._stage.forget(learner)
        await self._pages_go(learner)

    def _left(self, item: Item, exchange: Exchange) -> Waiting:
        """One from another login of hers: with this one it goes, or comes into her list, by one tap."""
        token = self._dresser.sealed(exchange, TOKEN, {"i": item.id}, exchange.now + timedelta(days=1))
        shown = replace(self._shown(item, exchange), href="", token=token, why="")
        if item.state is State.ACCEPTED:
            return replace(shown, state="left", acts=("mine",))
        return replace(shown, acts=("take",))

    def _shown(self, item: Item, exchange: Exchange) -> Waiting:
        until: datetime = exchange.now + timedelta(days=1)
        token = self._dresser.sealed(exchange, TOKEN, {"i": item.id}, until) if _ACTS[item.state] else None
        address = item.address
        home = f"{address.scheme}://{authority_of(address.scheme, address.host, address.port)}"
        target = item.look_target or item.page_target
        return Waiting(
            state=item.state.value,
            why="login-alone" if item.why == "login" and not item.person else item.why,
            subject=item.subject,
            text=item.text,
            since=item.since,
            changed=item.changed,
            href=f"{RECEIPTS}/{item.id}",
            page_url=home + target if target else "",
            files=tuple(field.filename or "" for field in item.form.files),
            token=token,
            acts=_ACTS[item.state],
        )
