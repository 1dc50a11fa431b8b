"""The kinds of shapes that a board has, each turned into SVG elements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from proxy.transforms.media.lecture.bbb_board_values import (
    MAX_POINTS,
    Point,
    mapping,
    number,
    pair,
    points_of,
    printable,
    rich_text,
    xy,
)
from proxy.transforms.media.lecture.bbb_poll import chart, poll_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_COLOURS = {
    "black": "#1d1d1d",
    "grey": "#9fa8b2",
    "gray": "#9fa8b2",
    "lightGray": "#c6cbd1",
    "white": "#ffffff",
    "violet": "#ae3ec9",
    "light-violet": "#e085f4",
    "indigo": "#4263eb",
    "blue": "#4465e9",
    "light-blue": "#4ba1f1",
    "cyan": "#0e98ad",
    "green": "#099268",
    "light-green": "#4cb05e",
    "yellow": "#f1ac4b",
    "orange": "#e16919",
    "red": "#e03131",
    "light-red": "#f87777",
}
_STROKES = {"s": 2.0, "m": 3.5, "l": 5.0, "xl": 10.0, "small": 2.0, "medium": 3.5, "large": 5.0}
_LETTERS = {"s": 18.0, "m": 24.0, "l": 36.0, "xl": 44.0, "small": 28.0, "medium": 48.0, "large": 96.0}
_NOTE_PX = 200.0


def _pale(colour: str) -> str:
    """Three parts of white and one of the colour."""
    return "#" + "".join(f"{(int(colour[at : at + 2], 16) + 765) // 4:02x}" for at in (1, 3, 5))


_PALE = {name: _pale(colour) for name, colour in _COLOURS.items()}


@dataclass(slots=True)
class Shape:
    """A shape being turned into elements: its own points become the slide's."""

    id: str
    data: Mapping[str, Any]
    props: Mapping[str, Any]
    at: Point
    size: Point
    turn: float
    middle: Point
    scale: float
    group: _Element = field(default_factory=lambda: etree.Element("g"))

    @property
    def colour(self) -> str:
        return _COLOURS.get(str(self.props.get("color")), _COLOURS["black"])

    @property
    def thick(self) -> float:
        return _STROKES.get(str(self.props.get("size")), 3.5)

    @property
    def fill(self) -> str:
        """ "none" is no filling, "semi" paper's white, all else the pale colour."""
        told = self.props.get("fill") or ("solid" if self.props.get("isFilled") else "none")
        if told == "none":
            return "none"
        return "#ffffff" if told == "semi" else _PALE.get(str(self.props.get("color")), "#dddddd")

    def placed(self, point: Point) -> Point:
        x, y = point[0] - self.middle[0], point[1] - self.middle[1]
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        turned = x * cos - y * sin + self.middle[0], x * sin + y * cos + self.middle[1]
        return (turned[0] + self.at[0]) * self.scale, (turned[1] + self.at[1]) * self.scale

    def line(self, points: list[Point], *, closed: bool = False, fill: str = "none", thick: float = 0.0) -> None:
        told = " ".join(f"{x:.2f},{y:.2f}" for x, y in map(self.placed, points[:MAX_POINTS]))
        element = etree.SubElement(self.group, "polygon" if closed else "polyline", points=told, fill=fill)
        element.set("stroke", self.colour)
        element.set("stroke-width", f"{(thick or self.thick) * self.scale:.2f}")

    def text(self, words: str, corner: Point, width: float, *, colour: str = "", size: float = 0.0) -> None:
        words = printable(words)
        if not words.strip():
            return
        x, y = self.placed(corner)
        size = size or _LETTERS.get(str(self.props.get("size")), 24.0)
        element = etree.SubElement(self.group, "text", x=f"{x:.2f}", y=f"{y:.2f}", color=colour or self.colour)
        element.set("width", f"{width * self.scale:.2f}")
        element.set("style", f"font-size:{size * self.scale:.2f}px")
        element.text = words


def _draw(shape: Shape) -> None:
    for points in _strokes(shape):
        closed = bool(shape.props.get("isClosed"))
        shape.line(points, closed=closed, fill=shape.fill if closed else "none")


def _highlight(shape: Shape) -> None:
    wide = _LETTERS.get(str(shape.props.get("size")), 24.0) * 1.1
    for points in _strokes(shape):
        shape.line(points if len(points) > 1 else [*points, *points], thick=wide)


