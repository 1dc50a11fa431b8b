"""A learner after a new login: her messages from the last one, offered to her and to nobody else.

Laws of this file: she is known again by the origin's own pages alone (`proxy.outbox.person`); nothing is offered on any
other ground, and nothing goes over by itself; looking costs a few reads of what is kept, ever more seldom, and only
where something was left at all; memory is bounded and gone with the process.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from policies.model import Origin, OutboxForm
from policies.values import Audience
from proxy.clock import Clock
from proxy.outbox.item import Item
from proxy.outbox.outbox import Outbox
from proxy.outbox.person import Persons
from proxy.stages.context import Exchange
from proxy.tasks import TaskKeeper

T = TypeVar("T")
_NEVER = (float("-inf"), 1.0)
_MOST_KNOWN = 2000
_LONGEST_S = 600.0  # between two looks at one login; the first comes before its first page is kept


class Logins:
    """One per process. persons None: nobody can be known again here."""

    def __init__(self, outbox: Outbox, keeper: TaskKeeper, clock: Clock) -> None:
        self._outbox = outbox
        self._keeper = keeper
        self._clock = clock
        self.persons: Persons | None = None
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        # key -> (when it is looked at again at the earliest, how long it is then left alone)
        self._tries: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def may_know(self, exchange: Exchange) -> bool:
        """Whether it is worth looking who this is: a page, where somebody left something, not looked at just now."""
        origin = exchange.inbound.origin
        if origin is None or origin.id not in self._outbox.stranded or self.persons is None:
            return False
        if exchange.facts.audience is not Audience.PAGE or exchange.inbound.request.method != "GET":
            return False
        key = (exchange.who.learner, origin.id)
        return key not in self._known and self._tries.get(key, _NEVER)[0] <= self._clock.steady_s()

    def met(self, exchange: Exchange) -> None:
        """Look who she is, beside the exchange."""
        if self.may_know(exchange) and exchange.inbound.origin is not None:
            key = (exchange.who.learner, exchange.inbound.origin.id)
            wait_s = self._tries.get(key, _NEVER)[1]
            _remember(self._tries, key, (self._clock.steady_s() + wait_s, min(wait_s * 2, _LONGEST_S)))
            self._keeper.start(self.person(exchange), name="outbox")

    async def person(self, exchange: Exchange) -> str:
        """A hash of who she is to this origin; "" as far as nobody knows."""
        origin = exchange.inbound.origin
        if origin is None or self.persons is None:
            return ""
        key = (exchange.who.learner, origin.id)
        if key not in self._known and (found := await self.persons.of(exchange, forms_of(origin))):
            _remember(self._known, key, found)
        return self._known.get(key, "")

    async def left(self, exchange: Exchange) -> tuple[Item, ...]:
        """Hers from other logins at this origin."""
        origin = exchange.inbound.origin
        if origin is None or origin.id not in self._outbox.stranded:
            return ()
        return self._outbox.left_by(await self.person(exchange), origin.id, exchange.who.learner)

    def count(self, learner: str) -> int:
        """As far as it is known already who she is."""
        if not self._outbox.stranded:
            return 0
        known = [(origin, person) for (who, origin), person in self._known.items() if who == learner]
        return sum(len(self._outbox.left_by(person, origin, learner)) for origin, person in known)

    async def sign(self, item: Item, exchange: Exchange) -> None:
        """Write down who wrote a message, for a login after this one."""
        origin = exchange.inbound.origin
        if self.persons is None or origin is None:
            return
        person = await self.persons.of(exchange, forms_of(origin), first=item.page_target)
        if person:
            await self._outbox.signed(item, person)

    def forget(self, learner: str) -> None:
        for memory in (self._known, self._tries):
            for key in [key for key in memory if key[0] == learner]:
                del memory[key]


def forms_of(origin: Origin) -> tuple[OutboxForm, ...]:
    """The forms of an origin, its own before its preset's."""
    return (*origin.outbox, *origin.preset.outbox)


def _remember(memory: OrderedDict[tuple[str, str], T], key: tuple[str, str], value: T) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _MOST_KNOWN:
        memory.popitem(last=False)
