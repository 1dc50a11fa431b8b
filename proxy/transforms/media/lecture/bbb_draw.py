"""The process that reads a recording and draws its slides: `python -m proxy.transforms.media.lecture.bbb_draw` in the
jail.

Laws of this file: foreign XML, JSON and pictures are opened only here; a slide whose picture can't be opened is left
out. It says one line of JSON: the recording's plan with the slides that were written (`Drawing`).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from proxy.transforms.media.lecture import bbb_shapes
from proxy.transforms.media.lecture.bbb_plan import LecturePlan, NotARecording, Page, Showing, recording, visible
from proxy.transforms.media.lecture.model import Slide
from proxy.transforms.media.lecture.picture import write_slide
from proxy.transforms.media.lecture.values import Drawn, fitted_px
from proxy.transforms.media.lecture.workers import SMALL_FILES, Drawing

_MAX_FILE_BYTES = 48 << 20
_WIPED = 3  # shapes gone at once: the board was cleared, and what stood there is kept as a slide of its own
_STEP_EVERY_S, _MAX_STEPS = 5.0, 100


def main(arguments: list[str]) -> int:
    """Arguments: the recording's folder, the folder to write into, width, quality, the most slides."""
    source, target = Path(arguments[0]), Path(arguments[1])
    width, quality, most = (int(number) for number in arguments[2:5])
    try:
        plan = recording({name: _read(source / name) for name in SMALL_FILES})
    except NotARecording:
        print(json.dumps({"refused": "not-a-recording"}))
        return 0
    easel = _Easel(source, target, width, quality, most)
    slides = tuple(easel.slides(plan))
    chat = tuple((said.at_s, said.name, said.text) for said in plan.chat)
    made = Drawing(
        title=plan.title,
        duration_s=plan.duration_s,
        slides=slides,
        files=easel.files,
        shares_s=plan.shares_s,
        chat=chat,
        captions=plan.captions,
    )
    print(json.dumps(asdict(made)))
    return 0


def moments(showing: Showing) -> list[float]:
    """Times just before which a state of the board is kept: each clearing, and the showing's end."""
    gone: dict[float, int] = {}
    for shape in showing.page.shapes:
        if showing.at_s < shape.until_s < showing.until_s:
            gone[shape.until_s] = gone.get(shape.until_s, 0) + 1
    return [*sorted(at_s for at_s, count in gone.items() if count >= _WIPED), showing.until_s]


class _Easel:
    """Draws each distinct state of each page once."""

    def __init__(self, source: Path, target: Path, width: int, quality: int, most: int) -> None:
        self._source, self._target = source, target
        self._width, self._quality, self._most = width, quality, most
        self._known: dict[tuple[str, tuple[int, ...]], Drawn] = {}

    @property
    def files(self) -> int:
        return len(self._known)

    def slides(self, plan: LecturePlan) -> Iterator[Slide]:
        rows: list[Slide] = []
        for showing in plan.showings:
            begin_s = showing.at_s
            for end_s in moments(showing):
                drawn = self._drawn(showing.page, end_s)
                if drawn is not None:
                    rows.append(_row(len(rows) + 1, showing, begin_s, end_s, drawn))
                begin_s = end_s
        yield from rows

    def _drawn(self, page: Page, until_s: float) -> Drawn | None:
        shapes = visible(page, math.nextafter(until_s, 0.0))
        key = (page.id, tuple(id(shape) for shape in shapes))
        if key not in self._known and len(self._known) < self._most:
            slide = self._picture(page)
            if slide is None:
                return None
            slide = slide.resize(fitted_px(*slide.size, self._width), Image.Resampling.LANCZOS)
            slide = bbb_shapes.drawn(slide, shapes, page.width, page.height)
            self._known[key] = write_slide(slide, self._target, len(self._known) + 1, self._quality)
        return self._known.get(key)

    def _picture(self, page: Page) -> Image.Image | None:
        """The slide's picture; white where it is only named as a drawing; None: it can't be opened."""
        for file in page.files:
            try:
                with Image.open(self._source / file) as opened:
                    opened.draft("RGB", (self._width, self._width))
                    return _on_white(opened)
            except (OSError, ValueError, Image.DecompressionBombError, SyntaxError):
                continue
        wide, tall = (min(max(round(px), 1), 4000) for px in (page.width, page.height))
        return Image.new("RGB", (wide, tall), "white") if len(page.files) > 1 and page.shapes else None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA", "P"):
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("RGB")


def _row(n: int, showing: Showing, begin_s: float, end_s: float, drawn: Drawn) -> Slide:
    steps: list[float] = []
    for shape in sorted(showing.page.shapes, key=lambda one: one.at_s):
        late = not steps or shape.at_s - steps[-1] >= _STEP_EVERY_S
        if begin_s < shape.at_s < end_s and late and len(steps) < _MAX_STEPS:
            steps.append(round(shape.at_s, 2))
    return Slide(
        n=n,
        at_s=round(begin_s, 2),
        until_s=round(end_s, 2),
        file=drawn.file,
        width=drawn.width,
        height=drawn.height,
        bytes=drawn.bytes,
        steps_s=tuple(steps),
        text=showing.page.text,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
