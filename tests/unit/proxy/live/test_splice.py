"""Joined connections under terms: ends, pace, budgets, windows; over real socket pairs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from proxy.clock import SystemClock
from proxy.live.duplex import duplex_of_socket
from proxy.live.splice import Splice
from proxy.live.terms import TRANCHE_BYTES
from tests.wire import OpenTerms


@dataclass(slots=True)
class Ends:
    """The far ends of both connections, and the splice between them."""

    client: socket.socket
    origin: socket.socket
    splice: Splice
    job: asyncio.Task[str]

    async def send(self, sock: socket.socket, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(sock, data)

    async def read(self, sock: socket.socket, nbytes: int) -> bytes:
        loop, got = asyncio.get_running_loop(), bytearray()
        while len(got) < nbytes and (data := await loop.sock_recv(sock, nbytes - len(got))):
            got += data
        return bytes(got)


@asynccontextmanager
async def spliced(terms: OpenTerms, *, idle_s: float = 30.0) -> AsyncIterator[Ends]:
    client, near_client = socket.socketpair()
    origin, near_origin = socket.socketpair()
    for sock in (client, origin, near_client, near_origin):
        sock.setblocking(False)
    splice = Splice(
        await duplex_of_socket(near_client, server_side=False),
        await duplex_of_socket(near_origin, server_side=False),
        terms,
        SystemClock(),
        idle_s,
    )
    ends = Ends(client, origin, splice, asyncio.create_task(splice.run()))
    try:
        async with asyncio.timeout(20):
            yield ends
    finally:
        ends.job.cancel()
        await asyncio.gather(ends.job, return_exceptions=True)
        client.close()
        origin.close()


async def test_bytes_pass_unchanged_and_one_sides_end_lets_the_other_finish() -> None:
    terms = OpenTerms()
    async with spliced(terms) as ends:
        await ends.send(ends.client, b"question")
        ends.client.shutdown(socket.SHUT_WR)
        assert await ends.read(ends.origin, 100) == b"question"
        await ends.send(ends.origin, b"answer " * 1000)
        ends.origin.close()
        assert await ends.read(ends.client, 10_000) == b"answer " * 1000
        assert await ends.job == "peer"
    assert [closing[:2] for closing in terms.closings] == [(8, 7000)]
    assert (sum(down for down, _ in terms.settled), sum(up for _, up in terms.settled)) == (7000, 8)


async def test_a_slow_side_holds_the_other_back() -> None:
    async with spliced(OpenTerms()) as ends:
        sent = 0
        try:
            async with asyncio.timeout(0.5):
                while True:
                    await ends.send(ends.origin, b"x" * 65_536)
                    sent += 65_536
        except TimeoutError:
            pass
        assert sent < 3_000_000, "what nobody takes is not read"


async def test_nothing_either_way_ends_it_and_a_little_keeps_it() -> None:
    terms = OpenTerms()
    async with spliced(terms, idle_s=0.3) as ends:
        for _ in range(5):
            await asyncio.sleep(0.15)
            await ends.send(ends.client, b"x")
            assert await ends.read(ends.origin, 1) == b"x"
        assert not ends.job.done()
        assert await ends.job == "idle"
    assert len(terms.closings) == 1


async def test_bytes_are_reserved_before_they_move_and_stop_when_the_allowance_is_spent() -> None:
    terms = OpenTerms(budget_bytes=2 * TRANCHE_BYTES)
    async with spliced(terms) as ends:
        sending = asyncio.create_task(ends.send(ends.origin, b"x" * (4 * TRANCHE_BYTES)))
        received = len(await ends.read(ends.client, 4 * TRANCHE_BYTES))
        assert await ends.job == "allowance"
        assert TRANCHE_BYTES < received <= 2 * TRANCHE_BYTES
        assert terms.reserved == [TRANCHE_BYTES, TRANCHE_BYTES]
        assert sum(down for down, _ in terms.settled) == received
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_the_pace_is_kept() -> None:
    async with spliced(OpenTerms(rate_bps=800_000)) as ends:
        started_s = time.monotonic()
        sending = asyncio.create_task(ends.send(ends.origin, b"x" * 100_000))
        assert len(await ends.read(ends.client, 100_000)) == 100_000
        ends.origin.close()
        ends.client.close()
        await sending
        await ends.job
        assert 0.7 < time.monotonic() - started_s < 2.5, "100 kB at 800 kbit/s take a second"


async def test_terms_that_end_are_asked_for_anew_and_none_closes() -> None:
    now = SystemClock().now()
    last = OpenTerms(valid_until=now + timedelta(seconds=0.6))
    first = OpenTerms(valid_until=now + timedelta(seconds=0.3), then=last)
    async with spliced(first) as ends:
        started_s = time.monotonic()
        assert await ends.job == "window"
        assert 0.4 < time.monotonic() - started_s < 2
        assert await ends.read(ends.client, 1) == b""
        assert await ends.read(ends.origin, 1) == b""
    assert first.closings == [] and len(last.closings) == 1


async def test_a_cancelled_splice_closes_its_terms_and_both_connections() -> None:
    terms = OpenTerms()
    async with spliced(terms) as ends:
        await ends.send(ends.client, b"x")
        assert await ends.read(ends.origin, 1) == b"x"
        ends.job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ends.job
        assert await ends.read(ends.client, 1) == b""
    assert [closing[:2] for closing in terms.closings] == [(1, 0)]