def _strokes(shape: Shape) -> Iterator[list[Point]]:
    segments = shape.props.get("segments")
    if isinstance(segments, list):
        points = [one for part in segments if isinstance(part, dict) for one in points_of(part.get("points"))]
    else:
        points = points_of(shape.data.get("points"))
    if points:
        yield points


def _box(shape: Shape, corners: Callable[[float, float], list[Point]]) -> None:
    wide, tall = shape.size
    shape.line(corners(wide, tall), closed=True, fill=shape.fill)
    words = shape.props.get("text") or shape.props.get("label") or rich_text(shape.props.get("richText"))
    size = _LETTERS.get(str(shape.props.get("size")), 24.0)
    shape.text(str(words or ""), (wide * 0.08, max(0.0, tall / 2 - size * 0.7)), wide * 0.84)


def _geo(shape: Shape) -> None:
    kind = str(shape.props.get("geo"))
    _box(shape, _CORNERS.get(kind, _rectangle))
    wide, tall = shape.size
    if kind == "x-box":
        shape.line([(0, 0), (wide, tall)])
        shape.line([(wide, 0), (0, tall)])
    elif kind == "check-box":
        shape.line([(wide * 0.25, tall * 0.5), (wide * 0.45, tall * 0.7), (wide * 0.8, tall * 0.25)])


def _rectangle(wide: float, tall: float) -> list[Point]:
    return [(0, 0), (wide, 0), (wide, tall), (0, tall)]


def _oval(wide: float, tall: float) -> list[Point]:
    steps = (2 * math.pi * step / 48 for step in range(48))
    return [(wide / 2 * (1 + math.cos(step)), tall / 2 * (1 + math.sin(step))) for step in steps]


def _shares(*shares: Point) -> Callable[[float, float], list[Point]]:
    return lambda wide, tall: [(x * wide, y * tall) for x, y in shares]


def _star(wide: float, tall: float) -> list[Point]:
    rays = [(math.pi * (step / 5 - 0.5), 0.5 if step % 2 == 0 else 0.22) for step in range(10)]
    return [(wide * (0.5 + r * math.cos(a)), tall * (0.5 + r * math.sin(a))) for a, r in rays]


