"""An exchange from its decision to ledger, log and allowances; open ones by tranche; flushes and restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from policies.decision import Decision, Price, Verdict
from policies.model import Territory
from policies.treatments import PASS_ALL
from policies.values import CostlyHop, Mode, Scope, TrafficClass
from proxy.account.account import Accountant
from proxy.account.codes import Codes
from proxy.account.errands import ANSWER, CORRECTION, Errand, Errands
from proxy.account.log import AccessLog
from proxy.account.metrics import Metrics
from proxy.account.sqlite import SqliteState
from proxy.account.state import LedgerQuery, Mark, MarkQuery, PutMark
from proxy.exchange import Who
from proxy.tasks import TaskKeeper
from tests.builders import a_catalogue, a_tariff, a_territory, an_allowance
from tests.clocks import HandClock
from tests.receipts import a_receipt

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALLOWANCE = an_allowance(1_000_000, scope=Scope.SITE)
PLACE = a_territory("koryak", "tigil", tariff=a_tariff(allowances=(ALLOWANCE,), free_origins=frozenset({"free"})))
PAID = Decision(
    verdict=Verdict.ALLOW,
    region="koryak",
    site="tigil",
    origin="lms",
    mode=Mode.REVERSE,
    traffic_class=TrafficClass.LESSON,
    treatments=PASS_ALL,
    reasons=(),
    valid_until=None,
    price=Price(amount=Decimal("0.40")),
)
FREE = replace(PAID, price=Price(), free_now=True)


class WrongClock(HandClock):
    """One that can be wrong for a while."""

    def __init__(self) -> None:
        super().__init__(NOON)
        self.wrong_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.wrong_by


class Office:
    """An accountant with real parts in a folder."""

    def __init__(self, folder: Path, place: Territory = PLACE) -> None:
        self.folder, self.place = folder, place
        self.clock = WrongClock()
        self.state = SqliteState(folder / "s.sqlite3")
        self.log = AccessLog(folder / "log", max_days=7, max_bytes=10**7)
        self.metrics = Metrics()
        self.keeper = TaskKeeper("test")
        self.accountant = Accountant(
            state=self.state,
            clock=self.clock,
            log=self.log,
            metrics=self.metrics,
            codes=Codes(b"k" * 32),
            catalogue=lambda: a_catalogue(place),
        )

    async def open(self) -> Office:
        await self.state.start()
        self.log.start()
        await self.accountant.start(self.keeper)
        return self

    async def close(self) -> None:
        await self.accountant.flush()
        await self.keeper.close()
        await self.state.close()
        self.log.close()

    def who(self, learner: str = "olga") -> Who:
        return Who(territory=self.place, learner=learner, learner_by="cookie", known_by="network", language="ru")

    @property
    def used_bytes(self) -> int:
        (use,) = self.accountant.usage(self.place, "olga", self.clock.now()).allowances
        return use.used_bytes


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    opened = await Office(tmp_path).open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("hop", "metered_bytes"),
    [(CostlyHop.LEARNER_LINK, 1_166_000), (CostlyHop.SITE_UPLINK, 636_000), (CostlyHop.NONE, 0)],
)
async def test_only_the_costly_hops_bytes_are_metered_and_paid(
    office: Office, hop: CostlyHop, metered_bytes: int
) -> None:
    receipt = a_receipt(bytes_from_origin=500_000, bytes_to_learner=1_000_000, bytes_up=100_000, bytes_direct=2_000_000)
    settled = office.accountant.settle(receipt, office.who(), replace(PAID, costly_hop=hop))
    assert settled.metered_bytes == metered_bytes
    assert settled.cost == Decimal(metered_bytes) / 1_000_000 * Decimal("0.40")
    assert settled.direct_cost == (0 if hop is CostlyHop.NONE else Decimal("0.8904"))
    assert office.used_bytes == metered_bytes


async def test_a_free_origin_counts_in_no_allowance(office: Office) -> None:
    office.accountant.settle(a_receipt(bytes_to_learner=1000), office.who(), replace(FREE, origin="free"))
    assert office.used_bytes == 0


async def test_draws_are_settled_by_what_the_receipt_says(office: Office) -> None:
    meter = office.accountant.begin(PAID, office.who())
    assert meter.draw(10_000)
    assert office.used_bytes > 10_600
    meter.finish(a_receipt(bytes_to_learner=5_000, bytes_up=1_000))
    assert office.used_bytes == 6_360


async def test_draws_end_where_the_allowance_does_and_not_before(office: Office) -> None:
    meter, drawn = office.accountant.begin(PAID, office.who()), 0
    while meter.draw(10_000):
        drawn += 10_000
    assert drawn == 940_000  # times 1.06: 996,400 of a million
    meter.finish(a_receipt(bytes_to_learner=drawn))
    assert office.used_bytes == 996_400


async def test_six_downloads_share_the_end_of_an_allowance(office: Office) -> None:
    office.accountant.settle(a_receipt(bytes_to_learner=800_000), office.who(), PAID)
    meters = [office.accountant.begin(PAID, office.who()) for _ in range(6)]
    assert all(meter.draw(5_000) for meter in meters)


@pytest.mark.parametrize("sacred", [{"exempt": True}, {"observe": True}, {"bypassed": True}])
async def test_assessment_and_what_is_observed_are_counted_and_never_cut(
    office: Office, sacred: dict[str, bool]
) -> None:
    meter = office.accountant.begin(replace(PAID, **sacred), office.who())
    assert all(meter.draw(100_000) for _ in range(30))
    meter.finish(a_receipt(bytes_to_learner=3_000_000))
    assert office.used_bytes == 3_180_000


async def test_an_expected_length_is_set_aside_whole_or_not_at_all(office: Office) -> None:
    meter = office.accountant.begin(PAID, office.who(), 500_000)
    assert office.used_bytes == 530_000
    assert not office.accountant.begin(PAID, office.who()).expect(500_000)
    assert office.used_bytes == 530_000
    meter.finish(a_receipt(bytes_to_learner=0))
    assert office.used_bytes == 0


async def test_a_tunnel_through_a_windows_edge_pays_each_part_at_its_price(office: Office) -> None:
    meter = office.accountant.begin(FREE, office.who())
    assert meter.draw(100_000)
    meter.redecide(PAID)
    assert meter.draw(50_000)
    settled = meter.finish(a_receipt(bytes_to_learner=150_000))
    assert settled.metered_bytes == 159_000
    assert settled.cost == Decimal("0.0212")


async def test_a_tunnel_through_a_renewal_counts_each_tranche_in_its_period(office: Office) -> None:
    place = replace(PLACE, tariff=a_tariff(allowances=(ALLOWANCE,), free=replace(PLACE.tariff.free, windows=())))
    office.place = place
    meter = office.accountant.begin(PAID, office.who())
    assert meter.draw(200_000)
    office.clock.at = NOON + timedelta(hours=12)
    assert meter.draw(200_000)
    meter.finish(a_receipt(bytes_to_learner=400_000))
    assert office.used_bytes == 212_000


async def test_one_exchange_is_one_line_in_ledger_log_and_metrics(office: Office) -> None:
    office.accountant.settle(a_receipt(bytes_to_learner=1000, support_code="K7Q-4M2"), office.who(), PAID)
    await office.accountant.flush()
    (line,) = await office.state.list(LedgerQuery())
    assert (line.sums.exchanges, line.sums.bytes_to_learner, line.sums.metered_bytes) == (1, 1000, 1060)
    assert line.sums.cost_nano == 424_000
    assert office.log.drain()
    (file,) = (office.folder / "log").iterdir()
    assert '"metered_bytes":1060' in file.read_text()
    assert office.metrics.registry.get_sample_value(
        "tropa_metered_bytes_total", {"region": "koryak", "class": "lesson"}
    )


async def test_a_second_process_goes_on_where_the_first_was_killed(tmp_path: Path) -> None:
    first = await Office(tmp_path).open()
    first.accountant.settle(a_receipt(bytes_to_learner=100_000), first.who(), PAID)
    tunnel = first.accountant.begin(PAID, first.who())
    assert tunnel.draw(50_000)
    await first.accountant.flush()
    await first.keeper.close()  # no close: as killed
    second = await Office(tmp_path).open()
    assert second.used_bytes == 159_000
    await second.accountant.flush()
    third = await Office(tmp_path).open()
    assert third.used_bytes == 159_000
    for office in (third, second):
        await office.close()
    await first.state.close()
    first.log.close()


async def test_a_correction_left_by_a_command_is_taken_once(office: Office) -> None:
    mark = Mark(
        kind=CORRECTION,
        owner="koryak/tigil",
        key="1",
        until=NOON + timedelta(days=1),
        facts={"scope": "site", "bytes": 5000},
    )
    await office.state.commit([PutMark(mark)])
    errands = Errands(office.state, office.clock, (Errand(kind=CORRECTION, do=office.accountant.corrected, once=True),))
    for _ in range(2):
        await errands.run()
        assert office.used_bytes == 5000
    answer = await office.state.read(ANSWER, "", "1", now=NOON)
    assert answer is not None and answer.facts == {"done": True}


async def test_a_correction_for_an_unknown_place_is_refused(office: Office) -> None:
    assert not office.accountant.correct(Scope.SITE, "atlantis/x", 1, NOON)
    assert not office.accountant.correct(Scope.LEARNER, "koryak/tigil:olga", 1, NOON)
    assert office.accountant.correct(Scope.SITE, "koryak/tigil", 1, NOON)


async def test_a_clock_that_leaps_ahead_sweeps_nothing_away_for_a_day(
    office: Office,
) -> None:
    async def marks() -> int:
        return len(await office.state.list(MarkQuery(kind=None, now=NOON)))

    async def after(**passed: float) -> int:
        office.clock.at += timedelta(**passed)
        await office.accountant._now_and_then(office.clock.now())
        return await marks()

    mark = Mark(kind="grant", owner="olga", key="1", until=NOON + timedelta(days=30))
    await office.state.commit([PutMark(mark)])
    office.clock.wrong_by = timedelta(days=400)
    assert await after(minutes=31) == 1
    office.clock.wrong_by = timedelta(0)  # set right: everything is as it was
    assert await after(minutes=31) == 1
    office.clock.wrong_by = timedelta(days=400)
    assert await after(minutes=31) == 1
    assert await after(hours=23) == 1
    assert await after(hours=2) == 0  # it was no mistake
