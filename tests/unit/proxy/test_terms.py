"""The terms of open exchanges."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from policies.decision import Decision, Price, Verdict
from policies.values import Mode, Scope
from proxy.account.allowances import Allowances
from proxy.account.meter import Meter
from proxy.exchange import Receipt
from proxy.terms import ExchangeTerms
from tests.builders import a_tariff, a_territory, an_allowance
from tests.exchanges import NOON, a_decision, a_who

MB = 1_000_000
PAID = Price(amount=Decimal("0.40"))
UNTIL = NOON + timedelta(hours=1)


class Now:
    at = NOON

    def now(self) -> datetime:
        return self.at

    def steady_s(self) -> float:
        return self.at.timestamp()


class Opened:
    """Terms over a real meter and the allowance of a site."""

    def __init__(self, decision: Decision, *later: Decision, amount_bytes: int = MB) -> None:
        allowance = an_allowance(amount_bytes, scope=Scope.SITE)
        self.place = a_territory("koryak", "tigil", tariff=a_tariff(allowances=(allowance,), overhead_factor=1.0))
        self.who = a_who(territory=self.place)
        self.allowances, self.receipts, self.ended = Allowances(run="t"), [], 0
        left = list(later)
        self.terms = ExchangeTerms(
            who=self.who,
            decision=decision,
            meter=Meter(decision, self.who, self.allowances, Now(), self.receipts.append),
            redecide=lambda now: left.pop(0),
            grace_s=5,
            started=NOON,
            host="lms.example.org",
            url="https://lms.example.org/chat",
            status=101,
            ended=self.one_less,
        )

    def one_less(self) -> None:
        self.ended += 1

    @property
    def used_bytes(self) -> int:
        return self.allowances.usage(self.place, self.who.learner, NOON).allowances[0].used_bytes

    async def closed(self, up: int = 0, down: int = 0) -> Receipt:
        await self.terms.closed(up, down, 1.5)
        (receipt,) = self.receipts
        return receipt


async def test_tranches_are_set_aside_and_what_did_not_move_is_free_again() -> None:
    opened = Opened(a_decision(price=PAID))
    assert await opened.terms.reserve(262_144)
    assert opened.used_bytes >= 262_144
    receipt = await opened.closed(up=1_000, down=9_000)
    assert (receipt.metered_bytes, opened.used_bytes) == (10_000, 10_000)
    assert receipt.cost == Decimal("0.004")


async def test_a_spent_allowance_gives_no_more() -> None:
    opened = Opened(a_decision(price=PAID), amount_bytes=300_000)
    assert await opened.terms.reserve(262_144)
    assert not await opened.terms.reserve(262_144)


async def test_it_ends_in_one_receipt_however_often_it_is_closed() -> None:
    opened = Opened(a_decision())
    receipt = await opened.closed(up=3, down=4)
    await opened.terms.closed(9, 9, 9.0)
    assert opened.receipts == [receipt] and opened.ended == 1
    assert (receipt.bytes_up, receipt.bytes_to_learner, receipt.bytes_direct, receipt.duration_s) == (3, 4, 4, 1.5)
    assert (receipt.method, receipt.status) == ("GET", 101)


async def test_a_tunnel_is_called_by_its_own_method() -> None:
    assert (await Opened(a_decision(mode=Mode.TUNNEL)).closed()).method == "CONNECT"


async def test_a_renewed_decision_brings_its_own_end_and_rate() -> None:
    opened = Opened(a_decision(valid_until=NOON), a_decision(valid_until=UNTIL, rate_bps=64_000))
    assert (opened.terms.valid_until, opened.terms.rate_bps) == (NOON, None)
    assert await opened.terms.redecide(NOON) is opened.terms
    assert (opened.terms.valid_until, opened.terms.rate_bps) == (UNTIL, 64_000)


async def test_what_may_not_go_on_is_closed() -> None:
    for verdict in (Verdict.DEFER, Verdict.REFUSE):
        assert await Opened(a_decision(), a_decision(verdict=verdict)).terms.redecide(NOON) is None


async def test_assessment_and_what_is_only_observed_are_never_closed() -> None:
    deferred = a_decision(verdict=Verdict.DEFER)
    for first, later in (
        (a_decision(exempt=True), deferred),
        (a_decision(), a_decision(verdict=Verdict.DEFER, exempt=True)),
        (a_decision(observe=True), a_decision(verdict=Verdict.DEFER, observe=True)),
    ):
        assert await Opened(first, later).terms.redecide(NOON) is not None


async def test_assessment_has_no_rate() -> None:
    assert Opened(a_decision(rate_bps=1000, exempt=True)).terms.rate_bps is None


async def test_bytes_of_each_hour_are_paid_at_its_own_price() -> None:
    """A tranche that was only set aside before the free hours began was not paid for."""
    opened = Opened(a_decision(price=PAID), a_decision(free_now=True))
    assert await opened.terms.reserve(262_144)
    await opened.terms.settle(9_000, 1_000)
    await opened.terms.redecide(UNTIL)
    receipt = await opened.closed(up=1_000, down=99_000)
    assert receipt.cost == Decimal("0.004")  # 10 kB at 0.40 a megabyte, 90 kB for nothing
