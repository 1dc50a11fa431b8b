"""One sharp picture from a few frames of the same slide: pointer and noise go, a speaker stays whole.

Laws of this file: pure arithmetic on arrays; where the frames agree, their median is taken; where they don't
(something moves there), one frame, so that nobody is a ghost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

_CELL_PX = 16
_APART = 6.0  # grey levels, mean over a cell
_STEADY = 3  # frames that must agree with the median


def merged(frames: list[Rgb], *, shaken: bool = False) -> Rgb:
    """The slide. shaken: the frames don't lie on each other, so the sharpest one is taken."""
    if shaken:
        return max(frames, key=sharpness)
    if len(frames) < _STEADY:
        return frames[-1]
    chosen = frames[-5:] if len(frames) >= 5 else frames[-3:]
    middle = _median_of_five(chosen) if len(chosen) == 5 else _median_of_three(*chosen)
    agreeing = sum((_cell_distance(frame, middle) < _APART).astype(np.uint8) for frame in chosen)
    moving = _widened(np.asarray(agreeing < min(_STEADY, len(chosen))))
    if not moving.any():
        return middle
    mask = np.repeat(np.repeat(moving, _CELL_PX, axis=0), _CELL_PX, axis=1)[: middle.shape[0], : middle.shape[1]]
    one: Rgb = np.where(mask[..., None], frames[-1], middle)
    return one


def sharpness(frame: Rgb) -> float:
    """How much fine detail there is."""
    green = frame[::2, ::2, 1].astype(np.float32)
    return float(np.square(green[1:] - green[:-1]).mean() + np.square(green[:, 1:] - green[:, :-1]).mean())


def _median_of_three(one: Rgb, two: Rgb, three: Rgb) -> Rgb:
    middle: Rgb = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))
    return middle


def _median_of_five(frames: list[Rgb]) -> Rgb:
    a, b, c, d, e = frames
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(e, low, high)


def _widened(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With two cells around, so that a face isn't put together of two moments."""
    for _ in range(2 * bool(cells.any())):
        wide = np.pad(cells, 1)
        rows = wide[:-2] | wide[1:-1] | wide[2:]
        cells = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return cells


def _cell_distance(frame: Rgb, middle: Rgb) -> NDArray[np.float32]:
    apart = np.abs((frame.astype(np.int16) - middle).sum(axis=2)).astype(np.float32) / 3  # noise differs by channel
    rows, columns = range(0, apart.shape[0], _CELL_PX), range(0, apart.shape[1], _CELL_PX)
    sums = np.add.reduceat(np.add.reduceat(apart, list(rows), axis=0), list(columns), axis=1)
    tall = np.diff([*rows, apart.shape[0]])[:, None]
    wide = np.diff([*columns, apart.shape[1]])[None, :]
    means: NDArray[np.float32] = (sums / (tall * wide)).astype(np.float32)
    return means
