"""How large each picture of a PDF is drawn, in inches: read off the pages' own drawing instructions.

Laws of this file: of several uses the largest counts; a picture that is drawn where sizes aren't known here (patterns,
fonts, soft-mask groups, annotations) is left as it is; forms within forms end at a depth, and in a bounded number of
steps. Source: ISO 32000-2, 8.3.3 (matrices), 8.9.5 (a picture fills the unit square), 8.10 (form XObjects).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import hypot

import pikepdf
from pikepdf import Dictionary, Name, Object, Stream

from policies.frozen import Frozen
from proxy.transforms.media.documents.values import NoCopy

Key = tuple[int, int]
Matrix = tuple[float, float, float, float]  # the linear part: where things are doesn't matter, only how large
_ONE: Matrix = (1.0, 0.0, 0.0, 1.0)
_MAX_DEPTH = 12
_MAX_DRAWN = 100_000
_POINTS_PER_INCH = 72.0
_OPERATORS = "q Q cm Do"


class Use(Frozen, frozen=True, kw_only=True):
    """The largest width and height at which a picture is drawn."""

    width_in: float
    height_in: float


@dataclass(slots=True)
class Placements:
    """Every picture found. uses: with their sizes; masks: those that are another's transparency; fixed: must stay."""

    uses: dict[Key, Use] = field(default_factory=dict)
    masks: set[Key] = field(default_factory=set)
    fixed: set[Key] = field(default_factory=set)

    def note(self, picture: Stream, matrix: Matrix) -> None:
        a, b, c, d = matrix
        seen = self.uses.get(picture.objgen, Use(width_in=0, height_in=0))
        self.uses[picture.objgen] = Use(
            width_in=max(seen.width_in, hypot(a, b) / _POINTS_PER_INCH),
            height_in=max(seen.height_in, hypot(c, d) / _POINTS_PER_INCH),
        )


def placements(pdf: pikepdf.Pdf) -> Placements:
    """Walk every page. Raises NoCopy("too-complex"), and pikepdf.PdfError for broken instructions."""
    walk = _Walk()
    for page in pdf.pages:
        unit = _number(page.obj.get("/UserUnit"), 1.0)
        walk.content(page.obj, page.obj.get("/Resources"), (unit, 0.0, 0.0, unit), depth=0)
        for annotation in _values(page.obj.get("/Annots")):
            walk.fix(annotation.get("/AP") if isinstance(annotation, Dictionary) else None, depth=0)
    return walk.found


class _Walk:
    def __init__(self) -> None:
        self.found = Placements()
        self._drawn = 0
        self._parsed: dict[Key, list[tuple[str, list[Object]]]] = {}
        self._fixed_seen: set[Key] = set()
        self._resources_seen: set[Key] = set()

    def content(self, holder: Object, resources: Object | None, matrix: Matrix, depth: int) -> None:
        """One page or form under the matrix in force where it is drawn."""
        if depth > _MAX_DEPTH:
            raise NoCopy("too-complex")
        self._unsized(resources)
        objects = resources.get("/XObject") if isinstance(resources, Dictionary) else None
        stack: list[Matrix] = []
        for operator, operands in self._instructions(holder):
            if operator == "q":
                stack.append(matrix)
            elif operator == "Q":
                matrix = stack.pop() if stack else matrix
            elif operator == "cm":
                matrix = _product(_matrix(operands), matrix)
            elif operands and isinstance(objects, Dictionary) and isinstance(operands[0], Name):
                self._draw(objects.get(operands[0]), resources, matrix, depth)

    def _draw(self, drawn: Object | None, resources: Object | None, matrix: Matrix, depth: int) -> None:
        self._drawn += 1
        if self._drawn > _MAX_DRAWN:
            raise NoCopy("too-complex")
        if not isinstance(drawn, Stream):
            return
        if drawn.get("/Subtype") == "/Form":
            own = _matrix(list(_values(drawn.get("/Matrix"))))
            self.content(drawn, drawn.get("/Resources", resources), _product(own, matrix), depth + 1)
        elif drawn.get("/Subtype") == "/Image":
            self.found.note(drawn, matrix)
            mask = drawn.get("/SMask")
            if isinstance(mask, Stream):
                self.found.note(mask, matrix)
                self.found.masks.add(mask.objgen)

    def _instructions(self, holder: Object) -> list[tuple[str, list[Object]]]:
        """Only what moves and draws; a form is read once, however often it is drawn."""
        key = holder.objgen
        if key not in self._parsed or key == (0, 0):
            source = pikepdf.Page(holder) if not isinstance(holder, Stream) else holder
            read = pikepdf.parse_content_stream(source, _OPERATORS)
            self._parsed[key] = [(str(one.operator), list(one.operands)) for one in read]
        return self._parsed[key]

    def _unsized(self, resources: Object | None) -> None:
        """Fix what patterns, Type 3 fonts and soft-mask groups of these resources draw."""
        if not isinstance(resources, Dictionary):
            return
        if resources.is_indirect:
            if resources.objgen in self._resources_seen:
                return
            self._resources_seen.add(resources.objgen)
        for pattern in _values(resources.get("/Pattern")):
            self.fix(pattern, depth=0)
        for font in _values(resources.get("/Font")):
            if isinstance(font, Dictionary) and font.get("/Subtype") == "/Type3":
                self.fix(font, depth=0)
        for state in _values(resources.get("/ExtGState")):
            self.fix(state.get("/SMask") if isinstance(state, Dictionary) else None, depth=0)

    def fix(self, thing: Object | None, depth: int) -> None:
        """Whatever pictures can be reached from here through forms, resources and plain dictionaries stay."""
        if not isinstance(thing, (Stream, Dictionary, pikepdf.Array)) or depth > 4 * _MAX_DEPTH:
            return
        if thing.is_indirect:
            if thing.objgen in self._fixed_seen:
                return
            self._fixed_seen.add(thing.objgen)
        if isinstance(thing, Stream) and thing.get("/Subtype") == "/Image":
            self.found.fixed.add(thing.objgen)
            self.fix(thing.get("/SMask"), depth + 1)
            return
        for name, value in _items(thing):
            if name not in _AWAY:
                self.fix(value, depth + 1)


_AWAY = frozenset(("/Parent", "/P", "/StructParents", "/OC", "/Metadata", "/ToUnicode", "/FontDescriptor"))


def _items(thing: Object) -> Iterator[tuple[str, Object]]:
    if isinstance(thing, pikepdf.Array):
        yield from (("", value) for value in thing)
    else:
        yield from ((str(name), value) for name, value in thing.items())


def _values(thing: Object | None) -> Iterator[Object]:
    if isinstance(thing, pikepdf.Array):
        yield from thing
    elif isinstance(thing, Dictionary):
        yield from (value for _, value in thing.items())


def _number(value: object, otherwise: float) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise


def _matrix(numbers: list[Object]) -> Matrix:
    if len(numbers) != 6:
        return _ONE
    a, b, c, d = (_number(value, fallback) for value, fallback in zip(numbers[:4], _ONE, strict=True))
    return a, b, c, d


def _product(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d = inner
    e, f, g, h = outer
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h
