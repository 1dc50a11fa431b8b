"""What is fetched ahead for a place is paid like everything else: by its allowances, at the price of the instant.

Laws of this file:
- a fetch is drawn from the allowances as it goes and settled once, whatever ended it; its receipt is the place's own,
  no learner's;
- a spent allowance ends a fetch as the hours' end does: it is passed by less than a tranche, and nothing more is begun;
- what costs nothing by the tariff (a free window, an origin that isn't counted) costs and counts nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from msgspec.structs import replace as with_fields

from policies.decision import Decision, Verdict
from policies.facts import Usage
from policies.frozen import Frozen
from policies.model import Origin, Territory
from policies.values import MediaKind
from proxy.account.account import Accountant
from proxy.account.allowances import TRANCHE_BYTES
from proxy.account.meter import Meter
from proxy.clock import Clock
from proxy.exchange import Receipt
from proxy.facts import own_request_facts
from proxy.media.hours import SPENT
from proxy.night.hours import Pace
from proxy.night.service import where_of
from proxy.runtime import Runtime


class Fetching(Frozen, frozen=True, kw_only=True):
    """What a place asks an origin for. url holds no secret."""

    territory: Territory
    origin: Origin
    url: str
    method: str = "GET"
    kind: MediaKind | None = None


class Fare:
    """One fetch under way. status: the origin's, 0 while it hasn't answered; refused: a spent allowance ended it."""

    def __init__(
        self, meter: Meter, decision: Decision, again: Callable[[datetime], Decision], pace: Pace, clock: Clock
    ) -> None:
        self._meter = meter
        self._decision = decision
        self._again = again
        self._pace = pace
        self._clock = clock
        self.status = 0
        self.from_origin_bytes = 0
        self.up_bytes = 0
        self.refused = False

    async def came(self, nbytes: int) -> bool:
        """So many bytes more are here. False: stop now."""
        self.from_origin_bytes += nbytes
        return await self.may(nbytes)

    async def may(self, nbytes: int) -> bool:
        """Draw so many bytes and wait for the place's turn on the link; False: the allowance, or the night, is over."""
        now, valid_until = self._clock.now(), self._decision.valid_until
        if valid_until is not None and now >= valid_until:
            self._decision = self._again(now)
            self._meter.redecide(self._decision)
        if not self._meter.draw(nbytes):
            self.refused = True
            return False
        return await self._pace(nbytes)

    def weighed(self, from_origin_bytes: int, up_bytes: int) -> None:
        """What heads weighed; drawn with the settlement."""
        self.from_origin_bytes += from_origin_bytes
        self.up_bytes += up_bytes

    def told(self, status: int, from_origin_bytes: int, up_bytes: int = 0) -> None:
        """What the origin answered, and what it weighed in truth."""
        self.status, self.from_origin_bytes, self.up_bytes = status, from_origin_bytes, up_bytes


class Toll:
    """Opens a fare for each fetch, and settles it."""

    def __init__(self, accountant: Accountant, clock: Clock, runtime: Callable[[], Runtime]) -> None:
        self._accountant = accountant
        self._clock = clock
        self._runtime = runtime

    def has_room(self, territory: Territory, now: datetime) -> bool:
        """Whether anything may be begun: a whole tranche is left of each allowance that stops and counts now."""
        learner = self._runtime().identifier.place(territory).learner
        room = self._accountant.allowances.room(territory, learner, now)
        return room is None or room >= TRANCHE_BYTES

    def decided(self, fetching: Fetching, at: datetime) -> Decision:
        """What the policy says of it at an instant."""
        where = where_of(fetching.url)
        facts = own_request_facts(
            fetching.territory,
            fetching.origin,
            method=fetching.method,
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            target=where.target,
            kind=fetching.kind,
        )
        return self._runtime().decider.decide(facts, Usage(), at)

    @contextmanager
    def fare(self, fetching: Fetching, pace: Pace) -> Iterator[Fare]:
        """The account of one fetch, settled where the block ends."""
        began, began_s = self._clock.now(), self._clock.steady_s()
        decision = self._priced(fetching, began)
        who = self._runtime().identifier.place(fetching.territory)
        meter = self._accountant.begin(decision, who)
        fare = Fare(meter, decision, lambda now: self._priced(fetching, now), pace, self._clock)
        try:
            yield fare
        finally:
            duration_s = self._clock.steady_s() - began_s
            self._settle(meter, fare, _blank(fetching, decision, who.learner, began, duration_s))

    def _priced(self, fetching: Fetching, at: datetime) -> Decision:
        """Nothing graded is fetched ahead, so nothing here may go past an allowance's end as assessment may."""
        return replace(self.decided(fetching, at), exempt=False)

    @staticmethod
    def _settle(meter: Meter, fare: Fare, receipt: Receipt) -> None:
        charge = meter.settle(
            from_origin_bytes=fare.from_origin_bytes, to_learner_bytes=0, up_bytes=fare.up_bytes, direct_bytes=0
        )
        if not (fare.status or fare.from_origin_bytes):
            return  # nothing was asked
        meter.record(
            with_fields(
                receipt,
                status=fare.status,
                bytes_from_origin=fare.from_origin_bytes,
                bytes_up=fare.up_bytes,
                metered_bytes=charge.metered_bytes,
                cost=charge.cost,
                error=SPENT if fare.refused else None,
            )
        )


def _blank(fetching: Fetching, decision: Decision, learner: str, at: datetime, duration_s: float) -> Receipt:
    """Without Tropa none of it would have moved by itself, so direct bytes and their price are 0."""
    return Receipt(
        at=at,
        duration_s=duration_s,
        region=decision.region,
        site=decision.site,
        learner=learner,
        origin=fetching.origin.id,
        host=where_of(fetching.url).host,
        url=fetching.url,
        method=fetching.method,
        mode=decision.mode,
        status=0,
        traffic_class=decision.traffic_class,
        kind=fetching.kind or MediaKind.OTHER,
        verdict=Verdict.ALLOW.value,
        treatment="night",
        currency=decision.price.currency,
        observe=decision.observe,
    )
