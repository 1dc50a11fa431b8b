"""A delivery under watch: its allowance, its time, its pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from policies.decision import Decision, Price, Verdict
from policies.values import CostlyHop, Scope
from proxy.account.allowances import Allowances
from proxy.account.meter import Meter
from proxy.deliver.answer import Tally
from proxy.deliver.pace import Pacer
from proxy.overseer import Overseer
from tests.builders import a_tariff, a_territory, an_allowance
from tests.clocks import HandClock
from tests.exchanges import NOON, a_decision, a_who

PAID = Price(amount=Decimal("0.40"))


class Watched:
    """An overseer over a real meter and real allowances of a site."""

    def __init__(
        self, decision: Decision, *, amount_bytes: int = 1_000_000, again: Callable[[datetime], Decision] | None = None
    ) -> None:
        self.clock, self.tally, self.asked = HandClock(), Tally(), []
        allowance = an_allowance(amount_bytes, scope=Scope.SITE)
        place = a_territory("koryak", "tigil", tariff=a_tariff(allowances=(allowance,), overhead_factor=1.0))
        self.place, self.who = place, a_who(territory=place)
        self.allowances = Allowances(run="t")
        self.meter = Meter(decision, self.who, self.allowances, self.clock, lambda receipt: None)
        self.again = again or (lambda now: decision)
        self.overseer = Overseer(
            clock=self.clock,
            pacer=Pacer(),
            meter=self.meter,
            learner=self.who.learner,
            decision=decision,
            again=self._decide,
            tally=self.tally,
        )

    def _decide(self, now: datetime) -> Decision:
        self.asked.append(now)
        return self.again(now)

    async def sent(self, *pieces: int) -> list[bool]:
        return [await self.overseer.watch(nbytes) for nbytes in pieces]


async def test_the_learners_link_draws_what_was_handed_to_the_socket() -> None:
    watched = Watched(a_decision(price=PAID), amount_bytes=100_000)
    assert await watched.sent(60_000, 39_000, 2_000) == [True, True, False]


async def test_a_sites_uplink_draws_what_was_taken_from_the_origin() -> None:
    decision = a_decision(price=PAID, costly_hop=CostlyHop.SITE_UPLINK)
    watched = Watched(decision, amount_bytes=100_000)
    watched.tally.from_origin_bytes = 90_000  # a page that grew or shrank on its way: what came in is what costs
    assert await watched.sent(400_000, 400_000) == [True, True]
    watched.tally.from_origin_bytes = 120_000
    assert await watched.sent(1) == [False]


async def test_what_comes_from_the_sites_own_store_is_never_cut_by_its_uplink() -> None:
    watched = Watched(a_decision(price=PAID, costly_hop=CostlyHop.SITE_UPLINK), amount_bytes=10)
    assert await watched.sent(500_000, 500_000) == [True, True]


async def test_where_no_hop_costs_nothing_is_drawn() -> None:
    watched = Watched(a_decision(price=PAID, costly_hop=CostlyHop.NONE), amount_bytes=10)
    assert await watched.sent(500_000) == [True]


async def test_assessment_is_never_cut_by_an_allowance() -> None:
    watched = Watched(a_decision(price=PAID, exempt=True), amount_bytes=10)
    assert await watched.sent(500_000) == [True]


async def test_it_is_decided_again_when_its_time_is_over_and_not_before() -> None:
    until = NOON + timedelta(seconds=10)
    closed = a_decision(verdict=Verdict.DEFER)
    watched = Watched(a_decision(valid_until=until), again=lambda now: closed)
    watched.clock.at = until - timedelta(microseconds=1)
    assert await watched.sent(1) == [True] and not watched.asked
    watched.clock.at = until
    assert await watched.sent(1) == [False] and watched.asked == [until]


async def test_a_renewed_decision_holds_until_its_own_end() -> None:
    until = NOON + timedelta(seconds=10)
    watched = Watched(a_decision(valid_until=until), again=lambda now: a_decision(valid_until=now + timedelta(hours=1)))
    watched.clock.at = until
    assert await watched.sent(1, 1, 1) == [True, True, True] and len(watched.asked) == 1


@pytest.mark.parametrize("before", [True, False])
async def test_assessment_goes_on_past_its_time(before: bool) -> None:
    closed = a_decision(verdict=Verdict.REFUSE, exempt=not before)
    watched = Watched(a_decision(valid_until=NOON, exempt=before), again=lambda now: closed)
    assert await watched.sent(1) == [True]


async def test_what_is_only_observed_goes_on_past_its_time() -> None:
    closed = a_decision(verdict=Verdict.DEFER, observe=True)
    watched = Watched(a_decision(valid_until=NOON, observe=True), again=lambda now: closed)
    assert await watched.sent(1) == [True]


async def test_a_rate_is_kept_to_and_assessment_has_none() -> None:
    slow = a_decision(rate_bps=800_000)  # 100 kB a second
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    assert await Watched(slow).sent(120_000) == [True]
    assert 0.15 < loop.time() - started_s < 2
    started_s = loop.time()
    assert await Watched(replace(slow, exempt=True)).sent(120_000_000) == [True]
    assert loop.time() - started_s < 0.1
