"""A form that policy lists for the outbox: sent at once where the link is up, kept where it isn't, joined where it is
on its way already.

Laws: an assessment never comes here; a form that is sent at once is written down first, so that a cut or a killed
process can't swallow it; of two identical forms in flight one goes to the origin and both get its answer; what isn't a
message (a cancel button, an edit, a large file) goes its usual way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from policies.model import OutboxForm
from proxy.clock import Clock
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer, see_other
from proxy.errors import ExchangeError, Fault
from proxy.link_state import Link
from proxy.outbox.call import read_call
from proxy.outbox.form import read_form
from proxy.outbox.item import Item
from proxy.outbox.judging import Said
from proxy.outbox.logins import Logins
from proxy.outbox.outbox import Outbox
from proxy.outbox.person import Persons
from proxy.outbox.side import Visit, visit_of
from proxy.outbox.states import State
from proxy.outbox.visits import Visits
from proxy.pages.outbox import kept_by_script
from proxy.stages.context import Exchange
from proxy.stages.outbox_forms import body_of, is_message, item_of, listed
from proxy.tasks import TaskKeeper
from proxy.upstream.address import target_of
from proxy.upstream.held import HeldBody
from proxy.watch import NO_LINK, LinkWatch

logger = logging.getLogger("tropa.outbox")

Make = Callable[[Exchange], Awaitable[Answer]]
RECEIPTS = "/.tropa/outbox"
_PATIENCE_S = 25.0  # then she gets a receipt, while her form goes on
_LARGEST_ANSWER_BYTES = 8 * 1024**2


@dataclass(slots=True)
class _Flight:
    """A form on its way. waiting: exchanges that want its answer; has_receipt: one of them went with a receipt."""

    item: Item
    task: asyncio.Task[Answer | None] | None = None
    waiting: int = 0
    has_receipt: bool = False


class OutboxStage:
    """One per process."""

    def __init__(self, outbox: Outbox, watch: LinkWatch, keeper: TaskKeeper, clock: Clock, *, via: str) -> None:
        self._outbox = outbox
        self._watch = watch
        self._keeper = keeper
        self._via = via
        self._flights: dict[tuple[str, str], _Flight] = {}
        self._visits = Visits(outbox, keeper, clock)
        self._logins = Logins(outbox, keeper, clock)
        watch.tell(self._visits.link_is_back)

    def concerns(self, exchange: Exchange) -> bool:
        """Whether something waits for this learner, or may be hers from another login: her visit is to be noticed."""
        outbox = self._outbox
        return exchange.who.learner in outbox.waiting or bool(outbox.stranded and self._logins.may_know(exchange))

    def knows(self, persons: Persons) -> None:
        """By whom a learner is known again after another login; until then nobody is."""
        self._logins.persons = persons

    async def left(self, exchange: Exchange) -> tuple[Item, ...]:
        """What she wrote under other logins, as the origin's pages prove that it was she."""
        return await self._logins.left(exchange)

    async def adopt(self, exchange: Exchange, item_id: str) -> bool:
        """She takes such a message over to this login, and it goes; False: it isn't hers."""
        taken = await self._outbox.adopt(item_id, exchange.who.learner, await self._logins.person(exchange))
        if taken is not None:
            self.noticed(exchange)
        return taken is not None

    def left_count(self, learner: str) -> int:
        """How many of them are known of; looked at for each page's end."""
        return self._logins.count(learner)

    # -- a form comes ----------------------------------------------------------------------------------------

    def takes(self, exchange: Exchange) -> OutboxForm | None:
        """What policy says of this form; None: it isn't one for the outbox."""
        return listed(exchange)

    async def answer(self, exchange: Exchange, rule: OutboxForm, make: Make) -> Answer:
        """The origin's answer, or the way to a receipt. Raises ExchangeError."""
        body = await body_of(exchange)
        exchange = replace(exchange, held=HeldBody(body))
        content_type = exchange.inbound.request.headers.get("Content-Type", "")
        form = read_call(body, rule) if rule.calls else read_form(body, content_type)
        if form is None or not is_message(form, rule):
            return await make(exchange)
        item = item_of(exchange, rule, form)
        flight = self._flights.get((item.owner, item.digest))
        if flight is not None:
            return await self._joined(flight, exchange)
        known = self._outbox.same(item.owner, item.digest)
        if known is not None:
            return told_of(known, exchange)
        self._remember(exchange)
        if self._is_down(exchange):
            return await self._accepted(item, exchange)
        flight = self._flights[item.owner, item.digest] = _Flight(item.moved(State.SENDING, item.since, why="first"))
        flight.task = self._keeper.start(self._flown(flight, exchange, rule, make), name="outbox")
        return await self._joined(flight, exchange)

    async def _accepted(self, item: Item, exchange: Exchange) -> Answer:
        if self._outbox.is_full(item.owner):
            raise ExchangeError("outbox-full", 503, Fault.LINK, "too many messages wait")
        if not await self._outbox.keep(item):
            raise ExchangeError("outbox-not-kept", 503, Fault.TROPA, "the disk took no message")
        await self._logins.sign(item, exchange)
        return told_of(item, exchange)

    async def _joined(self, flight: _Flight, exchange: Exchange) -> Answer:
        """The flight's answer, or a receipt where it takes too long or nobody knows how it ended."""
        assert flight.task is not None, "started with the flight"
        flight.waiting += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=_PATIENCE_S)
        finally:
            flight.waiting -= 1
        answer = flight.task.result() if done else None
        if answer is None:
            flight.has_receipt = True
            return told_of(flight.item, exchange)
        return Answer(status=answer.status, headers=answer.headers.copy(), body=answer.body, reason=answer.reason)

    async def _flown(self, flight: _Flight, exchange: Exchange, rule: OutboxForm, make: Make) -> Answer | None:
        """The origin's answer to a form that was written down before; None: there is none, and the outbox has it.

        Raises what isn't the link's fault.
        """
        item, held = flight.item, exchange.held
        assert held is not None, "made by `answer`"
        try:
            if self._outbox.is_full(item.owner) or not await self._outbox.keep(item):
                return await _whole(await make(exchange))  # as without an outbox
            answer = await _whole(await make(exchange))
        except ExchangeError as error:
            if error.code in NO_LINK and self._outbox.find(item.owner, item.id) is not None:
                await self._outbox.settle(item, State.UNCONFIRMED if held.begun else State.ACCEPTED, why="link")
                await self._logins.sign(item, exchange)
                return None
            await self._outbox.drop(item)
            raise
        except Exception:
            await self._outbox.settle(item, State.UNCONFIRMED if held.begun else State.ACCEPTED, why="unclear")
            raise
        else:
            await self._landed(flight, answer, rule)
            return answer
        finally:
            self._flights.pop((item.owner, item.digest), None)

    async def _landed(self, flight: _Flight, answer: Answer, rule: OutboxForm) -> None:
        """Who waits sees the origin's answer; who went with a receipt must find the end there."""
        if flight.waiting and not flight.has_receipt:
            await self._outbox.drop(flight.item)
            return
        said = Said(status=answer.status, location=answer.headers.get("Location", ""), page=_plain(answer))
        await self._outbox.judged(flight.item, said, rule)

    # -- the link comes back ---------------------------------------------------------------------------------

    def noticed(self, exchange: Exchange) -> None:
        """A learner for whom something waits is here: with the session she has now it may be sent."""
        if exchange.who.learner not in self._outbox.waiting:
            self._logins.met(exchange)
            return
        self._remember(exchange)
        if exchange.inbound.origin is not None and not self._is_down(exchange):
            self._visits.send(exchange.who.learner, exchange.inbound.origin)

    def forget(self, learner: str) -> None:
        """Her session is over: nothing is sent with it any more."""
        self._logins.forget(learner)
        self._visits.forget(learner)

    def visit(self, exchange: Exchange) -> Visit | None:
        """Her session as she presents it now."""
        return visit_of(exchange, via=self._via)

    def _remember(self, exchange: Exchange) -> None:
        visit = self.visit(exchange)
        if visit is not None:
            self._visits.remember(visit)

    def _is_down(self, exchange: Exchange) -> bool:
        inbound = exchange.inbound
        target = target_of(inbound.origin, scheme=inbound.scheme, host=inbound.host, port=inbound.port)
        return self._watch.link(target) is Link.DOWN


