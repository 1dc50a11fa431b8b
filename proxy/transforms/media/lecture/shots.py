"""Switches into slides: a build adds to a slide, anything else begins a new one; a slide that returns is known again.

Laws of this file: pure; a slide is its fully built state; what a switch took away is what makes a new slide, so that a
list that grows line by line stays one slide and nothing that was shown is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proxy.transforms.media.lecture.align import Grey, align, halved, laid_on
from proxy.transforms.media.lecture.blocks import Mask, Switch, block_means, pixels_of
from proxy.transforms.media.lecture.values import Shot

_INK_RANGE = 12.0  # grey levels within 3x3 pixels: print, edges, texture
_CHANGED = 8.0
_LOST_SHARE, _LOST_MIN_PX = 0.08, 24
_MIN_BLOCKS = 3  # fewer are a pointer at rest
_ALIKE, _ALIKE_SHARE = 5.0, 0.006
_COARSE_ALIKE = 6.0
_MAX_STEPS, _SHOTS_A_PICTURE = 100, 4
_SOON_S = 1.5  # a slide that is replaced so soon was on the way to the next


class Shots:
    """Gathers shots from switches in the order of time."""

    def __init__(self, *, max_pictures: int = 400) -> None:
        self.shots: list[Shot] = [Shot(at_s=0.0)]
        self._pictures: list[_Picture] = []
        self._max_pictures = max_pictures

    @property
    def pictures(self) -> int:
        """How many distinct pictures there are."""
        return len(self._pictures)

    @property
    def too_many(self) -> bool:
        return len(self._pictures) >= self._max_pictures or len(self.shots) >= _SHOTS_A_PICTURE * self._max_pictures

    def switched(self, switch: Switch) -> None:
        """Take a switch in."""
        if int(switch.blocks.sum()) < _MIN_BLOCKS or self.too_many:
            return
        shot = self.shots[-1]
        began_s = (switch.left_s + switch.at_s) / 2 if switch.at_s - switch.left_s > 1.0 else switch.at_s
        if not takes_away(switch):
            if len(shot.steps_s) < _MAX_STEPS:
                shot.steps_s.append(round(began_s, 2))
            shot.still_from_s = switch.at_s
            return
        if began_s - shot.at_s < _SOON_S:
            shot.still_from_s = switch.at_s
            return
        shot.until_s, shot.still_until_s = began_s, switch.left_s
        self._close(shot, switch.before, switch.calm)
        self.shots.append(Shot(at_s=began_s, still_from_s=switch.at_s, share=switch.share))

    def finish(self, last: Grey, calm: Mask, until_s: float) -> list[Shot]:
        """All shots; the last one is seen to its end."""
        self.shots[-1].until_s = self.shots[-1].still_until_s = until_s
        self._close(self.shots[-1], last, calm)
        self.shots = _joined(self.shots)
        return self.shots

    def _close(self, shot: Shot, picture: Grey, calm: Mask) -> None:
        new = _Picture(picture, calm)
        for number, known in enumerate(self._pictures):
            if known.shows(new):
                shot.picture = number
                return
        shot.picture = len(self._pictures)
        self._pictures.append(new)


def _joined(shots: list[Shot]) -> list[Shot]:
    """Neighbours that show the same picture are one shot: something passed before it."""
    joined = shots[:1]
    for shot in shots[1:]:
        if shot.picture != joined[-1].picture:
            joined.append(shot)
            continue
        joined[-1].steps_s += shot.steps_s
        joined[-1].until_s = shot.until_s
        joined[-1].still_from_s, joined[-1].still_until_s = shot.still_from_s, shot.still_until_s
    return joined


def takes_away(switch: Switch) -> bool:
    """Whether the switch took a visible part of what stood there before."""
    ink = has_ink(switch.before) & pixels_of(switch.calm)
    changed = (np.abs(switch.after - switch.before) > _CHANGED) & pixels_of(switch.blocks)
    lost = int((ink & changed).sum())
    return lost >= _LOST_MIN_PX and lost >= _LOST_SHARE * int(ink.sum())


def has_ink(picture: Grey) -> NDArray[np.bool_]:
    """Where something is drawn: grey levels differ among neighbours."""
    high = low = np.pad(picture, 1, mode="edge")
    high = np.maximum(np.maximum(high[:-2], high[1:-1]), high[2:])
    low = np.minimum(np.minimum(low[:-2], low[1:-1]), low[2:])
    high = np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    low = np.minimum(np.minimum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    ink: NDArray[np.bool_] = high - low > _INK_RANGE
    return ink


class _Picture:
    def __init__(self, picture: Grey, calm: Mask) -> None:
        self._bytes = picture.clip(0, 255).astype(np.uint8)
        self._calm = np.packbits(calm)
        self._grid = calm.shape
        self._coarse = _coarse(picture)

    def shows(self, other: _Picture) -> bool:
        """Whether the other is this picture again, whatever moved in the restless parts of either."""
        if float(np.median(np.abs(self._coarse - other._coarse))) > _COARSE_ALIKE:
            return False
        here, there = self._bytes.astype(np.float32), other._bytes.astype(np.float32)
        found = align(here, there)
        if found.agreement == 0.0:
            return False
        calm = self._mask() & other._mask()
        apart = block_means(np.abs(here - laid_on(there, found))) > _ALIKE
        inner = np.zeros_like(calm)
        inner[1:-1, 1:-1] = calm[1:-1, 1:-1]
        return bool(inner.any()) and float((apart & inner).sum()) <= _ALIKE_SHARE * inner.size

    def _mask(self) -> Mask:
        count = self._grid[0] * self._grid[1]
        return np.unpackbits(self._calm, count=count).astype(bool).reshape(self._grid)


def _coarse(picture: Grey) -> Grey:
    small = halved(halved(halved(picture)))
    return small - np.float32(np.median(small))
