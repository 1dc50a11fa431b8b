"""How one small grey frame lies on another: shift, gain and offset, found together and robustly.

Laws of this file: pure arithmetic on arrays, deterministic; what moved or changed between the two frames is outvoted by
what didn't; in doubt nothing is shifted.

Method: least squares on gradients (Lucas and Kanade, 1981) with gain and offset as further unknowns, repeated with
weights that fade for large residuals, from coarse to fine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from policies.frozen import Frozen

Grey = NDArray[np.float32]

_LEVELS = 3  # the coarsest halves twice: shifts of a few pixels become shifts of less than one
_ROUNDS = (3, 2, 2)  # from coarse to fine
_RESIDUAL_FLOOR = 2.0  # grey levels: below it everything counts as agreeing
_OUTLIER = 6.0  # grey levels: an eye sees a difference
_EDGE = np.float32(24.0)  # a steeper edge counts no more: a few hard outlines don't outvote a soft ground
_NO_SHIFT_PX, _MAX_SHIFT_PX = 0.04, 12.0
_SURE = 0.6
_GAIN_BY_SHIFT = 0.03
_MIN_ALIKE = 0.2
_MIN_AGREEMENT = 0.35  # share of the edges that must lie on each other
_GAIN, _OFFSET = (0.75, 1.33), 40.0


class Alignment(Frozen, frozen=True, kw_only=True):
    """frame(x + dx, y + dy) * gain + offset lies on the anchor. agreement: the share of edges that then coincide,
    0..1."""

    dx: float = 0.0
    dy: float = 0.0
    gain: float = 1.0
    offset: float = 0.0
    agreement: float = 0.0

    @property
    def distance_px(self) -> float:
        return float(np.hypot(self.dx, self.dy))


IDENTITY = Alignment(agreement=1.0)
UNRELATED = Alignment(agreement=0.0)


def align(anchor: Grey, frame: Grey, start: Alignment = IDENTITY) -> Alignment:
    """The alignment of the frame with the anchor; `UNRELATED` if they don't show the same scene.

    start  where to begin: the last frame's, on a camera that is held by hand
    """
    found = _descended(anchor, frame, start)
    if found.agreement >= _SURE:
        return found
    other = _descended(anchor, frame, _guessed(anchor, frame))
    return other if other.agreement > found.agreement else found


def _guessed(anchor: Grey, frame: Grey) -> Alignment:
    """A shift of whole pixels by phase correlation (Kuglin and Hines, 1975): it finds what lies far off."""
    one, two = (np.fft.rfft2(_windowed(halved(image))) for image in (anchor, frame))
    cross = two * np.conj(one)
    height, width = anchor.shape[0] // 2, anchor.shape[1] // 2
    peaks = np.fft.irfft2(cross / (np.abs(cross) + 1e-3), s=(height, width))
    reach = int(_MAX_SHIFT_PX / 2)
    peaks[reach + 1 : -reach] = -1.0
    peaks[:, reach + 1 : -reach] = -1.0
    dy, dx = divmod(int(peaks.argmax()), width)
    return Alignment(dx=2.0 * (dx - width * (dx > reach)), dy=2.0 * (dy - height * (dy > reach)))


def _windowed(image: Grey) -> Grey:
    tall, wide = (np.hanning(side).astype(np.float32) for side in image.shape)
    flat: Grey = (image - image.mean()) * tall[:, None] * wide
    return flat


def _descended(anchor: Grey, frame: Grey, start: Alignment) -> Alignment:
    pyramid = [(anchor, frame)]
    for _ in range(_LEVELS - 1):
        pyramid.append((halved(pyramid[-1][0]), halved(pyramid[-1][1])))
    step = 2.0 ** (_LEVELS - 1)
    found = np.array([start.dx / step, start.dy / step, start.gain, start.offset])
    for level, rounds in zip(reversed(pyramid), _ROUNDS, strict=True):
        for _ in range(rounds):
            found = _improved(level[0], level[1], found)
        if level[0] is not anchor:
            found[:2] *= 2
    return _judged(anchor, frame, found)


def laid_on(frame: Grey, alignment: Alignment) -> Grey:
    """The frame as the anchor's camera would have seen it."""
    moved = frame if alignment.distance_px < _NO_SHIFT_PX else shifted(frame, alignment.dx, alignment.dy)
    if alignment.gain == 1.0 and alignment.offset == 0.0:
        return moved
    return moved * np.float32(alignment.gain) + np.float32(alignment.offset)


def halved(image: Grey) -> Grey:
    """Half the size by means of 2x2; odd edges are cut."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    even = image[:height, :width]
    rows = even[0::2] + even[1::2]
    mean: Grey = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return mean


def softened(image: Grey) -> Grey:
    """Without the finest detail, which can't be shifted by parts of a pixel."""
    wide = np.pad(image, 1, mode="edge")
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    soft: Grey = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) * np.float32(1 / 16)
    return soft


