"""A clock that is moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.exchanges import NOON


class HandClock:
    """Stands where `at` says; steady seconds go along with it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def steady_s(self) -> float:
        return self.at.timestamp()

    def moves(self, seconds: float = 0.0, **span: float) -> None:
        """So many seconds, or a span in a timedelta's words."""
        self.at += timedelta(seconds=seconds, **span)