def told_of(item: Item, exchange: Exchange) -> Answer:
    """The way to its receipt, for a person or for a script."""
    if not item.form.is_call:
        return see_receipt(item)
    body = kept_by_script(exchange.who.language, f"{RECEIPTS}/{item.id}")
    return plain_answer(200, body, "application/json; charset=utf-8", Cache_Control="no-store")


def _plain(answer: Answer) -> str:
    """An answer's text where it is at hand and uncoded."""
    body = answer.body
    return (
        body.decode("utf-8", "replace") if isinstance(body, bytes) and "Content-Encoding" not in answer.headers else ""
    )


def see_receipt(item: Item) -> Answer:
    """To the receipt, which may be loaded again: that posts nothing."""
    return see_other(f"{RECEIPTS}/{item.id}")


async def _whole(answer: Answer) -> Answer:
    """The same answer with its body at hand, so that two may have it and the origin is done with."""
    body = answer.body
    if body is None or isinstance(body, bytes) or not hasattr(body, "__aiter__"):
        return answer
    pieces, total = [], 0
    try:
        async for piece in body:
            pieces.append(piece)
            total += len(piece)
            if total > _LARGEST_ANSWER_BYTES:
                raise ExchangeError("upstream-too-large", 502, Fault.UPSTREAM, "the answer to a form")
    finally:
        if answer.close is not None:
            await answer.close()
            answer.close = None
    answer.body = b"".join(pieces)
    return answer
