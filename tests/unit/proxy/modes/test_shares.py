"""Places for running exchanges, shared out among clients."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
from aiohttp import web

from policies.model import Limits
from proxy.errors import ExchangeError
from proxy.exchange import Inbound
from proxy.modes.shares import Shares
from tests.origins import talk
from tests.wire import LOOPBACK, Wire, catalogue_of, origin_of, wire


def test_nobody_takes_more_than_a_quarter_and_what_ends_is_forgotten() -> None:
    shares, school, other = Shares(), ip_address("10.41.7.1"), ip_address("10.41.8.1")
    held = [shares.take(school, 400) for _ in range(100)]
    with pytest.raises(ExchangeError, match="overloaded"):
        shares.take(school, 400)
    shares.give_back(shares.take(other, 400))
    shares.give_back(held.pop())
    held.append(shares.take(school, 400))
    for holder in held:
        shares.give_back(holder)
    assert len(shares) == 0


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    shares = Shares()
    for number in range(32):
        shares.take(ip_address(f"2001:470:1f0b:1::{number:x}"), 100)
    with pytest.raises(ExchangeError):
        shares.take(ip_address("2001:470:1f0b:1:ffff::1"), 100)
    assert shares.take(ip_address("2001:470:1f0b:2::1"), 100)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::"])
def test_whoever_cant_be_told_apart_has_no_share(address: str) -> None:
    shares = Shares()
    for _ in range(1000):
        shares.give_back(shares.take(ip_address(address), 40) or 0)
        shares.take(ip_address(address), 40)
    assert len(shares) == 0


async def test_who_hangs_up_on_slow_pages_leaves_room_for_others() -> None:
    go_on = asyncio.Event()

    async def slow(_: Wire, inbound: Inbound) -> web.StreamResponse:
        if inbound.target == "/slow":
            await go_on.wait()
        return web.Response(text="served")

    def get(target: str, address: str) -> bytes:
        return f"GET {target} HTTP/1.1\r\nHost: lms.test\r\nX-Forwarded-For: {address}\r\n\r\n".encode()

    limits = Limits(max_exchanges=40)
    catalogue = catalogue_of(origin_of("http://127.0.0.1:1"), limits=limits, trusted_proxies=LOOPBACK)
    async with wire(catalogue, slow) as front:
        left = []
        for _ in range(32):
            _, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(get("/slow", "10.41.7.1"))
            left.append(writer)
        while len(front.inbounds) < 32:
            await asyncio.sleep(0.01)
        for writer in left:
            writer.transport.abort()
        assert (await talk(front.port, get("/", "10.41.7.1"))).startswith(b"HTTP/1.1 503 ")
        assert (await talk(front.port, get("/", "10.41.8.1"))).endswith(b"served")
        go_on.set()