_TRIANGLE = _shares((0.5, 0), (1, 1), (0, 1))
_CORNERS: Mapping[str, Callable[[float, float], list[Point]]] = {
    "ellipse": _oval,
    "oval": _oval,
    "cloud": _oval,
    "triangle": _TRIANGLE,
    "diamond": _shares((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
    "rhombus": _shares((0.25, 0), (1, 0), (0.75, 1), (0, 1)),
    "rhombus-2": _shares((0, 0), (0.75, 0), (1, 1), (0.25, 1)),
    "trapezoid": _shares((0.2, 0), (0.8, 0), (1, 1), (0, 1)),
    "pentagon": _shares((0.5, 0), (1, 0.4), (0.8, 1), (0.2, 1), (0, 0.4)),
    "hexagon": _shares((0.25, 0), (0.75, 0), (1, 0.5), (0.75, 1), (0.25, 1), (0, 0.5)),
    "octagon": _shares((0.3, 0), (0.7, 0), (1, 0.3), (1, 0.7), (0.7, 1), (0.3, 1), (0, 0.7), (0, 0.3)),
    "star": _star,
    "arrow-right": _shares((0, 0.25), (0.6, 0.25), (0.6, 0), (1, 0.5), (0.6, 1), (0.6, 0.75), (0, 0.75)),
    "arrow-left": _shares((1, 0.25), (0.4, 0.25), (0.4, 0), (0, 0.5), (0.4, 1), (0.4, 0.75), (1, 0.75)),
    "arrow-up": _shares((0.25, 1), (0.25, 0.4), (0, 0.4), (0.5, 0), (1, 0.4), (0.75, 0.4), (0.75, 1)),
    "arrow-down": _shares((0.25, 0), (0.25, 0.6), (0, 0.6), (0.5, 1), (1, 0.6), (0.75, 0.6), (0.75, 0)),
}


def _line(shape: Shape) -> None:
    told = shape.props.get("points") or shape.props.get("handles")
    stops = [one for one in mapping(told).values() if isinstance(one, dict)]
    stops.sort(key=lambda one: str(one.get("index", "")))
    shape.line([(number(one.get("x")), number(one.get("y"))) for one in stops])


def _arrow(shape: Shape) -> None:
    handles, props = mapping(shape.data.get("handles")), shape.props
    if handles:
        begin, end = (pair(mapping(handles.get(name)).get("point")) for name in ("start", "end"))
        heads = mapping(shape.data.get("decorations"))
        at_begin, at_end = bool(heads.get("start")), bool(heads.get("end"))
        over: Point | None = pair(mapping(handles.get("bend")).get("point"))
    else:
        begin, end = (xy(props.get(name)) for name in ("start", "end"))
        at_begin = props.get("arrowheadStart", "none") != "none"
        at_end = props.get("arrowheadEnd", "arrow") != "none"
        over = _bent(begin, end, number(props.get("bend")))
    way = _curve(begin, over, end) if over is not None else [begin, end]
    shape.line(way)
    for tip, from_, wanted in ((end, way[-2], at_end), (begin, way[1], at_begin)):
        if wanted:
            shape.line(_head(tip, from_, shape.thick * 4))
    shape.text(str(props.get("text") or props.get("label") or ""), way[len(way) // 2], 300.0)


def _bent(begin: Point, end: Point, bend: float) -> Point:
    length = math.dist(begin, end) or 1.0
    across = (end[1] - begin[1]) / length, (begin[0] - end[0]) / length
    return (begin[0] + end[0]) / 2 + across[0] * -bend, (begin[1] + end[1]) / 2 + across[1] * -bend


def _curve(begin: Point, over: Point, end: Point) -> list[Point]:
    """Through the point in the middle, as a parabola."""
    aim = 2 * over[0] - (begin[0] + end[0]) / 2, 2 * over[1] - (begin[1] + end[1]) / 2
    steps = [step / 12 for step in range(13)]
    return [
        (
            (1 - t) ** 2 * begin[0] + 2 * t * (1 - t) * aim[0] + t * t * end[0],
            (1 - t) ** 2 * begin[1] + 2 * t * (1 - t) * aim[1] + t * t * end[1],
        )
        for t in steps
    ]


def _head(tip: Point, from_: Point, length: float) -> list[Point]:
    angle = math.atan2(from_[1] - tip[1], from_[0] - tip[0])
    sides = [(tip[0] + length * math.cos(angle + d), tip[1] + length * math.sin(angle + d)) for d in (-0.5, 0.5)]
    return [sides[0], tip, sides[1]]


def _text(shape: Shape) -> None:
    words = shape.props.get("text") or rich_text(shape.props.get("richText"))
    scale = number(shape.props.get("scale"), 1.0) or 1.0
    size = _LETTERS.get(str(shape.props.get("size")), 24.0) * min(max(scale, 0.1), 20.0)
    wide = 0.0 if shape.props.get("autoSize") else shape.size[0]
    shape.text(str(words or ""), (0.0, 0.0), wide, size=size)


def _note(shape: Shape) -> None:
    wide, tall = shape.size
    if not wide:
        wide, tall = _NOTE_PX, _NOTE_PX + tall  # only what it grew by is told
    pale = _PALE.get(str(shape.props.get("color")), "#fff4c2")
    shape.line(_rectangle(wide, tall), closed=True, fill=pale)
    words = shape.props.get("text") or rich_text(shape.props.get("richText"))
    shape.text(str(words or ""), (wide * 0.08, tall * 0.08), wide * 0.84, colour="#1d1d1d")


def _poll(shape: Shape) -> None:
    poll = poll_of(shape.props)
    if poll is not None:
        left, top = shape.placed((0.0, 0.0))
        wide, tall = shape.size
        shape.group.append(chart(poll, (left, top, wide * shape.scale, tall * shape.scale)))


MAKERS: Mapping[str, Callable[[Shape], None]] = {
    "draw": _draw,
    "highlight": _highlight,
    "geo": _geo,
    "rectangle": lambda shape: _box(shape, _rectangle),
    "frame": lambda shape: _box(shape, _rectangle),
    "ellipse": lambda shape: _box(shape, _oval),
    "triangle": lambda shape: _box(shape, _TRIANGLE),
    "line": _line,
    "arrow": _arrow,
    "text": _text,
    "sticky": _note,
    "note": _note,
    "poll": _poll,
}
