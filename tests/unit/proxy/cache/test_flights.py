"""One question at a time for what several want."""

from __future__ import annotations

import asyncio

import pytest

from proxy.cache.flights import Flights


async def test_others_wait_until_the_question_is_answered() -> None:
    flights = Flights()
    with flights.lead(b"page"):
        waits = flights.find(b"page")
        assert waits is not None and not waits.done()
        assert b"page" in flights and flights.find(b"other") is None and flights.find(None) is None
    assert waits.done() and b"page" not in flights


async def test_a_question_leads_from_the_moment_it_is_planned_though_its_task_has_not_begun() -> None:
    flights = Flights()
    led = flights.lead(b"page")
    assert b"page" in flights
    with led:
        assert b"page" in flights
    assert b"page" not in flights


async def test_a_question_that_fails_lets_the_others_go_on() -> None:
    flights = Flights()

    async def waiter() -> str:
        flight = flights.find(b"page")
        assert flight is not None
        await asyncio.shield(flight)
        return "went on"

    led = flights.lead(b"page")
    waits = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="no link"), led:
        raise OSError("no link")
    assert await waits == "went on"


async def test_one_who_stops_waiting_takes_nothing_from_the_others() -> None:
    flights = Flights()
    with flights.lead(b"page"):
        flight = flights.find(b"page")
        assert flight is not None
        gone = asyncio.create_task(asyncio.wait_for(asyncio.shield(flight), 10))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert not flight.cancelled()
