"""Many learners, changing addresses, ranges, broken transfers, purges: whoever is answered is answered right."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

import pytest

from proxy.errors import ExchangeError
from tests.caching import Cached, Got, Says, Told, cached, ranged, read

CONTROL = {
    "private": "private",
    "shared": "public, max-age=5",
    "asked": "no-cache",
    "behind": "public, max-age=2, stale-while-revalidate=5",
}
ADDRESSES = [f"/{kind}/{number}" for kind in CONTROL for number in range(3)]
SIZES = (0, 10, 3_000, 70_000, 300_000, 900_000)
WITHIN_S = 240.0  # a hang is what it is for, not a slow machine


class Site:
    """Addresses whose content changes now and then; transfers that break; bodies without a length."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.versions: dict[str, int] = dict.fromkeys(ADDRESSES, 0)

    def body(self, address: str, version: int) -> bytes:
        made = random.Random(f"{address} {version}")
        return made.randbytes(made.choice(SIZES))

    def now(self, address: str) -> bytes:
        return self.body(address, self.versions[address])

    def __call__(self, told: Told) -> Says:
        body = self.now(told.target)
        says = ranged(told, body, etag_of(body), {"Cache-Control": CONTROL[told.target.split("/")[1]]})
        if says.status == 200 and body and self.chance.random() < 0.1:
            says.cut_at = self.chance.randrange(len(body))
        elif says.status == 200:
            says.chunked = self.chance.random() < 0.15
        return says


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'


class Learner:
    """Asks for this and that, in whole and in part, and sometimes leaves."""

    def __init__(self, name: str, site: Site, there: Cached) -> None:
        self.name, self.site, self.there = name, site, there

    async def asks(self, times: int) -> None:
        for _ in range(times):
            address = self.site.chance.choice(ADDRESSES)
            first = self.site.versions[address]
            try:
                got = await self._asked(address)
            except ExchangeError:
                continue  # the origin broke off, and she is told
            if got is not None:
                self._check(address, got, first)
            await self._meanwhile(address)

    async def _asked(self, address: str) -> Got | None:
        chance, headers = self.site.chance, self._headers(address)
        reply = await self.there.cache.open(self.there.asked(address, headers=headers, learner=self.name))
        if chance.random() < 0.15:
            await reply.read_up_to(chance.choice((1, 5_000, 200_000)), 0.5)
            reply.release()
            return None
        return await read(reply)

    def _headers(self, address: str) -> dict[str, str]:
        chance, body = self.site.chance, self.site.now(address)
        headers = {"Cookie": f"s={self.name}"} if chance.random() < 0.5 else {}
        if body and chance.random() < 0.3:
            first = chance.randrange(len(body))
            headers["Range"] = f"bytes={first}-{chance.randrange(first, len(body))}"
            if chance.random() < 0.3:
                headers["If-Range"] = etag_of(body)
        return headers

    def _check(self, address: str, got: Got, first: int) -> None:
        """A whole or a part of one version: of one that stood while she asked, where each use must be confirmed."""
        oldest = first if address.startswith(("/private", "/asked")) else 0
        bodies = [self.site.body(address, version) for version in range(oldest, self.site.versions[address] + 1)]
        if got.status == 206:
            start, end = (
                int(n) for n in got.headers["Content-Range"].removeprefix("bytes ").partition("/")[0].split("-")
            )
            bodies = [body[start : end + 1] for body in bodies]
        assert got.status in (200, 206, 416), got
        assert got.status == 416 or got.body in bodies, (address, got.way)

    async def _meanwhile(self, address: str) -> None:
        chance = self.site.chance
        if chance.random() < 0.05:
            self.site.versions[address] += 1
        if chance.random() < 0.05:
            self.there.clock.moves(3)
        if chance.random() < 0.03:
            await self.there.store.sweep()
        if chance.random() < 0.02:
            await self.there.cache.purge(pattern=f"http://lms.test{address}")


@pytest.mark.parametrize("seed", range(2))
async def test_whoever_is_answered_is_answered_right(seed: int, tmp_path: Path) -> None:
    site = Site(random.Random(seed))
    async with cached(tmp_path, site, max_bytes=4_000_000) as there, asyncio.timeout(WITHIN_S):
        await asyncio.gather(*(Learner(str(number), site, there).asks(25) for number in range(8)))
        await there.settled()
        stats = there.store.stats()
    assert stats.damaged == stats.faults == stats.failed_writes == 0
    assert len(there.told) < 8 * 25, "the store spared some"
