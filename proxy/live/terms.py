"""Under which terms an open exchange (tunnel, WebSocket) goes on, and how its bytes draw on them.

Laws: bytes are reserved before they move, a tranche at a time, and settled after; a spent allowance stops the bytes,
not the process; terms end at `valid_until` and are asked for anew, never prolonged by themselves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from proxy.clock import Clock

TRANCHE_BYTES = 262_144


class RelayTerms(Protocol):
    """What the pipeline grants an open exchange.

    valid_until  when `redecide` must be asked; None: never
    rate_bps     bits per second for both directions together; None: no limit
    grace_s      how long the exchange may go on after it was decided to close it
    """

    @property
    def valid_until(self) -> datetime | None: ...
    @property
    def rate_bps(self) -> int | None: ...
    @property
    def grace_s(self) -> float: ...

    async def reserve(self, nbytes: int) -> bool:
        """Set bytes aside in the allowances; False: spent."""
        ...

    async def settle(self, used_down: int, used_up: int) -> None:
        """Bytes that did move since the last call; called once for each tranche and at the end."""
        ...

    async def redecide(self, now: datetime) -> RelayTerms | None:
        """New terms, or None: close."""
        ...

    async def closed(self, bytes_up: int, bytes_down: int, duration_s: float) -> None:
        """The exchange is over; called exactly once, whatever happened. What is reserved and unsettled is free."""
        ...


class Spent(Exception):
    """The allowance has no bytes left for this exchange."""


@dataclass(slots=True)
class Draw:
    """Draws one exchange's bytes on its terms and keeps its pace."""

    terms: RelayTerms
    clock: Clock
    down_bytes: int = 0
    up_bytes: int = 0
    _left: int = 0
    _unsettled_down: int = 0
    _unsettled_up: int = 0
    _free_at_s: float = 0.0

    async def take(self, nbytes: int, *, down: bool) -> None:
        """Before bytes move: wait for the pace, reserve what is missing. Raises Spent."""
        while self._left < nbytes:
            await self.settle()
            if not await self.terms.reserve(TRANCHE_BYTES):
                raise Spent
            self._left += TRANCHE_BYTES
        self._left -= nbytes
        if down:
            self.down_bytes += nbytes
            self._unsettled_down += nbytes
        else:
            self.up_bytes += nbytes
            self._unsettled_up += nbytes
        await self._pace(nbytes)

    async def settle(self) -> None:
        """Report what has moved since the last time."""
        down, up = self._unsettled_down, self._unsettled_up
        if down or up:
            self._unsettled_down = self._unsettled_up = 0
            await self.terms.settle(down, up)

    async def _pace(self, nbytes: int) -> None:
        rate_bps = self.terms.rate_bps
        if not rate_bps:
            return
        now_s = self.clock.steady_s()
        self._free_at_s = max(self._free_at_s, now_s) + nbytes * 8 / rate_bps
        # A tenth of a second may be owed, so that small frames aren't each put to sleep.
        if (owed_s := self._free_at_s - now_s) > 0.1:
            await asyncio.sleep(owed_s)
