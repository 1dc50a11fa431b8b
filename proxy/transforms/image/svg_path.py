"""Path data of an SVG in fewer digits: every point stays within half a step of where it was.

Laws of this file: pure; commands keep their kind and their order; a relative point is told from where the last one is
drawn, so that what rounding leaves over doesn't add up. What isn't understood stays to the letter.
Source: SVG 2, section 9.3.9 (the grammar of path data).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[\s,]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_FLAG = re.compile(r"[\s,]*([01])")
_COMMAND = re.compile(r"[\s,]*([MmLlHhVvCcSsQqTtAaZz])")
_REST = re.compile(r"[\s,]*$")
# What a command's arguments are: x and y of points, a radius, an angle, a flag.
_SHAPES = {"M": "xy", "L": "xy", "T": "xy", "H": "x", "V": "y", "S": "xyxy", "Q": "xyxy", "C": "xyxyxy", "A": "rraffxy"}
_ANGLE_DIGITS = 3


class _NotUnderstood(Exception):
    pass


@dataclass(slots=True)
class _Pen:
    """Where the pen is: exactly, and (in whole steps) where the rounded path has it; and where its subpath began."""

    x: float = 0.0
    y: float = 0.0
    x_steps: int = 0
    y_steps: int = 0
    start: tuple[float, float, int, int] = (0.0, 0.0, 0, 0)


def rounded_path(data: str, digits: int) -> str:
    """The same path with at most `digits` decimals; `data` itself where it can't be read or nothing is gained."""
    try:
        made = _Rounding(digits).path(data)
    except (_NotUnderstood, OverflowError, ValueError):
        return data
    return made if len(made) < len(data) else data


def rounded_points(data: str, digits: int) -> str:
    """A `points` attribute's numbers with at most `digits` decimals."""
    numbers, place = [], 0
    while (found := _NUMBER.match(data, place)) is not None:
        numbers.append(float(found[1]))
        place = found.end()
    if not _REST.match(data, place) or not numbers:
        return data
    made = joined([told(round(number * 10**digits), digits) for number in numbers])
    return made if len(made) < len(data) else data


class _Rounding:
    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._steps = 10**digits
        self._pen = _Pen()

    def path(self, data: str) -> str:
        made: list[str] = []
        place, last = 0, ""
        while not _REST.match(data, place):
            found = _COMMAND.match(data, place)
            if found is not None:
                command, place = found[1], found.end()
            elif last and last not in "Zz":
                command = {"M": "L", "m": "l"}.get(last, last)  # what follows a move without a letter are lines
            else:
                raise _NotUnderstood
            if not last and command not in "Mm":
                raise _NotUnderstood
            words, place = self._segment(command, data, place)
            implied = last if last not in ("M", "m") else {"M": "L", "m": "l"}[last]
            made.append(joined(words) if command == implied and command not in "Zz" else command + joined(words))
            last = command
        return _glued(made)

    def _segment(self, command: str, data: str, place: int) -> tuple[list[str], int]:
        kind, pen = command.upper(), self._pen
        if kind == "Z":
            pen.x, pen.y, pen.x_steps, pen.y_steps = pen.start
            return [], place
        words: list[str] = []
        base = (pen.x, pen.y, pen.x_steps, pen.y_steps) if command.islower() else (0.0, 0.0, 0, 0)
        for what in _SHAPES[kind]:
            found = (_FLAG if what == "f" else _NUMBER).match(data, place)
            if found is None:
                raise _NotUnderstood
            place = found.end()
            words.append(self._word(what, found[1], base))
        if kind == "M":
            pen.start = (pen.x, pen.y, pen.x_steps, pen.y_steps)
        return words, place

    def _word(self, what: str, number: str, base: tuple[float, float, int, int]) -> str:
        """One argument; the pen follows each point, so that after the last one it is where it should be."""
        pen = self._pen
        if what == "f":
            return number
        if what == "a":
            return told(round(float(number) * 10**_ANGLE_DIGITS), _ANGLE_DIGITS)
        if what == "r":
            return told(round(float(number) * self._steps * 10), self._digits + 1)
        if what == "x":
            pen.x = base[0] + float(number)
            pen.x_steps = round(pen.x * self._steps)
            return told(pen.x_steps - base[2], self._digits)
        pen.y = base[1] + float(number)
        pen.y_steps = round(pen.y * self._steps)
        return told(pen.y_steps - base[3], self._digits)


def told(steps: int, digits: int) -> str:
    """So many 10**-digits, in as few letters as can be."""
    sign, steps = ("-", -steps) if steps < 0 else ("", steps)
    whole, part = divmod(steps, 10**digits)
    decimals = f"{part:0{digits}d}".rstrip("0") if digits else ""
    if not decimals:
        return f"{sign}{whole}" if whole else "0"
    return f"{sign}{whole or ''}.{decimals}"


def joined(words: list[str]) -> str:
    return _glued(words)


def _glued(pieces: list[str]) -> str:
    """Pieces with a space only where two numbers would run into one."""
    made: list[str] = []
    for piece in pieces:
        if made and piece and _needs_space(made[-1], piece):
            made.append(" ")
        if piece:
            made.append(piece)
    return "".join(made)


def _needs_space(before: str, after: str) -> bool:
    if after[0] == "-" or after[0].isalpha() or before[-1].isalpha():
        return False
    number = re.split(r"[ A-Za-z-]", before)[-1]
    return not (after[0] == "." and "." in number)
