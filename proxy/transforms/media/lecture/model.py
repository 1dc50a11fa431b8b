"""What a slidecast is: the values of its lecture.json, in both directions.

Laws of this file: pure; `lecture_from` believes nothing: names are plain relative ones, numbers finite and in order, so
that a damaged or foreign file is an error and never a page.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from policies.frozen import Frozen

VERSION = 1
SLIDES, SOUND_POSTER = "slides", "sound-poster"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}(/[a-z0-9][a-z0-9-]{0,60})?\.[a-z0-9]{2,5}")
_MAX_TEXT = 2000
_MAX_ROWS = 5000


class Slide(Frozen, frozen=True, kw_only=True):
    """One showing of a slide. n: from 1; a slide that returns names its first file; steps_s: builds within it.

    text: what stands on it, where that is known: for those who don't see it.
    """

    n: int
    at_s: float
    until_s: float
    file: str
    width: int
    height: int
    bytes: int
    steps_s: tuple[float, ...] = ()
    text: str = ""


class Sound(Frozen, frozen=True, kw_only=True):
    """The whole lecture's sound in one format."""

    file: str
    type: str
    bytes: int


class Captions(Frozen, frozen=True, kw_only=True):
    """WebVTT. lang: BCP 47 or "" if unknown; label: in its own words or ""."""

    file: str
    lang: str = ""
    label: str = ""


class Chapter(Frozen, frozen=True, kw_only=True):
    at_s: float
    title: str


class ChatLine(Frozen, frozen=True, kw_only=True):
    """Something written during the lecture, as plain text."""

    at_s: float
    name: str
    text: str


class Lecture(Frozen, frozen=True, kw_only=True):
    """A lecture as slides and sound. verdict: "slides", or why it isn't one (form is then "sound-poster")."""

    duration_s: float
    verdict: str
    form: str = SLIDES
    title: str = ""
    slides: tuple[Slide, ...] = ()
    sound: tuple[Sound, ...] = ()
    captions: tuple[Captions, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    chat: tuple[ChatLine, ...] = ()

    @property
    def slide_bytes(self) -> int:
        """Of all distinct slide files."""
        return sum({slide.file: slide.bytes for slide in self.slides}.values())


class BadLecture(Exception):
    """Not a lecture.json of this version."""


def lecture_json(lecture: Lecture) -> bytes:
    """The lecture as it is stored."""
    told = {"version": VERSION, **asdict(lecture)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def lecture_from(stored: bytes) -> Lecture:
    """The stored lecture. Raises BadLecture."""
    try:
        told = json.loads(stored)
        if not isinstance(told, dict) or told.get("version") != VERSION:
            raise BadLecture("version")
        return _lecture(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadLecture(str(error)) from None


def _lecture(told: Mapping[str, Any]) -> Lecture:
    slides = tuple(_slide(row) for row in _rows(told, "slides"))
    if [slide.n for slide in slides] != list(range(1, len(slides) + 1)):
        raise BadLecture("slides are not numbered in order")
    return Lecture(
        duration_s=_number(told["duration_s"]),
        verdict=_text(told["verdict"]),
        form=SLIDES if told["form"] == SLIDES else SOUND_POSTER,
        title=_text(told["title"]),
        slides=slides,
        sound=tuple(
            Sound(file=_name(row["file"]), type=_text(row["type"]), bytes=int(row["bytes"]))
            for row in _rows(told, "sound")
        ),
        captions=tuple(
            Captions(file=_name(row["file"]), lang=_text(row["lang"]), label=_text(row["label"]))
            for row in _rows(told, "captions")
        ),
        chapters=tuple(
            Chapter(at_s=_number(row["at_s"]), title=_text(row["title"])) for row in _rows(told, "chapters")
        ),
        chat=tuple(
            ChatLine(at_s=_number(row["at_s"]), name=_text(row["name"]), text=_text(row["text"]))
            for row in _rows(told, "chat")
        ),
    )


def _slide(row: Mapping[str, Any]) -> Slide:
    return Slide(
        n=int(row["n"]),
        at_s=_number(row["at_s"]),
        until_s=_number(row["until_s"]),
        file=_name(row["file"]),
        width=int(row["width"]),
        height=int(row["height"]),
        bytes=int(row["bytes"]),
        steps_s=tuple(_number(step) for step in row["steps_s"][:_MAX_ROWS]),
        text=_text(row["text"]),
    )


def _rows(told: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    rows = told[key]
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS:
        raise BadLecture(key)
    return rows


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise BadLecture("number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadLecture("text")
    return value[:_MAX_TEXT]


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadLecture("file name")
    return value
