"""Slides in a stream of small grey frames.

Laws of this file: one frame is held at a time, so that a film of twelve hours needs no more memory than one of a minute
(but for the distinct slides' small pictures, at most max_slides of 9 kB); deterministic.
"""

from __future__ import annotations

import numpy as np

from proxy.transforms.media.lecture.align import IDENTITY, UNRELATED, Alignment, Grey, align, halved, laid_on, softened
from proxy.transforms.media.lecture.blocks import Blocks, block_means
from proxy.transforms.media.lecture.shots import Shots, has_ink
from proxy.transforms.media.lecture.values import FPS, HEIGHT_PX, WIDTH_PX, Shot
from proxy.transforms.media.lecture.verdict import Course, Detected, Why, judge

_LIES_STILL = 1.5  # grey levels
_BUSY = 0.5  # of a block's pixels at an edge
_STILL_SHARE = 0.45  # of the blocks with something in them: no need to search for a shift
_WANDER_PX = 4.0  # 1.6 % of the width: hands shake by less, a camera that follows somebody goes further


class Detector:
    """Feed it frames of 256x144 grey pixels, FPS of them a second; then ask it to finish."""

    def __init__(self, *, fps: float = FPS, max_slides: int = 400) -> None:
        self._fps = fps
        self._blocks: Blocks | None = None
        self._shots = Shots(max_pictures=max_slides)
        self._course = Course()
        self._anchor: Grey | None = None
        self._last = IDENTITY
        self._shaken = 0.0

    @property
    def seen_s(self) -> float:
        return self._course.frames / self._fps

    def feed(self, pixels: bytes) -> None:
        """One frame: FRAME_BYTES of grey levels, row by row."""
        frame = softened(np.frombuffer(pixels, np.uint8).reshape(HEIGHT_PX, WIDTH_PX).astype(np.float32))
        at_s = self.seen_s
        self._course.frames += 1
        if self._blocks is None or self._anchor is None:
            self._anchor = frame
            self._blocks = Blocks(halved(frame), at_s=at_s)
            return
        alignment = self._aligned(frame)
        laid = laid_on(frame, alignment)
        switch = self._blocks.feed(halved(laid), at_s)
        self._anchor = self._followed(laid, alignment)
        self._note(alignment)
        if switch:
            self._shots.switched(switch)

    def finish(self) -> Detected:
        """The slides, or why there are none."""
        duration_s = self.seen_s
        shots: list[Shot] = []
        if self._blocks is not None:
            switch = self._blocks.finish()
            if switch:
                self._shots.switched(switch)
            shots = self._shots.finish(self._blocks.settled, ~self._blocks.restless, duration_s)
        why = judge(self._course, shots, duration_s, too_many=self._shots.too_many) if shots else Why.NO_CHANGES
        shaken = self._shaken / max(self._course.frames, 1)
        return Detected(why=why, shots=tuple(shots), duration_s=duration_s, course=self._course, shaken_px=shaken)

    def _aligned(self, frame: Grey) -> Alignment:
        anchor = self._anchor
        assert anchor is not None
        small, known = halved(frame), halved(anchor)
        steps = block_means(np.abs(small - known))
        busy = block_means(has_ink(known).astype(np.float32)) > _BUSY
        if not busy.any() or float((steps[busy] < _LIES_STILL).mean()) >= _STILL_SHARE:
            return IDENTITY
        start = self._last if self._last.agreement else IDENTITY
        return align(anchor, frame, start)

    def _followed(self, laid: Grey, alignment: Alignment) -> Grey:
        """The anchor for the next frame: a slow mean, so that errors don't add up; anew after a cut."""
        assert self._anchor is not None and self._blocks is not None
        if alignment is UNRELATED:
            return laid
        pace = np.where(np.abs(laid - self._anchor) > 12.0, np.float32(0.5), np.float32(0.1))
        anchor: Grey = self._anchor + pace * (laid - self._anchor)
        return anchor

    def _note(self, alignment: Alignment) -> None:
        assert self._blocks is not None
        course = self._course
        course.moving += self._blocks.moving_share
        course.unsettled += self._blocks.unsettled_share
        if alignment is UNRELATED:
            course.lost += self._blocks.moving_share > 0.3
        elif alignment.distance_px > _WANDER_PX:
            course.wandered += 1
        self._last = alignment
        self._shaken += alignment.distance_px
