"""The process that reads a recording and draws its slides: `python -m proxy.transforms.media.lecture.bbb_draw` in the
jail.

Laws of this file: foreign XML, JSON and pictures are opened only here; a slide whose picture can't be opened is left
out. It says one line of JSON: the recording's plan with the slides that were written (`Drawing`).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from policies.frozen import Frozen
from proxy.transforms.media.lecture import bbb_shapes
from proxy.transforms.media.lecture.bbb_plan import LecturePlan, NotARecording, Page, Shape, Showing, recording, visible
from proxy.transforms.media.lecture.budget import budget_bytes
from proxy.transforms.media.lecture.model import Slide
from proxy.transforms.media.lecture.picture import Slides
from proxy.transforms.media.lecture.values import Drawn, fitted_px
from proxy.transforms.media.lecture.workers import SMALL_FILES, Drawing

_MAX_FILE_BYTES = 48 << 20
_WIPED = 3  # shapes gone at once: the board was cleared, and what stood there is kept as a slide of its own
_STEP_EVERY_S, _MAX_STEPS = 5.0, 100


def main(arguments: list[str]) -> int:
    """Arguments: the recording's folder, the folder to write into, width, quality, the most slides, bytes a minute,
    and whether (1, 0) stills of shared screens come after."""
    source, target = Path(arguments[0]), Path(arguments[1])
    width, quality, most, bytes_per_minute, shared = (int(number) for number in arguments[2:7])
    try:
        plan = recording({name: _read(source / name) for name in SMALL_FILES})
    except NotARecording:
        print(json.dumps({"refused": "not-a-recording"}))
        return 0
    shown = states(plan)
    expected = min(most, len({state.key for state in shown}))
    slides = Slides(target, quality, deck_bytes(plan, bytes_per_minute, shared=bool(shared)), expected)
    rows = _Easel(source, width, most, slides).rows(shown)
    chat = tuple((said.at_s, said.name, said.text) for said in plan.chat)
    made = Drawing(
        title=plan.title,
        duration_s=plan.duration_s,
        slides=rows,
        files=len({row.file for row in rows}),
        shares_s=plan.shares_s,
        chat=chat,
        captions=plan.captions,
    )
    print(json.dumps(asdict(made)))
    return 0


def deck_bytes(plan: LecturePlan, bytes_per_minute: int, *, shared: bool) -> int:
    """What the deck may take: the budget of a lecture of this length, less the part of shared screens in its time."""
    shared_s = sum(max(0.0, until_s - at_s) for at_s, until_s in plan.shares_s if shared)
    part = min(1.0, shared_s / plan.duration_s) if plan.duration_s > 0 else 0.0
    return round(budget_bytes(bytes_per_minute, plan.duration_s) * (1.0 - part))


def moments(showing: Showing) -> list[float]:
    """Times just before which a state of the board is kept: each clearing, and the showing's end."""
    gone: dict[float, int] = {}
    for shape in showing.page.shapes:
        if showing.at_s < shape.until_s < showing.until_s:
            gone[shape.until_s] = gone.get(shape.until_s, 0) + 1
    return [*sorted(at_s for at_s, count in gone.items() if count >= _WIPED), showing.until_s]


class _State(Frozen, frozen=True):
    """A page as it was shown for a while. showing: the one that it is a part of."""

    showing: Showing
    begin_s: float
    end_s: float
    shapes: tuple[Shape, ...]

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Equal where the picture is."""
        return (self.showing.page.id, tuple(id(shape) for shape in self.shapes))


def states(plan: LecturePlan) -> list[_State]:
    """What was shown, in order."""
    found: list[_State] = []
    for showing in plan.showings:
        begin_s = showing.at_s
        for end_s in moments(showing):
            shapes = visible(showing.page, math.nextafter(end_s, 0.0))
            found.append(_State(showing, begin_s, end_s, tuple(shapes)))
            begin_s = end_s
    return found


class _Easel:
    """Draws each distinct state of each page once."""

    def __init__(self, source: Path, width: int, most: int, slides: Slides) -> None:
        self._source, self._width, self._most, self._slides = source, width, most, slides
        self._known: dict[tuple[str, tuple[int, ...]], int] = {}

    def rows(self, shown: Sequence[_State]) -> tuple[Slide, ...]:
        """Draw them, write them, and say when each is shown."""
        numbered = [(state, number) for state in shown if (number := self._number(state)) is not None]
        written = self._slides.write()
        return tuple(_row(n, state, written[number]) for n, (state, number) in enumerate(numbered, 1))

    def _number(self, state: _State) -> int | None:
        """The picture that shows it; None: it can't be drawn, or there are too many."""
        if state.key not in self._known and len(self._known) < self._most:
            page = state.showing.page
            slide = self._picture(page)
            if slide is None:
                return None
            slide = slide.resize(fitted_px(*slide.size, self._width), Image.Resampling.LANCZOS)
            slide = bbb_shapes.drawn(slide, state.shapes, page.width, page.height)
            number = self._known[state.key] = len(self._known) + 1
            self._slides.add(number, slide)
        return self._known.get(state.key)

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


def _row(n: int, state: _State, drawn: Drawn) -> Slide:
    steps: list[float] = []
    for shape in sorted(state.showing.page.shapes, key=lambda one: one.at_s):
        late = not steps or shape.at_s - steps[-1] >= _STEP_EVERY_S
        if state.begin_s < shape.at_s < state.end_s and late and len(steps) < _MAX_STEPS:
            steps.append(round(shape.at_s, 2))
    return Slide(
        n=n,
        at_s=round(state.begin_s, 2),
        until_s=round(state.end_s, 2),
        file=drawn.file,
        width=drawn.width,
        height=drawn.height,
        bytes=drawn.bytes,
        steps_s=tuple(steps),
        text=state.showing.page.text,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
