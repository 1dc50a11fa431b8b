"""What was drawn on a slide of a BigBlueButton recording, drawn again with Pillow.

Laws of this file: nothing is fetched or run: lines, rectangles, ellipses, polygons, paths and text are all a
whiteboard has; a shape that isn't understood is left out; numbers are bounded, so that no drawing costs more than its
slide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFont

from proxy.transforms.media.lecture.bbb_plan import Shape, style_of

if TYPE_CHECKING:
    from lxml.etree import _Element

Point = tuple[float, float]
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_STEP = re.compile(rf"([MmLlHhVvQqCcAaZz])|({_NUMBER})")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "C": 6, "A": 7, "Z": 0}
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})\b")
_MAX_POINTS, _CURVE_STEPS, _FAR = 20_000, 12, 1e5
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf")


def drawn(slide: Image.Image, shapes: Sequence[Shape], width: float, height: float) -> Image.Image:
    """The slide (RGB) with the shapes on it. width, height: the slide in the shapes' own measure."""
    if not shapes:
        return slide
    image = slide.copy()
    for shape in shapes:
        if shape.see_through:
            over = Image.new("RGB", image.size, "white")
            _put(over, shape, width, height)
            image = ImageChops.multiply(image, over)
        else:
            _put(image, shape, width, height)
    return image


def _put(image: Image.Image, shape: Shape, width: float, height: float) -> None:
    pen = _Pen(ImageDraw.Draw(image), image.width / max(width, 1.0), image.height / max(height, 1.0))
    for element in shape.element.iter():
        if isinstance(element.tag, str):
            pen.put(element.tag.rpartition("}")[2], element, {**shape.style, **_own_style(element)})


def _own_style(element: _Element) -> dict[str, str]:
    told = {name: element.get(name) or "" for name in ("stroke", "fill", "stroke-width", "color")}
    return {**{name: value for name, value in told.items() if value}, **style_of(element.get("style"))}


class _Pen:
    def __init__(self, draw: ImageDraw.ImageDraw, across: float, down: float) -> None:
        self._draw, self._across, self._down = draw, across, down

    def put(self, name: str, element: _Element, style: dict[str, str]) -> None:
        """Draw one element if it is one of those that a whiteboard has."""
        if name == "line":
            self._strokes([[_pair(element, "x1", "y1"), _pair(element, "x2", "y2")]], style)
        elif name in ("polygon", "polyline"):
            points = _points(element.get("points"))
            self._strokes([[*points, *(points[:1] if name == "polygon" else [])]], style)
        elif name == "rect":
            left, top = _pair(element, "x", "y")
            wide, tall = _pair(element, "width", "height")
            corners = [(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall), (left, top)]
            self._strokes([corners], style)
        elif name in ("circle", "ellipse"):
            self._strokes([_ring(element)], style)
        elif name == "path":
            self._strokes(list(_paths(element.get("d"))), style)
        elif name == "foreignObject" or name == "text":
            self._text(element, style)

    def _strokes(self, lines: list[list[Point]], style: dict[str, str]) -> None:
        fill, stroke = _colour(style.get("fill")), _colour(style.get("stroke"))
        thick = max(1, round(min(_first(style.get("stroke-width"), 1.0), 200.0) * self._across))
        for line in lines:
            placed = [(x * self._across, y * self._down) for x, y in line]
            if fill and len(placed) > 2:
                self._draw.polygon(placed, fill=fill)
            if stroke and len(placed) > 1:
                self._draw.line(placed, fill=stroke, width=thick, joint="curve")
                for x, y in (placed[0], placed[-1]) if thick > 2 else ():
                    self._draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=stroke)

    def _text(self, element: _Element, style: dict[str, str]) -> None:
        left, top = _pair(element, "x", "y")
        size = min(max(_first(style.get("font-size"), 20.0) * self._down, 4.0), 400.0)
        font, colour = _font(round(size)), _colour(style.get("color") or style.get("fill")) or (0, 0, 0)
        wide = _first(element.get("width"), 0.0) * self._across
        y = top * self._down
        for line in _lines(element):
            for row in _wrapped(line, font, wide):
                self._draw.text((left * self._across, y), row, fill=colour, font=font)
                y += size * 1.2


def _lines(element: _Element) -> list[str]:
    """The text within, broken at <br>."""
    parts: list[str] = []
    for one in element.iter():
        if not isinstance(one.tag, str):
            continue
        if one.tag.rpartition("}")[2] == "br":
            parts.append("\n")
        parts.append(one.text or "")
        parts.append((one.tail or "") if one is not element else "")
    return "".join(parts)[:2000].strip().split("\n")


