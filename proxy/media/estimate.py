"""How long making takes here, learned from what was made: pure arithmetic.

Laws of this file: nothing is guessed that was not measured, an unknown is None; no clock and no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from msgspec import field

from policies.frozen import Frozen

_WEIGHT = 0.2  # of the newest measurement: about the last ten jobs count
_SHORT_S = 1.0  # media under it say little of the pace


class Pace(Frozen, frozen=True):
    """Seconds of work for a second of media, and for a megabyte of source; None: not measured."""

    per_media_s: float | None = None
    per_source_mb: float | None = None


class Paces(Frozen, frozen=True):
    """What each kind of work (a recipe's name) took on this machine."""

    known: Mapping[str, Pace] = field(default_factory=dict)

    def with_job(self, work: str, *, took_s: float, media_s: float | None, source_bytes: int) -> Paces:
        """Learned from one finished job."""
        pace = self.known.get(work, Pace())
        if media_s is not None and media_s >= _SHORT_S:
            pace = replace(pace, per_media_s=_smooth(pace.per_media_s, took_s / media_s))
        if source_bytes > 0:
            pace = replace(pace, per_source_mb=_smooth(pace.per_source_mb, took_s / (source_bytes / 1e6)))
        return Paces({**self.known, work: pace})

    def estimate_s(self, work: str, *, media_s: float | None, source_bytes: int | None) -> float | None:
        """Seconds that an encoder should need; None where nothing alike was measured."""
        pace = self.known.get(work, Pace())
        if media_s is not None and pace.per_media_s is not None:
            return media_s * pace.per_media_s
        if source_bytes is not None and pace.per_source_mb is not None:
            return source_bytes / 1e6 * pace.per_source_mb
        return None


def left_s(*, done: float, running_s: float, estimate_s: float | None) -> float | None:
    """Seconds that a job at work still needs: by its own progress once that says something, else by the estimate."""
    if done >= 0.05:
        return running_s * (1.0 - done) / done
    return None if estimate_s is None else max(0.0, estimate_s - running_s)


def _smooth(before: float | None, measured: float) -> float:
    return measured if before is None else before + _WEIGHT * (measured - before)
