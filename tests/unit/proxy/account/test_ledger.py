"""Hourly sums and the report made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from policies.values import MediaKind
from proxy.account.ledger import Ledger, ReportRow, report
from proxy.account.sqlite import SqliteState
from proxy.account.state import AddSums
from proxy.exchange import Receipt
from tests.receipts import AT, a_receipt


async def reported(folder: Path, receipts: list[Receipt], **options: object) -> tuple[ReportRow, ...]:
    state, ledger = SqliteState(folder / "s.sqlite3"), Ledger()
    await state.start()
    for receipt in receipts:
        ledger.record(receipt)
    await state.commit(ledger.changes())
    try:
        return await report(state, **options)  # type: ignore[arg-type]
    finally:
        await state.close()


def test_an_hour_is_one_line_and_its_money_is_exact() -> None:
    ledger = Ledger()
    for _ in range(1000):
        ledger.record(a_receipt(bytes_to_learner=1, metered_bytes=2, cost=Decimal("0.0000004")))
    (change,) = ledger.changes()
    assert isinstance(change, AddSums)
    assert change.key.hour == AT.replace(minute=0)
    assert (change.sums.exchanges, change.sums.metered_bytes, change.sums.cost_nano) == (1000, 2000, 400_000)
    assert ledger.changes() == []


def test_no_url_and_no_learner_reach_the_ledger() -> None:
    ledger = Ledger()
    ledger.record(a_receipt(url="https://lms.example.org/secret-page", learner="feedbeef"))
    assert "secret-page" not in repr(ledger.changes())
    ledger.record(a_receipt(learner="feedbeef"))
    assert "feedbeef" not in repr(ledger.changes())


async def test_a_report_says_what_was_saved_in_bytes_and_money(tmp_path: Path) -> None:
    saved = a_receipt(bytes_direct=1000, bytes_to_learner=300, cost=Decimal("0.1"), direct_cost=Decimal("0.4"))
    (row,) = await reported(tmp_path, [saved, saved])
    assert (row.group, row.saved_bytes, row.cost, row.saved_cost) == (
        ("koryak",),
        1400,
        Decimal("0.2"),
        Decimal("0.6"),
    )
    assert row.saved_share == pytest.approx(0.7)


async def test_where_nothing_would_have_come_there_is_no_share(tmp_path: Path) -> None:
    (row,) = await reported(tmp_path, [a_receipt(bytes_to_learner=300, treatment="own")])
    assert (row.saved_bytes, row.saved_share) == (-300, None)


async def test_groups_stand_by_what_they_save_and_hours_by_time(tmp_path: Path) -> None:
    receipts = [
        a_receipt(kind=MediaKind.IMAGE, bytes_direct=10, at=AT + timedelta(hours=1)),
        a_receipt(kind=MediaKind.VIDEO, bytes_direct=1000, at=AT),
        a_receipt(kind=MediaKind.VIDEO, bytes_direct=1, at=AT + timedelta(hours=1)),
    ]
    assert [row.group for row in await reported(tmp_path, receipts, by=["kind"])] == [("video",), ("image",)]
    hours = [row.group for row in await reported(tmp_path / "b", receipts, by=["hour", "kind"])]
    assert hours == [("2026-03-02T09:00Z", "video"), ("2026-03-02T10:00Z", "image"), ("2026-03-02T10:00Z", "video")]


async def test_schools_of_the_same_name_in_two_regions_stay_apart(tmp_path: Path) -> None:
    receipts = [a_receipt(region="a", site="school-1"), a_receipt(region="b", site="school-1"), a_receipt(site=None)]
    rows = await reported(tmp_path, receipts, by=["site"])
    assert {row.group for row in rows} == {("a/school-1",), ("b/school-1",), ("koryak",)}


async def test_currencies_are_never_added_up(tmp_path: Path) -> None:
    receipts = [a_receipt(cost=Decimal(1)), a_receipt(cost=Decimal(1), currency="KZT")]
    assert {(row.currency, row.cost) for row in await reported(tmp_path, receipts)} == {
        ("RUB", Decimal(1)),
        ("KZT", Decimal(1)),
    }


async def test_since_and_until_bound_the_hours(tmp_path: Path) -> None:
    receipts = [a_receipt(at=datetime(2026, 3, day, tzinfo=UTC), bytes_direct=1) for day in (1, 2, 3)]
    options = {"since": datetime(2026, 3, 2, tzinfo=UTC), "until": datetime(2026, 3, 3, tzinfo=UTC)}
    (row,) = await reported(tmp_path, receipts, **options)
    assert row.sums.exchanges == 1


async def test_an_unknown_grouping_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'learner'; known: region"):
        await reported(tmp_path, [], by=["learner"])