def _wrapped(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, wide: float) -> Iterator[str]:
    row = ""
    for word in line.split():
        longer = f"{row} {word}".strip()
        if row and wide > 0 and font.getlength(longer) > wide * 1.05:
            yield row
            row = word
        else:
            row = longer
    yield row


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """One that knows Cyrillic, where the system has one; else Pillow's own."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _paths(told: str | None) -> Iterator[list[Point]]:
    """A path as lines: curves become short strokes. Relative commands are taken too."""
    line: list[Point] = []
    here: Point = (0.0, 0.0)
    for command, numbers in _commands(told):
        kind = command.upper()
        if kind == "M":
            if line:
                yield line
            line = []
        if kind == "Z":
            line = [*line, *line[:1]]
            continue
        ends = _reached(kind, command.islower(), numbers, here)
        line += ends
        here = ends[-1]
    if line:
        yield line


def _commands(told: str | None) -> Iterator[tuple[str, list[float]]]:
    command, held, given = "", list[float](), 0
    for letter, number in _STEP.findall((told or "")[:400_000]):
        if letter:
            command, held = letter, []
            if letter in "Zz":
                yield letter, []
            continue
        held.append(max(-_FAR, min(_FAR, float(number))))
        if command and len(held) == _TAKES[command.upper()]:
            yield command, held
            held, given = [], given + 1
            command = {"M": "L", "m": "l"}.get(command, command)
            if given > _MAX_POINTS:
                return


def _reached(kind: str, relative: bool, numbers: list[float], here: Point) -> list[Point]:
    x0, y0 = here if relative else (0.0, 0.0)
    if kind == "H":
        return [(numbers[0] + x0, here[1])]
    if kind == "V":
        return [(here[0], numbers[0] + y0)]
    if kind == "A":
        return _arc(here, (numbers[5] + x0, numbers[6] + y0), numbers)
    points = [(numbers[i] + x0, numbers[i + 1] + y0) for i in range(0, len(numbers), 2)]
    return points if len(points) == 1 else [_bezier([here, *points], step / _CURVE_STEPS) for step in range(1, 13)]


def _bezier(points: list[Point], share: float) -> Point:
    while len(points) > 1:
        points = [(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for a, b in pairwise(points)]
    return points[0]


def _arc(begin: Point, end: Point, numbers: list[float]) -> list[Point]:
    """An elliptical arc without rotation, as SVG 1.1 appendix F.6.5 has it; a flat one is a line."""
    rx, ry = abs(numbers[0]), abs(numbers[1])
    large, sweep = numbers[3] != 0, numbers[4] != 0
    if rx == 0 or ry == 0 or begin == end:
        return [end]
    dx, dy = (begin[0] - end[0]) / 2 / rx, (begin[1] - end[1]) / 2 / ry
    far = dx * dx + dy * dy
    if far > 1:
        rx, ry, dx, dy, far = rx * math.sqrt(far), ry * math.sqrt(far), dx / math.sqrt(far), dy / math.sqrt(far), 1.0
    root = math.sqrt(max(0.0, 1 / far - 1)) * (-1 if large == sweep else 1)
    cx, cy = root * dy, -root * dx
    first, last = math.atan2(dy - cy, dx - cx), math.atan2(-dy - cy, -dx - cx)
    turn = (last - first) % (2 * math.pi) if sweep else -((first - last) % (2 * math.pi))
    mx = (begin[0] + end[0]) / 2 + cx * rx
    my = (begin[1] + end[1]) / 2 + cy * ry
    angles = [first + turn * step / _CURVE_STEPS for step in range(1, _CURVE_STEPS + 1)]
    return [(mx + rx * math.cos(angle), my + ry * math.sin(angle)) for angle in angles]


def _ring(element: _Element) -> list[Point]:
    cx, cy = _pair(element, "cx", "cy")
    r = _first(element.get("r"), 0.0)
    rx, ry = _first(element.get("rx"), r), _first(element.get("ry"), r)
    angles = [2 * math.pi * step / 48 for step in range(49)]
    return [(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]


def _points(told: str | None) -> list[Point]:
    numbers = [max(-_FAR, min(_FAR, float(one))) for one in re.findall(_NUMBER, (told or "")[:400_000])]
    return list(zip(numbers[0::2], numbers[1::2], strict=False))[:_MAX_POINTS]


def _pair(element: _Element, one: str, two: str) -> Point:
    return _first(element.get(one), 0.0), _first(element.get(two), 0.0)


def _first(told: str | None, default: float) -> float:
    found = re.match(rf"\s*({_NUMBER})", told or "")
    return max(-_FAR, min(_FAR, float(found[1]))) if found else default


def _colour(told: str | None) -> tuple[int, int, int] | None:
    """None for "none" and for what isn't a plain colour."""
    if told in ("white", "black"):
        return (255, 255, 255) if told == "white" else (0, 0, 0)
    found = _COLOUR.search(told or "")
    if found is None:
        return None
    number = int(found[1], 16)
    return number >> 16, number >> 8 & 255, number & 255
