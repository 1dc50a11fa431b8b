"""The only place that reads the machine's clocks. Everything else is handed an instant or a `Clock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """Wall time for decisions, a steady count of seconds for durations."""

    def now(self) -> datetime:
        """The instant, with zone UTC."""
        ...

    def steady_s(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks, asked several times in each exchange: without a frame of ours in between."""

    __slots__ = ()

    now = staticmethod(partial(datetime.now, UTC))
    steady_s = staticmethod(time.monotonic)


class OffsetClock:
    """The machine's clock moved by an offset, for journeys through a window's end."""

    __slots__ = ("_offset",)

    def __init__(self, pretended_now: datetime) -> None:
        self.move_to(pretended_now)

    def move_to(self, pretended_now: datetime) -> None:
        """From here on it goes on from that instant; steady seconds don't leap."""
        self._offset = pretended_now - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def steady_s(self) -> float:
        return time.monotonic()
