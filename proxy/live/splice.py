"""Two raw connections joined: bytes both ways until both have ended, the terms end, or nothing moves any more.

Laws: no byte is changed; memory stays flat (a slow side stops the other one's reading); one side's end is passed on
and the other direction goes on; whatever happens, terms are closed once and both connections too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from proxy.clock import Clock
from proxy.live.duplex import Duplex
from proxy.live.terms import Draw, RelayTerms, Spent

_LONGEST_SLEEP_S = 30.0  # the wall clock may be set while we sleep
_HALF_OPEN_IDLE_S = 120.0  # one side has ended; the other may finish what it has, not wait for better times

Send = Callable[[bytes], Awaitable[None]]


class _Over(Exception):
    """Ends every job of one splice; its text says by what."""


@dataclass(slots=True)
class Splice:
    """One open exchange.

    idle_s       nothing either way for so long: it ends
    half_close   one side's end is passed on and the other direction goes on; False: any end is the end
    send_down    replaces writing to the client, send_up to the origin (a relay that follows frames); each writes all
                 it is given before it first waits
    soft_close   ends it in its own language, told why ("window" | "allowance"); None: just close
    held_down    bytes from the origin that were read but not sent when it ended; held_up those from the client
    """

    client: Duplex
    origin: Duplex
    terms: RelayTerms
    clock: Clock
    idle_s: float
    half_close: bool = True
    send_down: Send | None = None
    send_up: Send | None = None
    soft_close: Callable[[str], Awaitable[None]] | None = None
    held_down: bytes = b""
    held_up: bytes = b""
    draw: Draw = field(init=False)
    _moved_s: float = 0.0

    def __post_init__(self) -> None:
        self.draw = Draw(self.terms, self.clock)

    async def run(self) -> str:
        """Carry bytes until it is over. Returns by what: "peer", "idle", "window", "allowance"."""
        started_s = self._moved_s = self.clock.steady_s()
        by = "cancelled"
        try:
            by = await self._carry()
            if by in ("window", "allowance") and self.soft_close is not None:
                await self.soft_close(by)
        finally:
            await self._close(by, started_s)
        return by

    async def _close(self, by: str, started_s: float) -> None:
        if by in ("idle", "cancelled"):
            self.client.abort()
            self.origin.abort()
        else:
            await self.client.close()
            await self.origin.close()
        try:
            await self.draw.settle()
        finally:
            duration_s = self.clock.steady_s() - started_s
            await self.draw.terms.closed(self.draw.up_bytes, self.draw.down_bytes, duration_s)

    async def _carry(self) -> str:
        by = "peer"
        try:
            async with asyncio.TaskGroup() as jobs:
                jobs.create_task(self._both_ways())
                jobs.create_task(self._watch())
        except* _Over as over:
            found: BaseException = over
            while isinstance(found, BaseExceptionGroup):
                found = found.exceptions[0]
            by = str(found)
        return by

    async def _both_ways(self) -> None:
        async with asyncio.TaskGroup() as ways:
            ways.create_task(self._down())
            ways.create_task(self._up())
        raise _Over("peer")

    async def _down(self) -> None:
        send = self.send_down or self.client.write
        while data := await self.origin.read():
            self.held_down = data
            await self._draw(len(data), down=True)
            self.held_down = b""
            await self._sent(send, data)
        self._ended(self.client)

    async def _up(self) -> None:
        send = self.send_up or self.origin.write
        while data := await self.client.read():
            self.held_up = data
            await self._draw(len(data), down=False)
            self.held_up = b""
            await self._sent(send, data)
        self._ended(self.origin)

    async def _draw(self, nbytes: int, *, down: bool) -> None:
        self._moved_s = self.clock.steady_s()
        try:
            await self.draw.take(nbytes, down=down)
        except Spent as spent:
            raise _Over("allowance") from spent

    async def _sent(self, send: Send, data: bytes) -> None:
        try:
            await send(data)
        except (OSError, ConnectionError) as error:
            raise _Over("peer") from error
        self._moved_s = self.clock.steady_s()

    def _ended(self, other: Duplex) -> None:
        if not self.half_close or not other.write_eof():
            raise _Over("peer")
        self.idle_s = min(self.idle_s, _HALF_OPEN_IDLE_S)

    async def _watch(self) -> None:
        """Ask for new terms when the old ones end; end what is idle."""
        while True:
            until = self.draw.terms.valid_until
            now = self.clock.now()
            if until is not None and now >= until:
                await self._redecide(now)
                continue
            idle_left_s = self.idle_s - (self.clock.steady_s() - self._moved_s)
            if idle_left_s <= 0:
                raise _Over("idle")
            await asyncio.sleep(min(idle_left_s, _LONGEST_SLEEP_S, _seconds_until(until, now)))

    async def _redecide(self, now: datetime) -> None:
        old = self.draw.terms
        await self.draw.settle()  # each byte is paid at the price at which it moved
        new = await old.redecide(now)
        if new is None:
            await asyncio.sleep(old.grace_s)
            raise _Over("window")
        self.draw.terms = new


def _seconds_until(instant: datetime | None, now: datetime) -> float:
    return _LONGEST_SLEEP_S if instant is None else max((instant - now).total_seconds(), 0.001)