def shifted(image: Grey, dx: float, dy: float) -> Grey:
    """image(x + dx, y + dy) by cubic interpolation (Catmull and Rom); edges are repeated."""
    return _shifted_rows(_shifted_rows(image, dy).T, dx).T


def _shifted_rows(image: Grey, distance: float) -> Grey:
    whole = int(np.floor(distance))
    taps = _cubic(distance - whole)
    rows = np.arange(image.shape[0])
    last = image.shape[0] - 1
    moved = np.zeros(image.shape, np.float32)
    for number, tap in enumerate(taps):
        if tap:
            moved += image[np.clip(rows + whole + number - 1, 0, last)] * np.float32(tap)
    return moved


def _cubic(t: float) -> tuple[float, float, float, float]:
    return (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )


def _improved(anchor: Grey, frame: Grey, found: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = shifted(frame, float(found[0]), float(found[1]))
    inner = (slice(2, -2), slice(2, -2))
    across = ((moved[:, 2:] - moved[:, :-2]) * np.float32(0.5))[2:-2, 1:-1].ravel()
    down = ((moved[2:] - moved[:-2]) * np.float32(0.5))[1:-1, 2:-2].ravel()
    level = moved[inner].ravel()
    gain = np.float32(found[2])
    residual = anchor[inner].ravel() - (gain * level + np.float32(found[3]))
    spread = max(_RESIDUAL_FLOOR, 1.5 * float(np.median(np.abs(residual))))
    weight = 1.0 / (1.0 + np.square(residual / np.float32(spread)))
    basis = np.stack((gain * across, gain * down, level, np.ones_like(level)))
    weighted = basis * weight
    normal = (weighted @ basis.T).astype(np.float64)
    normal[np.diag_indices(4)] += (20.0, 20.0, 20.0, 0.05)  # a blank page tells nothing about shift or gain
    step = np.linalg.solve(normal, (weighted @ residual).astype(np.float64))
    step[:2] = np.clip(step[:2], -1.0, 1.0)  # the gradients say nothing about what lies further off
    better: NDArray[np.float64] = found + step
    return better


def _judged(anchor: Grey, frame: Grey, found: NDArray[np.float64]) -> Alignment:
    dx, dy = float(found[0]), float(found[1])
    gain, offset = _matched(anchor, shifted(frame, dx, dy), float(found[2]), float(found[3]))
    far = max(abs(dx), abs(dy)) > _MAX_SHIFT_PX
    if far or not _GAIN[0] <= gain <= _GAIN[1] or abs(offset) > _OFFSET or not np.all(np.isfinite(found)):
        return UNRELATED
    agreement = edge_agreement(anchor, laid_on(frame, Alignment(dx=dx, dy=dy, gain=gain, offset=offset)))
    unmoved = edge_agreement(anchor, frame * np.float32(gain) + np.float32(offset))
    if agreement < unmoved + _GAIN_BY_SHIFT:  # somebody moved, not the camera
        dx, dy, agreement = 0.0, 0.0, unmoved
    if agreement < _MIN_AGREEMENT:
        return UNRELATED
    return Alignment(dx=dx, dy=dy, gain=gain, offset=offset, agreement=agreement)


def _matched(anchor: Grey, moved: Grey, gain: float, offset: float) -> tuple[float, float]:
    """Gain and offset that give what agrees the same spread and mean. Least squares alone would take noise for a lower
    gain, and an anchor that follows would pale from frame to frame."""
    agrees = np.abs(anchor - (moved * np.float32(gain) + np.float32(offset))) < _OUTLIER
    if float(agrees.mean()) < _MIN_ALIKE:
        return gain, offset
    here, there = anchor[agrees], moved[agrees]
    spread = float(there.std())
    even = float(here.std()) / spread if spread > 1.0 else 1.0
    return even, float(here.mean()) - even * float(there.mean())


def edge_agreement(anchor: Grey, frame: Grey) -> float:
    """The share of both pictures' edges at which they show the same, 0..1; blank pictures agree by their ground."""
    same = np.abs(anchor - frame)[1:-1, 1:-1] < _OUTLIER
    edges = np.minimum(np.maximum(_edges(anchor), _edges(frame)), _EDGE)
    total = float(edges.sum())
    if total < 2.0 * same.size:  # next to no edges in either
        return float(same.mean())
    return float((edges * same).sum()) / total


def _edges(image: Grey) -> Grey:
    across = np.abs(image[1:-1, 2:] - image[1:-1, :-2])
    down = np.abs(image[2:, 1:-1] - image[:-2, 1:-1])
    steps: Grey = across + down
    return steps
