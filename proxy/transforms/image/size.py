"""How large a variant may be: pure arithmetic on pixels and bytes.

Laws of this file: never enlarges; `target_width_px` of its own result is that result, so that a second Tropa on the
way (a school's box behind a centre's hub) doesn't shrink a picture again.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from proxy.transforms.image.content import Content, Look

# Text wider than the limit keeps a share of its size that stays readable: letters of 12 to 15 px (fine strokes)
# may lose three tenths, letters of a high-density screen six tenths. The widths allowed are rungs above the limit,
# each a fixed point; the odd numbers keep common screen widths (1280 is 1.6 times 800) from being one by chance.
TEXT_RUNGS = (1.24, 1.58, 1.98, 2.48)
FINE_SCALE, COARSE_SCALE = 0.7, 0.4
TEXT_QUALITY_FLOOR, PHOTO_QUALITY_FLOOR = 20, 10
_QUALITY_BYTES = (
    (0, 4.0),
    (10, 6.0),
    (20, 9.0),
    (30, 12.0),
    (40, 14.0),
    (50, 16.0),
    (60, 19.0),
    (75, 23.0),
    (100, 80.0),
)
_SAFETY = 0.93  # aim a little below the limit: one probe saved is worth a few bytes


def target_width_px(width_px: int, look: Look, max_width_px: int | None) -> int:
    """The width to encode at; at most `width_px`. None sets no limit."""
    if max_width_px is None or width_px <= max_width_px:
        return width_px
    if look.content is Content.PHOTO:
        return max_width_px
    rungs = [round(max_width_px * rung) for rung in TEXT_RUNGS]
    if width_px in rungs or width_px <= rungs[0]:
        return width_px
    readable = width_px * (FINE_SCALE if look.fine else COARSE_SCALE)
    return min(width_px, next((rung for rung in rungs if rung >= readable), rungs[-1]))


def quality_floor(content: Content) -> int:
    """Below it, bytes are saved by fewer pixels instead."""
    return TEXT_QUALITY_FLOOR if content is Content.TEXT else PHOTO_QUALITY_FLOOR


def next_probe(quality: int, wanted_share: float, floor: int) -> tuple[int, float]:
    """The quality and the linear scale that should bring the bytes down to `wanted_share` of what they are."""
    aim = wanted_share * _SAFETY
    now = _bytes_at(quality)
    candidates = [number for number in range(floor, quality + 1) if _bytes_at(number) <= aim * now]
    if candidates:
        return max(candidates), 1.0
    lowest = min(quality, floor)
    left = aim * now / _bytes_at(lowest)
    return lowest, min(1.0, math.sqrt(left))


def _bytes_at(quality: int) -> float:
    """Relative bytes of a photograph as WebP, in percent of a JPEG as cameras store it."""
    points = [point for point, _ in _QUALITY_BYTES]
    right = max(1, bisect_left(points, quality))
    (low, less), (high, more) = _QUALITY_BYTES[right - 1], _QUALITY_BYTES[right]
    return less + (more - less) * (quality - low) / (high - low)
