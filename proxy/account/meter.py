"""One exchange's draw on the allowances and its price.

Laws of this file: bytes are set aside before they move and settled after, each in the period and at the price in
which it moved; assessment, and what is only observed, is counted and never cut.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from policies.decision import Decision
from policies.frozen import Frozen
from policies.money import cost, metered
from policies.values import CostlyHop
from proxy.account.allowances import TRANCHE_BYTES, Allowances, Reservation
from proxy.clock import Clock
from proxy.exchange import Receipt, Who

if TYPE_CHECKING:
    from collections.abc import Callable

_NOTHING = Decimal(0)
_SHARES = 8  # a learner's browser opens at most six connections to a site


class Charge(Frozen, frozen=True, gc=False):
    """What an exchange is charged: metered bytes, their price, and what it would have cost without Tropa."""

    metered_bytes: int = 0
    cost: Decimal = _NOTHING
    direct_cost: Decimal = _NOTHING


NO_CHARGE = Charge()


class Meter:
    """Measures one exchange from its decision to its receipt.

    hop  the hop whose bytes are drawn: with LEARNER_LINK those to and from the learner, with SITE_UPLINK those from
         and to the origin, with NONE nothing costs
    """

    __slots__ = (
        "_allowances",
        "_clock",
        "_counts",
        "_decision",
        "_done",
        "_drawn_metered",
        "_forced",
        "_left",
        "_reservation",
        "_segment_metered",
        "_settled_metered",
        "_spent",
        "_who",
        "hop",
    )

    def __init__(
        self,
        decision: Decision,
        who: Who,
        allowances: Allowances,
        clock: Clock,
        done: Callable[[Receipt], None],
    ) -> None:
        self._decision = decision
        self._who = who
        self._allowances = allowances
        self._clock = clock
        self._done = done
        self.hop = decision.costly_hop
        self._counts = self.hop is not CostlyHop.NONE and is_counted(decision, who)
        self._forced = never_cut(decision)
        self._reservation: Reservation | None = None
        self._left = 0
        self._drawn_metered = 0
        self._settled_metered = 0
        self._segment_metered = 0
        self._spent = _NOTHING

    def expect(self, nbytes: int) -> bool:
        """Set aside for a body of that length. False: an allowance that stops hasn't room for all of it."""
        if not self._counts:
            return True
        self._settle_tranche()
        return self._set_aside(metered(nbytes, self._who.territory.tariff))

    def draw(self, nbytes: int) -> bool:
        """Before nbytes move on the costly hop, either way; False: the allowance is spent, they must not move."""
        if not self._counts:
            return True
        nmetered = metered(nbytes, self._who.territory.tariff)
        if nmetered > self._left and not self._next_tranche(nmetered):
            return False
        self._left -= nmetered
        self._drawn_metered += nmetered
        self._segment_metered += nmetered
        if self._reservation is not None:
            self._reservation.drawn_bytes += nmetered
        return True

    def redecide(self, decision: Decision, *, unmoved_bytes: int = 0) -> None:
        """From here on another decision's price holds: what was drawn so far is paid at the last one's.

        unmoved_bytes  of those drawn that haven't moved yet: they are given back, and drawn anew when they do
        """
        unmoved = min(metered(unmoved_bytes, self._who.territory.tariff), self._segment_metered)
        self._segment_metered -= unmoved
        self._drawn_metered -= unmoved
        if self._reservation is not None:
            self._reservation.drawn_bytes -= min(unmoved, self._reservation.drawn_bytes)
        self._spent += cost(self._segment_metered, self._decision.price.amount)
        self._segment_metered = 0
        self._settle_tranche()
        self._decision = decision
        self._forced = never_cut(decision)
        self._counts = self.hop is not CostlyHop.NONE and is_counted(decision, self._who)

    def finish(self, receipt: Receipt) -> Receipt:
        """The exchange is over: settle, count and log it once. Returns the receipt with its metered bytes and cost.

        The receipt's bytes are the truth; what was drawn beyond them is free again.
        """
        charge = self.settle(
            from_origin_bytes=receipt.bytes_from_origin,
            to_learner_bytes=receipt.bytes_to_learner,
            up_bytes=receipt.bytes_up,
            direct_bytes=receipt.bytes_direct,
        )
        settled = replace(receipt, metered_bytes=charge.metered_bytes, cost=charge.cost, direct_cost=charge.direct_cost)
        self._done(settled)
        return settled

    def settle(self, *, from_origin_bytes: int, to_learner_bytes: int, up_bytes: int, direct_bytes: int) -> Charge:
        """The exchange is over: settle with the allowances. Its receipt, made with this charge, goes to `record`."""
        tariff, amount = self._who.territory.tariff, self._decision.price.amount
        on_hop = _on_hop(self.hop, from_origin_bytes, to_learner_bytes, up_bytes)
        total = metered(on_hop, tariff)
        earlier = self._drawn_metered - self._segment_metered
        here = cost(max(0, total - earlier), amount) if amount else _NOTHING
        spent = self._spent + here if self._spent else here
        rest = total - self._settled_metered  # negative where less moved than was drawn
        if self._reservation is not None:
            self._allowances.settle(self._reservation, rest)
            self._reservation = None
        elif self._counts and rest:
            self._allowances.count(self._who.territory, self._who.learner, rest, self._clock.now())
        if not amount or self.hop is CostlyHop.NONE:
            return Charge(total, spent)
        if direct_bytes + up_bytes == on_hop and not earlier:
            return Charge(total, spent, here)
        return Charge(total, spent, cost(metered(direct_bytes + up_bytes, tariff), amount))

    def record(self, receipt: Receipt) -> None:
        """Count and log the receipt of what `settle` has settled."""
        self._done(receipt)

    # -- inside -----------------------------------------------------------------------------------------------

    def _next_tranche(self, at_least: int) -> bool:
        """Near an allowance's end tranches shrink, so that one download doesn't starve its neighbours."""
        self._settle_tranche()
        room = (
            None if self._forced else self._allowances.room(self._who.territory, self._who.learner, self._clock.now())
        )
        if room is None:
            return self._set_aside(max(TRANCHE_BYTES, at_least))
        if at_least > room:
            return False
        return self._set_aside(max(at_least, min(TRANCHE_BYTES, room // _SHARES)))

    def _set_aside(self, want: int) -> bool:
        territory, learner, now = self._who.territory, self._who.learner, self._clock.now()
        held = self._allowances.reserve(territory, learner, want, now, forced=self._forced)
        if held.short:
            return False
        self._reservation, self._left = held, want
        return True

    def _settle_tranche(self) -> None:
        if self._reservation is not None:
            self._settled_metered += self._reservation.drawn_bytes
            self._allowances.settle(self._reservation, self._reservation.drawn_bytes)
            self._reservation = None
        self._left = 0


def _on_hop(hop: CostlyHop, from_origin_bytes: int, to_learner_bytes: int, up_bytes: int) -> int:
    """Those of an exchange's bytes that cross the hop that costs."""
    match hop:
        case CostlyHop.LEARNER_LINK:
            return to_learner_bytes + up_bytes
        case CostlyHop.SITE_UPLINK:
            return from_origin_bytes + up_bytes
        case CostlyHop.NONE:
            return 0


def is_counted(decision: Decision, who: Who) -> bool:
    """Whether the operator counts this origin's traffic in allowances at all."""
    return decision.origin not in who.territory.tariff.free_origins


def never_cut(decision: Decision) -> bool:
    return decision.exempt or decision.observe or decision.bypassed
