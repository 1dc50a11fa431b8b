"""The outbox: messages kept while an origin is out of reach, sent once and in order when it is back.

Laws of this file:
- Nobody is told that a message is kept before the disk has it, and none is sent before the disk knows that it is being
  sent. So a process that dies at any point leaves each message unsent, found, or asked about: never twice, never lost.
- Sent with the learner's own session only, in the name of the learner who wrote it, in the order she wrote. A message
  goes over to another session of hers by her own word alone, where the origin's pages say that it is she.
- Only the origin's own page or redirect proves that a message arrived; what proves nothing becomes a question to her.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from policies.model import Limits, OutboxForm
from proxy.clock import Clock
from proxy.outbox.form import Form
from proxy.outbox.item import Item
from proxy.outbox.judging import Said, Verdict, of_post
from proxy.outbox.origin_pages import Ends, NotNow, OriginPages, Ready
from proxy.outbox.side import Lost, NotSent, OriginSide, Visit
from proxy.outbox.states import OPEN, OVER, State, WrongMove, after_restart
from proxy.outbox.store import Store

logger = logging.getLogger("tropa.outbox")

OVER_KEPT = timedelta(days=7)  # so that she sees in the list what became of it
_SAME_AGAIN = timedelta(hours=1)  # within it a form that says the same is taken for the same
_MOVABLE = frozenset(State) - OVER - {State.SENDING}
_LET_GO = frozenset({State.CANCELLED, State.FAILED})
RuleOf = Callable[[str, str], OutboxForm | None]


class Outbox:
    """Every message of this installation. `rule_of(origin, form_name)`: what policy says of it now."""

    def __init__(self, store: Store, side: OriginSide, clock: Clock, rule_of: RuleOf, limits: Callable[[], Limits]):
        self._store = store
        self._side = side
        self._pages = OriginPages(side)
        self._clock = clock
        self._rule_of = rule_of
        self._limits = limits
        self._items: dict[str, Item] = {}
        self._sending_for: set[tuple[str, str]] = set()
        self.waiting: frozenset[str] = frozenset()  # learners for whom something is still to be done
        self.stranded: frozenset[str] = frozenset()  # origins with messages that may find their writer's next login

    async def start(self) -> None:
        """Read what is kept; what was being sent when the process ended is to be looked for."""
        for item in await self._store.all():
            state = after_restart(item.state)
            self._items[item.id] = item
            if state is not item.state:
                await self._move(item, state, why="restart")
        self._count()

    # -- what she sees ---------------------------------------------------------------------------------------

    def of(self, owner: str) -> tuple[Item, ...]:
        """A learner's messages in the order she wrote them."""
        return tuple(item for item in self._items.values() if item.owner == owner)

    def find(self, owner: str, item_id: str) -> Item | None:
        """One of hers, None for anybody else's."""
        item = self._items.get(item_id)
        return item if item is not None and item.owner == owner else None

    def same(self, owner: str, digest: str) -> Item | None:
        """A message of hers that says the same and is waiting, asked about, or was sent just now."""
        since = self._clock.now() - _SAME_AGAIN
        for item in self._items.values():
            counts = item.changed > since if item.state is State.DONE else item.state not in _LET_GO
            if counts and item.owner == owner and item.digest == digest:
                return item
        return None

    def is_full(self, owner: str) -> bool:
        """Whether she has as many open messages as are kept of one learner."""
        open_ones = sum(1 for item in self._items.values() if item.owner == owner and item.state not in OVER)
        return open_ones >= self._limits().outbox_messages

    def counts(self) -> Mapping[State, int]:
        """How many messages are in each state."""
        found = dict.fromkeys(State, 0)
        for item in self._items.values():
            found[item.state] += 1
        return found

    # -- keeping ---------------------------------------------------------------------------------------------

    async def keep(self, item: Item) -> bool:
        """Keep a new message, in the state it has. False: the disk didn't take it, so nobody has it."""
        self._items[item.id] = item
        kept = await self._store.put(item)
        if not kept:
            self._items.pop(item.id, None)
        self._count()
        return kept

    async def settle(self, item: Item, state: State, why: str = "") -> None:
        """What became of a message that somebody else was sending. One that is gone meanwhile stays gone."""
        current = self._items.get(item.id)
        if current is not None and current.state is State.SENDING:
            await self._move(current, state, why=why)

    async def drop(self, item: Item) -> None:
        """Forget a message that needs no place here: its form was answered by the origin while she waited."""
        if self._items.pop(item.id, None) is not None:
            await self._store.drop([item.id])
        self._count()

    # -- what she decides ------------------------------------------------------------------------------------

    async def cancel(self, owner: str, item_id: str) -> Item | None:
        """Take it back; None: not hers, or on its way already."""
        return await self._decided(owner, item_id, State.CANCELLED)

    async def again(self, owner: str, item_id: str) -> Item | None:
        """Send it (again), whatever stands there."""
        item = self.find(owner, item_id)
        return None if item is None else await self._decided(owner, item_id, State.ACCEPTED, insists=True)

    async def arrived(self, owner: str, item_id: str) -> Item | None:
        """She saw it there."""
        return await self._decided(owner, item_id, State.DONE)

    def left_by(self, person: str, origin: str, owner: str) -> tuple[Item, ...]:
        """What this person wrote there under other logins than `owner`, and what isn't over."""
        if not person:
            return ()
        return tuple(
            item
            for item in self._items.values()
            if item.person == person and item.origin == origin and item.owner != owner and item.state in _MOVABLE
        )

    async def signed(self, item: Item, person: str) -> None:
        """It is known now who wrote it; one that is over or gone stays as it is."""
        current = self._items.get(item.id)
        if current is not None and current.owner == item.owner and current.state not in OVER:
            named = self._items[item.id] = replace(current, person=person)
            await self._store.put(named)
            self._count()

    async def adopt(self, item_id: str, owner: str, person: str) -> Item | None:
        """The message is this login's of the same person from now on; None: it isn't hers, is over, or on its way."""
        item = self._items.get(item_id)
        if item is None or not person or item.person != person or item.state not in _MOVABLE:
            return None
        adopted = self._items[item_id] = replace(item, owner=owner, why="", changed=self._clock.now())
        if not await self._store.put(adopted):
            self._items[item_id] = item
            return None
        self._count()
        return adopted

    async def _decided(self, owner: str, item_id: str, state: State, *, insists: bool = False) -> Item | None:
        item = self.find(owner, item_id)
        try:
            return await self._move(item, state, why="", insists=insists) if item is not None else None
        except WrongMove:
            return None

    async def forget(self, owner: str) -> int:
        """Erase everything of a learner."""
        gone = [item.id for item in self.of(owner)]
        for one in gone:
            self._items.pop(one, None)
        if gone:
            await self._store.drop(gone)
        self._count()
        return len(gone)

    async def sweep(self) -> None:
        """What waited too long comes back to her as failed; what is over for long enough goes."""
        now = self._clock.now()
        limit = timedelta(days=self._limits().outbox_days)
        for item in list(self._items.values()):
            if item.state is State.ACCEPTED and now - item.since > limit:
                await self._move(item, State.FAILED, why="too-old")
        kept = {State.DONE: OVER_KEPT, State.CANCELLED: OVER_KEPT, State.FAILED: limit, State.QUESTION: limit}
        gone = [i.id for i in self._items.values() if i.state in kept and now - i.changed > kept[i.state]]
        for one in gone:
            self._items.pop(one, None)
        if gone:
            await self._store.drop(gone)

    # -- sending ---------------------------------------------------------------------------------------------

    async def replay(self, visit: Visit) -> None:
        """Send what waits for this origin, with the session she came with just now. Raises nothing of the origin's."""
        key = (visit.learner, visit.origin.id)
        if key in self._sending_for:
            return
        self._sending_for.add(key)
        try:
            for item in self.of(visit.learner):
                if item.origin == visit.origin.id and item.state in OPEN and not await self._carried(item, visit):
                    return  # the later ones wait for their turn
        finally:
            self._sending_for.discard(key)

    async def look(self, owner: str, item_id: str, visit: Visit) -> None:
        """Look once more whether a message that is asked about stands there."""
        item = self.find(owner, item_id)
        rule = self._rule_of(item.origin, item.form_name) if item is not None else None
        if item is None or rule is None or item.state is not State.QUESTION:
            return
        found, why = await self._pages.finds(item, rule, visit)
        current = self._items.get(item.id)
        if current is item:
            await (self._move(item, State.DONE, why="found") if found else self._note(item, why))

    async def _carried(self, item: Item, visit: Visit) -> bool:
        """Take one message a step on; False: those behind it wait."""
        rule = self._rule_of(item.origin, item.form_name)
        if rule is None:  # policy no longer lists it: it stays, and she may take it back
            await self._note(item, "not-listed")
            return True
        if item.state is State.UNCONFIRMED:
            return await self._confirmed(item, rule, visit)
        return item.state is State.ACCEPTED and await self._sent(item, rule, visit)

    async def _confirmed(self, item: Item, rule: OutboxForm, visit: Visit) -> bool:
        found, why = await self._pages.finds(item, rule, visit)
        if why in ("link", "login"):
            await self._note(item, why)
            return False
        await self._move(item, State.DONE if found else State.QUESTION, why="found" if found else why)
        return True

    async def _sent(self, item: Item, rule: OutboxForm, visit: Visit) -> bool:
        """True: it has its end or a question; False: it still waits."""
        match ready := await self._pages.ready(item, rule, visit):
            case Ends():
                return await self._ends(item, ready.state, ready.why)
            case NotNow():
                await self._note(item, ready.why)
                return False
            case Ready():
                return await self._posted(item, ready, rule, visit)

    async def _posted(self, item: Item, ready: Ready, rule: OutboxForm, visit: Visit) -> bool:
        if self._items.get(item.id) is not item:
            return True  # she took it back meanwhile
        sending = await self._move(replace(item, seen_before=ready.seen), State.SENDING, why="")
        if sending is None:
            return False  # the disk doesn't know of it, so it isn't sent
        said = await self._side.post(ready.address, ready.form, visit, page_target=item.page_target)
        match said:
            case NotSent():
                await self._move(sending, State.ACCEPTED, why="link")
                return False
            case Lost():
                await self._move(sending, State.UNCONFIRMED, why="link")
                return False
            case Said():
                return await self.judged(sending, said, rule)

    async def judged(self, sending: Item, said: Said, rule: OutboxForm) -> bool:
        """What the origin's answer makes of a message on its way; False: it still waits."""
        match of_post(said, rule):
            case Verdict.TAKEN:
                await self.settle(sending, State.DONE)
                return True
            case Verdict.REFUSED:
                await self.settle(sending, State.FAILED, why="refused")
                return True
            case Verdict.NEEDS_LOGIN:
                await self.settle(sending, State.ACCEPTED, why="login")
                return False
            case Verdict.UNKNOWN:
                await self.settle(sending, State.UNCONFIRMED, why="unclear")
                return False

    # -- inside ----------------------------------------------------------------------------------------------

    async def _ends(self, item: Item, state: State, why: str) -> bool:
        if self._items.get(item.id) is item:
            await self._move(item, state, why=why)
        return True

    async def _note(self, item: Item, why: str) -> None:
        """Another reason for the same state. Only memory: it is found out anew after a restart."""
        if self._items.get(item.id) is item and item.why != why:
            self._items[item.id] = item.noted(why, self._clock.now())

    async def _move(self, item: Item, state: State, *, why: str, insists: bool | None = None) -> Item | None:
        """The message in its next state, kept; None: the disk didn't take it, and it stays where it was."""
        moved = item.moved(state, self._clock.now(), why=why)
        if insists is not None:
            moved = replace(moved, insists=insists)
        if state is State.DONE:
            moved = replace(moved, form=Form(fields=()), text="")
        before = self._items.get(item.id)
        if before is None or before.owner != item.owner:  # erased meanwhile, or another login's now
            return None
        self._items[item.id] = moved  # at once, so that of two who decide the second meets the new state
        # After a sending the truth is ahead of the disk: memory keeps it, and a restart looks again.
        kept = await self._store.put(moved) or before.state is State.SENDING
        if not kept and self._items.get(item.id) is moved:
            self._items[item.id] = before
        self._count()
        if not kept:
            return None
        return moved

    def _count(self) -> None:
        self.waiting = frozenset(item.owner for item in self._items.values() if item.state in OPEN)
        movable = (item for item in self._items.values() if item.state in _MOVABLE)
        self.stranded = frozenset(item.origin for item in movable if item.person)
