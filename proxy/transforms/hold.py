"""When waiting for an encoder is worth it, and how long encoders take: pure arithmetic.

Law of this file: no clock and no I/O; durations are arguments.
"""

from __future__ import annotations

MAX_HOLD_S = 3.0
UNKNOWN_LINK_HOLD_S = 0.25  # worth waiting on any link slow enough to need us, noticed on none
_WEIGHT = 0.1  # of the newest measurement: about the last twenty jobs count
_FIRST_S_PER_MEGAPIXEL = 0.06
_FIXED_S = 0.01  # a job's own cost: hand-over, headers, small images
_MEGA = 1_000_000


def hold_s(
    *,
    encode_s: float,
    source_bytes: int,
    expected_ratio: float,
    link_bps: int | None,
    max_hold_s: float = MAX_HOLD_S,
) -> float:
    """How long a response may wait for its variant, in seconds; 0 where the original is the quicker answer.

    Held while encode + transfer of the variant < transfer of the original on this link. An encode that would take
    longer than `max_hold_s` is not waited for at all: a wait that ends in the original costs twice.
    expected_ratio  variant's bytes over source's, 0..1
    link_bps        the learner's link; None if unknown
    """
    if link_bps is None:
        worth_s = UNKNOWN_LINK_HOLD_S
    else:
        worth_s = source_bytes * 8 * (1 - min(1.0, max(0.0, expected_ratio))) / max(1, link_bps)
    limit_s = min(worth_s, max_hold_s)
    return limit_s if encode_s < limit_s else 0.0


class EncodeTimes:
    """A running estimate of seconds per megapixel, one for each kind of work."""

    def __init__(self) -> None:
        self._s_per_pixel: dict[str, float] = {}

    def observe(self, kind: str, pixels: int, took_s: float) -> None:
        """Count one finished job; pixels under a tenth of a megapixel say little and are left out."""
        if pixels < _MEGA // 10 or took_s < 0:
            return
        measured = took_s / pixels
        before = self._s_per_pixel.get(kind)
        self._s_per_pixel[kind] = measured if before is None else before + _WEIGHT * (measured - before)

    def estimate_s(self, kind: str, pixels: int) -> float:
        """Seconds that this many pixels should take once they are begun."""
        return _FIXED_S + pixels * self._s_per_pixel.get(kind, _FIRST_S_PER_MEGAPIXEL / _MEGA)
