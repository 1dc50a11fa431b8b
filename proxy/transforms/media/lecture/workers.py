"""What the lecture's three worker processes (`watch`, `draw`, `bbb_draw`) are told, and what they answer, as values.

Laws of this file: both sides import it, so nothing in it touches a pixel; an answer is one line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from policies.frozen import Frozen
from proxy.transforms.media.lecture.model import Slide
from proxy.transforms.media.lecture.stills import Reading
from proxy.transforms.media.lecture.values import FPS, HEIGHT_PX, WIDTH_PX, Drawn, Shot
from proxy.transforms.media.lecture.verdict import Course, Detected, Why

# What `watch` is to see. Triangle filtering on the way down: no fringes on fine print, which would shimmer under a
# shaking hand.
FILTER = f"fps={FPS:g}:start_time=0,scale={WIDTH_PX}:{HEIGHT_PX}:flags=bilinear,format=gray"

# What `bbb_draw` reads of a recording, beside the slides that shapes.svg names.
SMALL_FILES = (
    "metadata.xml",
    "shapes.svg",
    "deskshare.xml",
    "slides_new.xml",
    "captions.json",
    "presentation_text.json",
    "tldraw.json",
    "polls.json",
)


class Drawing(Frozen, frozen=True, kw_only=True):
    """What a recording holds, and the slides that were written."""

    title: str
    duration_s: float
    slides: tuple[Slide, ...]
    files: int
    shares_s: tuple[tuple[float, float], ...]
    chat: tuple[tuple[float, str, str], ...]
    captions: tuple[tuple[str, str], ...]


def detected_json(found: Detected) -> str:
    """What `watch` answers."""
    return json.dumps({**asdict(found), "why": found.why.value if found.why else None})


def detected_from(answer: str) -> Detected:
    """The same as a value."""
    told: dict[str, Any] = json.loads(answer)
    return Detected(
        why=Why(told["why"]) if told["why"] else None,
        shots=tuple(Shot(**shot) for shot in told["shots"]),
        duration_s=told["duration_s"],
        course=Course(**told["course"]),
        shaken_px=told["shaken_px"],
    )


def plan_json(
    readings: Sequence[Reading],
    size: tuple[int, int],
    *,
    quality: int,
    budget_bytes: int,
    sharpest: bool,
    first: int = 1,
) -> str:
    """What `draw` is told. sharpest: one frame of each picture's, where they don't lie on each other."""
    told = [{"pipe": reading.run.pipe, "stills": [asdict(still) for still in reading.stills]} for reading in readings]
    about = {"size": size, "quality": quality, "budget_bytes": budget_bytes, "shaken": sharpest, "first": first}
    return json.dumps({**about, "readings": told})


def drawn_from(answer: str) -> dict[int, Drawn]:
    """What `draw` answered: by picture."""
    told: dict[str, Any] = json.loads(answer)
    return {int(picture): Drawn(**row) for picture, row in told.items()}


def drawing_from(answer: str) -> Drawing | None:
    """What `bbb_draw` answered; None: it is no recording."""
    told: dict[str, Any] = json.loads(answer)
    if "refused" in told:
        return None
    slides = tuple(Slide(**{**row, "steps_s": tuple(row["steps_s"])}) for row in told.pop("slides"))
    pairs: dict[str, Any] = {
        name: tuple(tuple(row) for row in told.pop(name)) for name in ("shares_s", "chat", "captions")
    }
    return Drawing(slides=slides, **pairs, **told)
