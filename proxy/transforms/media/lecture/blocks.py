"""Which parts of the screen switched and stayed: every block of the picture waits to come to rest.

Laws of this file: memory is constant, whatever the film's length; a block that never rests (a speaker, a loop, a film
within a slide) never switches; what comes and goes again (a pointer) leaves no trace.

Each block has a settled content and, while it shows something else, a candidate. A candidate that stays the same for
HOLD_S becomes the settled content: the block has switched. Blocks that switch together make a `Switch`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from policies.frozen import Frozen
from proxy.transforms.media.lecture.align import Grey

SIDE_PX = 4  # of a block, in a picture of half the frame's size: 40 px of a 1280 wide film
HOLD_S = 2.5
_GATHER_S = 2.0
_SAME, _STILL, _MOVING = 4.0, 3.0, 4.0  # grey levels, mean over a block, above the noise
_MAX_NOISE = 4.0
_QUICK_S = 4.5  # a slide's fade or fly-in is over by then; a film that ends was on for longer
_REMEMBER_S = 20.0
_RESTLESS_SHARE, _RESTLESS_PER_S = 0.35, 0.3
_WHOLE = 0.6  # of the blocks: the whole picture, however long it took
_MOST = 0.3
_LATE_S = 0.25
_COMMON = 0.5  # of the blocks moving at once: a change of the picture, not of a part that is restless by itself

Mask = NDArray[np.bool_]


class Switch(Frozen, frozen=True, kw_only=True):
    """Parts of the picture that switched together. Masks are by block, pictures of half the frame's size.

    at_s     when the new content stood
    left_s   when the old content was last seen
    blocks   those that count: what was restless before is left out
    calm     every block that was at rest before, switched or not
    """

    at_s: float
    left_s: float
    blocks: Mask
    calm: Mask
    before: Grey
    after: Grey

    @property
    def share(self) -> float:
        return float(self.blocks.mean())


class Blocks:
    """Feed it pictures in the order of time; it tells of switches a few seconds later."""

    def __init__(self, first: Grey, *, at_s: float = 0.0) -> None:
        self.settled = first.copy()
        self.moving_share = 0.0
        self._candidate = first.copy()
        self._last = first
        grid = (first.shape[0] // SIDE_PX, first.shape[1] // SIDE_PX)
        self._waits = np.zeros(grid, bool)
        self._since_s = np.full(grid, at_s)
        self._left_s = np.full(grid, at_s)
        self._restless_share = np.zeros(grid)
        self._restless_starts = np.zeros(grid)
        self._moved = np.zeros(grid, bool)
        self._noise = 0.5
        self._gathering: _Gathering | None = None
        self._last_s = at_s
        self._told_s = -1.0  # when the last switch was

    @property
    def unsettled_share(self) -> float:
        return float(self._waits.mean())

    @property
    def restless(self) -> Mask:
        """Blocks that have been moving by themselves for a while."""
        return (self._restless_share > _RESTLESS_SHARE) | (self._restless_starts > _RESTLESS_PER_S)

    def feed(self, picture: Grey, at_s: float) -> Switch | None:
        """The next picture, laid on the ones before; answers a switch that is complete by now."""
        passed_s = max(at_s - self._last_s, 1e-3)
        self._note_motion(picture, passed_s)
        same = block_means(np.abs(picture - self.settled)) < _SAME + self._noise
        held = block_means(np.abs(picture - self._candidate)) < _STILL + self._noise
        self._left_s[same] = at_s
        fresh = ~same & ~(held & self._waits)
        self._since_s[fresh] = at_s
        self._waits = ~same
        renewed = _pixels(fresh)
        self._candidate[renewed] = picture[renewed]
        follow = _pixels(same)
        self.settled[follow] += np.float32(0.1) * (picture - self.settled)[follow]
        steady = _pixels(self._waits & ~fresh)
        self._candidate[steady] += np.float32(0.3) * (picture - self._candidate)[steady]
        ripe = self._waits & (at_s - self._since_s >= HOLD_S - 1e-6)
        switch = self._switch(ripe, at_s)
        self._last, self._last_s = picture, at_s
        return switch

    def finish(self) -> Switch | None:
        """The switch that was being gathered when the film ended."""
        return self._closed(self._last_s) if self._gathering else None

    def _note_motion(self, picture: Grey, passed_s: float) -> None:
        steps = block_means(np.abs(picture - self._last))
        busy = block_means(np.abs(picture - picture.mean())) > 3.0
        if busy.any():
            now = float(np.percentile(steps[busy], 40))
            self._noise += 0.05 * (min(now, _MAX_NOISE) - self._noise)
        moved = steps > _MOVING + self._noise
        self.moving_share = float(moved.mean())
        if self.moving_share >= _COMMON:
            moved = moved & self.restless
        keep = float(np.exp(-passed_s / _REMEMBER_S))
        starts = moved & ~self._moved
        self._restless_share += (1 - keep) * (moved - self._restless_share)
        self._restless_starts += (1 - keep) * (starts / passed_s - self._restless_starts)
        self._moved = moved

    def _switch(self, ripe: Mask, at_s: float) -> Switch | None:
        done = None
        counts = ripe & self._countable(ripe)
        if self._gathering and self._gathering.over(at_s, more=bool(counts.any())):
            done, self._gathering = self._closed(at_s), None
        if not ripe.any():
            return done
        if counts.any() and self._gathering is None:
            self._gathering = _Gathering(self.settled.copy(), at_s)
        if self._gathering:
            self._gathering.add(counts, ~self.restless, self._since_s, self._left_s)
        self._settle(ripe, at_s)
        return done

    def _countable(self, ripe: Mask) -> Mask:
        """Blocks whose switch tells something: not restless, not slow, not a late part of the last switch."""
        if float(ripe.mean()) >= _WHOLE:
            return ripe
        quick = (self._since_s - self._left_s <= _QUICK_S) & ~self.restless
        counts: Mask = quick & (self._left_s > self._told_s - _LATE_S)
        return counts

    def _settle(self, blocks: Mask, at_s: float) -> None:
        pixels = _pixels(blocks)
        self.settled[pixels] = self._candidate[pixels]
        self._waits &= ~blocks
        self._left_s[blocks] = at_s

    def _closed(self, at_s: float) -> Switch:
        assert self._gathering is not None
        switch = self._gathering.closed(self.settled)
        self._told_s = switch.at_s
        if switch.share >= _MOST:  # what still waits shows the new picture too: of the old one nothing is left
            self._settle(self._waits & (self._left_s <= switch.at_s), at_s)
        return switch


class _Gathering:
    def __init__(self, before: Grey, began_s: float) -> None:
        self.began_s = began_s
        self._before = before
        self._blocks = np.zeros((before.shape[0] // SIDE_PX, before.shape[1] // SIDE_PX), bool)
        self._calm = np.ones_like(self._blocks)
        self._at_s: list[float] = []
        self._left_s: list[float] = []

    def over(self, at_s: float, *, more: bool) -> bool:
        """Whether it has waited long enough; what keeps coming in is waited for a little longer."""
        return at_s - self.began_s > (2 * _GATHER_S if more else _GATHER_S)

    def add(self, blocks: Mask, calm: Mask, since_s: NDArray[np.float64], left_s: NDArray[np.float64]) -> None:
        self._blocks |= blocks
        self._calm &= calm
        self._at_s.extend(since_s[blocks].tolist())
        self._left_s.extend(left_s[blocks].tolist())

    def closed(self, after: Grey) -> Switch:
        return Switch(
            at_s=float(np.median(self._at_s)),
            left_s=float(np.median(self._left_s)),
            blocks=self._blocks,
            calm=self._calm,
            before=self._before,
            after=after.copy(),
        )


def block_means(picture: Grey) -> Grey:
    """The mean of each block."""
    rows, columns = picture.shape[0] // SIDE_PX, picture.shape[1] // SIDE_PX
    cut = picture[: rows * SIDE_PX, : columns * SIDE_PX]
    sums = np.add.reduceat(cut, np.arange(0, rows * SIDE_PX, SIDE_PX), axis=0)
    grid = np.add.reduceat(sums, np.arange(0, columns * SIDE_PX, SIDE_PX), axis=1)
    means: Grey = np.asarray(grid, np.float32) / np.float32(SIDE_PX**2)
    return means


def _pixels(blocks: Mask) -> Mask:
    return np.repeat(np.repeat(blocks, SIDE_PX, axis=0), SIDE_PX, axis=1)


pixels_of = _pixels
