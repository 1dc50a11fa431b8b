"""Lectures as values: what is on the screen when, and slides one after the other with what lies over them.

Law: a sample is drawn on demand, frame by frame, at any size and instant, the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tests.lecture_pictures import (
    LOOKS,
    Picture,
    Slide,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A slide by its label: it appears at at_s, is complete at full_s, and the picture number says which it is."""

    at_s: float
    full_s: float
    picture: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A lecture that can be drawn. changes is empty where the right answer is "not a slidecast"."""

    name: str
    duration_s: float
    changes: tuple[Change, ...]
    draw: Callable[[float, int, int], Picture]
    verdict: str = "slides"
    steps: int = 0  # builds within slides
    film_height_px: int = 720
    crf: int = 23

    def frame(self, at_s: float, width: int = 640, height: int = 360) -> Picture:
        return self.draw(at_s, width, height)


@dataclass(slots=True)
class Plan:
    """Slides one after the other, with what lies over them."""

    seed: int
    duration_s: float
    shortest_s: float = 8
    longest_s: float = 16
    kinds: tuple[str, ...] = ("text", "photo", "chart", "table", "text")
    build_s: float | None = None  # seconds between bullets; None: slides come complete
    fade_s: float = 0.0
    same_title: bool = False
    returning: bool = False
    overlays: list[Callable[[Picture, float], None]] = field(default_factory=list)
    camera: list[Callable[[Picture, float], Picture]] = field(default_factory=list)
    shown: list[tuple[float, Slide]] = field(default_factory=list)

    def laid_out(self) -> Plan:
        rng = random.Random(self.seed)
        look = LOOKS[self.seed % len(LOOKS)]
        at_s, number = 0.0, 0
        while at_s < self.duration_s - self.shortest_s:
            kind = self.kinds[number % len(self.kinds)]
            lines = rng.randint(3, 6)
            title = "One title for all" if self.same_title else ""
            slide = Slide(self.seed * 100 + number, kind, look, lines, title)
            if self.returning and number % 4 == 3:
                slide = self.shown[-2][1]
            self.shown.append((at_s, slide))
            length = rng.uniform(self.shortest_s, self.longest_s)
            if self.build_s and slide.kind == "text":
                length = max(length, self.build_s * slide.lines + 4)
            at_s += round(length, 1)
            number += 1
        return self

    def changes(self) -> tuple[Change, ...]:
        known: dict[Slide, int] = {}
        return tuple(
            Change(at_s=at_s, full_s=self._full_s(at_s, slide), picture=known.setdefault(slide, len(known)))
            for at_s, slide in self.shown
        )

    def _full_s(self, at_s: float, slide: Slide) -> float:
        if self.build_s and slide.kind == "text":
            return at_s + self.build_s * (slide.lines - 1)
        return at_s + self.fade_s

    def steps(self) -> int:
        return sum(slide.lines - 1 for _, slide in self.shown if slide.kind == "text") if self.build_s else 0

    def draw(self, at_s: float, width: int, height: int) -> Picture:
        index = max(i for i, (start, _) in enumerate(self.shown) if start <= at_s or i == 0)
        frame = self._slide(index, at_s, width, height)
        since = at_s - self.shown[index][0]
        if self.fade_s and index and since < self.fade_s:
            before = self._slide(index - 1, at_s, width, height)
            frame = np.array(Image.blend(Image.fromarray(before), Image.fromarray(frame), since / self.fade_s))
        for overlay in self.overlays:
            overlay(frame, at_s)
        for move in self.camera:
            frame = move(frame, at_s)
        return frame

    def _slide(self, index: int, at_s: float, width: int, height: int) -> Picture:
        start, slide = self.shown[index]
        lines = None
        if self.build_s and slide.kind == "text":
            lines = min(slide.lines, 1 + int((at_s - start) / self.build_s))
        return np.array(slide.paint(width, height, lines))

    def sample(self, name: str, **more: object) -> Sample:
        self.laid_out()
        values = {"verdict": "slides", "film_height_px": 720, "crf": 23, **more}
        return Sample(
            name=name, duration_s=self.duration_s, changes=self.changes(), draw=self.draw, steps=self.steps(), **values
        )  # type: ignore[arg-type]
