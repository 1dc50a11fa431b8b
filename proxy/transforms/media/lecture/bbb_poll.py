"""A poll's result as a drawing: its question, and a bar with its count for each answer. Pure: values in, SVG out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from policies.frozen import Frozen

if TYPE_CHECKING:
    from lxml.etree import _Element

Box = tuple[float, float, float, float]  # left, top, width, height
_MAX_ANSWERS, _MAX_CHARS = 12, 120
_INK, _BAR, _EDGE = "#333333", "#0c57a7", "#8b9aa8"


class Poll(Frozen, frozen=True, kw_only=True):
    """What was asked and how many chose each answer. at_s: when its result was published."""

    at_s: float
    question: str
    answers: tuple[tuple[str, int], ...]


def poll_of(told: object, at_s: float = 0.0) -> Poll | None:
    """A poll as recordings tell it: {"questionText" or "question", "answers": [{"key", "numVotes"}]}; None: none."""
    if not isinstance(told, dict) or not isinstance(rows := told.get("answers"), list):
        return None
    answers = tuple((_words(row.get("key")), _count(row.get("numVotes"))) for row in rows if isinstance(row, dict))
    question = _words(told.get("questionText") or told.get("question"))
    return Poll(at_s=at_s, question=question, answers=answers[:_MAX_ANSWERS]) if answers else None


def polls_of(told: object) -> tuple[Poll, ...]:
    """The polls of `polls.json`, by time."""
    rows = told if isinstance(told, list) else []
    found = [poll_of(row, _seconds(row.get("timestamp"))) for row in rows if isinstance(row, dict)]
    return tuple(sorted((poll for poll in found if poll is not None), key=lambda poll: poll.at_s))


def chart(poll: Poll, box: Box) -> _Element:
    """The chart within its box, in the same measure."""
    left, top, width, height = box
    group = etree.Element("g")
    _put(group, "rect", box, fill="#ffffff", stroke=_EDGE)
    rows = len(poll.answers) + bool(poll.question)
    row = height / (rows + 0.5)
    size = min(row * 0.5, width / 24)
    at = top + row * 0.25
    if poll.question:
        _text(group, poll.question, (left + width * 0.03, at, width * 0.94, row), size)
        at += row
    most = max((count for _, count in poll.answers), default=0) or 1
    for words, count in poll.answers:
        _text(group, words, (left + width * 0.03, at, width * 0.32, row), size)
        bar = width * 0.5 * count / most
        if count:
            _put(group, "rect", (left + width * 0.37, at + row * 0.1, bar, row * 0.6), fill=_BAR, stroke=_BAR)
        _text(group, str(count), (left + width * 0.39 + bar, at, width * 0.1, row), size)
        at += row
    return group


def _put(group: _Element, name: str, box: Box, **style: str) -> None:
    element = etree.SubElement(group, name)
    for key, value in zip(("x", "y", "width", "height"), box, strict=True):
        element.set(key, f"{value:.2f}")
    for key, told in style.items():
        element.set(key, told)


def _text(group: _Element, words: str, box: Box, size: float) -> None:
    _put(group, "text", box, color=_INK, style=f"font-size:{size:.2f}px")
    group[-1].text = words


def _words(told: Any) -> str:
    text = " ".join(str(told or "").split())[:_MAX_CHARS]
    return "".join(char for char in text if char.isprintable())


def _count(told: Any) -> int:
    return min(max(told, 0), 1_000_000) if isinstance(told, int) else 0


def _seconds(told: Any) -> float:
    return float(told) if isinstance(told, int | float) and abs(told) < 1e9 else 0.0
