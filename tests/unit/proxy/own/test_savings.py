"""What a learner was spared, in her own days and months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from proxy.own.savings import LearnerSavings
from proxy.pages import Savings
from tests.builders import a_territory
from tests.receipts import a_receipt

PLACE = a_territory()  # Kamchatka: UTC+12
EVENING = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)  # 23:30 on the 30th there


def saved(at: datetime, direct: int = 1000, got: int = 100, **fields: object):  # type: ignore[no-untyped-def]
    money = {"cost": Decimal("0.01"), "direct_cost": Decimal("0.11")}
    return a_receipt(at=at, learner="hers", bytes_direct=direct, bytes_to_learner=got, **(money | fields))


def test_days_and_months_are_the_learners_own() -> None:
    savings = LearnerSavings()
    savings.record(saved(EVENING), PLACE)
    savings.record(saved(EVENING + timedelta(hours=1)), PLACE)  # the 31st has begun there
    both = savings.savings("hers", PLACE, EVENING + timedelta(hours=1))
    assert (both.today_bytes, both.month_bytes) == (900, 1800)
    assert (both.today_money, both.month_money) == (Decimal("0.10"), Decimal("0.20"))
    april = savings.savings("hers", PLACE, EVENING + timedelta(days=1, hours=1))
    assert (april.today_bytes, april.month_bytes) == (None, None) and april.month_money == 0


def test_a_new_month_begins_anew() -> None:
    savings = LearnerSavings()
    savings.record(saved(EVENING), PLACE)
    savings.record(saved(EVENING + timedelta(days=3)), PLACE)
    assert savings.savings("hers", PLACE, EVENING + timedelta(days=3)).month_bytes == 900


def test_what_cost_more_than_it_would_have_is_no_saving() -> None:
    savings = LearnerSavings()
    savings.record(saved(EVENING, direct=0, got=500), PLACE)
    savings.record(saved(EVENING, direct=500, got=500), PLACE)
    assert savings.savings("hers", PLACE, EVENING) == Savings()


def test_bytes_that_were_free_anyway_save_no_money() -> None:
    savings = LearnerSavings()
    savings.record(saved(EVENING, cost=Decimal(0), direct_cost=Decimal(0)), PLACE)
    assert savings.savings("hers", PLACE, EVENING).today_money == 0
    assert savings.savings("hers", PLACE, EVENING).today_bytes == 900


def test_learners_are_apart_and_the_longest_unseen_is_forgotten() -> None:
    savings = LearnerSavings(max_learners=2)
    for learner in ("a", "b", "a", "c"):
        savings.record(a_saving(learner), PLACE)
    got = {learner: savings.savings(learner, PLACE, EVENING).today_bytes for learner in "abc"}
    assert got == {"a": 1800, "b": None, "c": 900}


def a_saving(learner: str):  # type: ignore[no-untyped-def]
    return a_receipt(at=EVENING, learner=learner, bytes_direct=1000, bytes_to_learner=100)
