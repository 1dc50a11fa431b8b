"""What commands ask of a running process, and what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxy.account.errands import ANSWER, Errand, Errands, ask, withdraw
from proxy.account.sqlite import SqliteState
from proxy.account.state import MarkQuery
from tests.clocks import HandClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Office:
    def __init__(self) -> None:
        self.did: list[tuple[str, Mapping[str, Any]]] = []

    async def do(self, owner: str, facts: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        self.did.append((owner, facts))
        if facts.get("broken"):
            raise ValueError("can't be read")
        return {"for": owner}


async def kept(state: SqliteState) -> list[str]:
    return [mark.kind for mark in await state.list(MarkQuery(kind=None, now=NOON))]


@pytest.mark.parametrize("once", [False, True])
async def test_a_wish_is_done_once_and_its_answer_is_forgotten_when_it_is_read(state: SqliteState, once: bool) -> None:
    office = Office()
    errands = Errands(state, HandClock(NOON), (Errand(kind="wish", do=office.do, once=once),))
    asking = asyncio.ensure_future(ask(state, "wish", "anna", {"n": 1}, now=NOON, life=DAY, patience_s=30))
    while not office.did:
        await errands.run()
    await errands.run()
    assert await asking == {"for": "anna"}
    assert office.did == [("anna", {"n": 1})]
    assert await kept(state) == []


async def test_a_wish_waits_for_the_next_start_unless_it_is_withdrawn(state: SqliteState) -> None:
    for owner in ("anna", "boris"):
        assert await ask(state, "wish", owner, {}, now=NOON, life=DAY, patience_s=0) is None
    await withdraw(state, "wish", "boris")
    office = Office()
    await Errands(state, HandClock(NOON), (Errand(kind="wish", do=office.do),)).run()
    assert [owner for owner, _ in office.did] == ["anna"]
    assert await kept(state) == [ANSWER]


async def test_a_wish_that_fails_is_answered_and_keeps_no_other_waiting(state: SqliteState) -> None:
    await ask(state, "wish", "anna", {"broken": True}, now=NOON, life=DAY, patience_s=0)
    await ask(state, "wish", "boris", {}, now=NOON, life=DAY, patience_s=0)
    office = Office()
    errands = Errands(state, HandClock(NOON), (Errand(kind="wish", do=office.do),))
    await errands.run()
    await errands.run()
    assert len(office.did) == 2
    answers = [sorted(mark.facts) for mark in await state.list(MarkQuery(kind=ANSWER, now=NOON))]
    assert sorted(answers) == [["failed"], ["for"]]
