"""Values of a board's JSON, whatever it holds: bounded numbers, points, text.

Law of this file: total: what makes no sense is a default, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Point = tuple[float, float]
MAX_POINTS = 5000
_MAX_TEXT, _FAR, _MAX_DEPTH = 2000, 1e5, 8


def number(told: object, default: float = 0.0) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        return default
    return max(-_FAR, min(_FAR, float(told)))


def pair(told: object) -> Point:
    return (number(told[0]), number(told[1])) if isinstance(told, list) and len(told) >= 2 else (0.0, 0.0)


def xy(told: object) -> Point:
    return number(mapping(told).get("x")), number(mapping(told).get("y"))


def points_of(told: object) -> list[Point]:
    rows = told[:MAX_POINTS] if isinstance(told, list) else []
    return [xy(row) if isinstance(row, dict) else pair(row) for row in rows]


def mapping(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}


def rich_text(told: object, depth: int = 0) -> str:
    """The text of tldraw's rich text: paragraphs of pieces."""
    node = mapping(told)
    if isinstance(node.get("text"), str):
        return str(node["text"])
    parts = node.get("content")
    if not isinstance(parts, list) or depth > _MAX_DEPTH:
        return ""
    joint = "\n" if depth == 0 else ""
    return joint.join(rich_text(part, depth + 1) for part in parts[:500])


def printable(words: str) -> str:
    """What XML can hold."""
    return "".join(char for char in words[:_MAX_TEXT] if char == "\n" or char.isprintable())
