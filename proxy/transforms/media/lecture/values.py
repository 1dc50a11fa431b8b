"""What a lecture is taken apart into: frames as they are watched, showings of slides, pictures that were written.

Laws of this file: plain values. Tropa's own process holds them and what handles pixels (numpy, Pillow) makes them, in a
process of its own; so nothing of that is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.frozen import Frozen

# Frames as they are watched: small and grey, so many a second.
WIDTH_PX, HEIGHT_PX = 256, 144
FRAME_BYTES = WIDTH_PX * HEIGHT_PX
FPS = 2.0


@dataclass(slots=True)
class Shot:
    """One showing of a slide. From still_from_s to still_until_s it is complete; picture: which distinct one it
    shows."""

    at_s: float
    until_s: float = 0.0
    still_from_s: float = 0.0
    still_until_s: float = 0.0
    steps_s: list[float] = field(default_factory=list)
    picture: int = 0
    share: float = 1.0  # of the screen that its arrival changed


class Drawn(Frozen, frozen=True, kw_only=True):
    """A slide's picture as it was written."""

    file: str
    width: int
    height: int
    bytes: int


def fitted_px(width: int, height: int, max_width: int) -> tuple[int, int]:
    """The size that is shown: never larger than the source, both sides even."""
    if width <= max_width:
        return max(2, width // 2 * 2), max(2, height // 2 * 2)
    return max_width // 2 * 2, max(2, round(height * max_width / width / 2) * 2)
