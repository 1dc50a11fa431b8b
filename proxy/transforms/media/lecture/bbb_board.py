"""What was drawn on a board of BigBlueButton 2.6 and later (`tldraw.json`), as the drawings that older boards had.

Laws of this file: pure: JSON in, SVG elements out; a shape that isn't understood is left out; numbers are bounded, and
so are points, texts and shapes.

The format, by BigBlueButton's record-and-playback scripts (publish/presentation), bbb-playback and tldraw:
- {"bbb_version": "3.0.1", "N": {"shapes": [{"timestamp", "undo", "shape_data"}], "timestamp"}} for <image id="imageN">;
- shape_data of BigBlueButton 2.6 and 2.7 (tldraw 1): type, point, size, rotation about its middle, style, points,
  handles, text; of 3.0 (tldraw 2): type, x, y, rotation about its corner, props, parentId;
- a board is measured in a slide made as large as fits 1440x1080 (2048x1536 before 2.6.1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from policies.frozen import Frozen
from proxy.transforms.media.lecture.bbb_board_shapes import MAKERS, Shape
from proxy.transforms.media.lecture.bbb_board_values import MAX_POINTS, Point, mapping, number, pair

if TYPE_CHECKING:
    from lxml.etree import _Element

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Drawn(Frozen, frozen=True, kw_only=True):
    """One state of one shape. until_s: infinite where it stays; see_through: what lies under it is read through it."""

    name: str
    at_s: float
    until_s: float
    element: _Element
    see_through: bool = False


def board_of(told: object, image_id: str, width: float, height: float, *, most: int) -> tuple[Drawn, ...]:
    """The shapes of one slide, in the slide's own measure."""
    pages = told if isinstance(told, dict) else {}
    page = pages.get(image_id.removeprefix("image"))
    rows = page.get("shapes") if isinstance(page, dict) else None
    if not isinstance(rows, list) or width <= 0 or height <= 0:
        return ()
    scale = 1 / _measure(pages.get("bbb_version"), width, height)
    parents: dict[str, Point] = {}
    found: list[Drawn] = []
    for row in rows[:most]:
        data = row.get("shape_data") if isinstance(row, dict) else None
        if isinstance(data, dict):
            drawn = _drawn(row, data, scale, parents)
            found += [drawn] if drawn is not None else []
    return tuple(found)


def _measure(version: object, width: float, height: float) -> float:
    found = _VERSION.match(version) if isinstance(version, str) else None
    early = found is not None and tuple(int(part or 0) for part in found.groups()) < (2, 6, 1)
    across, down = (2048.0, 1536.0) if early else (1440.0, 1080.0)
    return min(across / width, down / height)


def _drawn(row: Mapping[str, Any], data: Mapping[str, Any], scale: float, parents: dict[str, Point]) -> Drawn | None:
    shape = _shape(data, scale, parents)
    maker = MAKERS.get(str(data.get("type")))
    if maker is None:
        return None
    maker(shape)
    undo = number(row.get("undo"), -1.0)
    return Drawn(
        name=shape.id,
        at_s=number(row.get("timestamp")),
        until_s=undo if undo >= 0 else math.inf,
        element=shape.group,
        see_through=data.get("type") == "highlight",
    )


def _shape(data: Mapping[str, Any], scale: float, parents: dict[str, Point]) -> Shape:
    later = isinstance(data.get("props"), dict)
    props = data["props"] if later else {**data, **mapping(data.get("style"))}
    if later:
        at = number(data.get("x")), number(data.get("y"))
        size = number(props.get("w")), number(props.get("h")) + number(props.get("growY"))
    else:
        at, size = pair(data.get("point")), pair(data.get("size"))
    beside = parents.get(str(data.get("parentId")), (0.0, 0.0)) if later else (0.0, 0.0)
    at = at[0] + beside[0], at[1] + beside[1]
    name = str(data.get("id") or "")[:200]
    if len(parents) < MAX_POINTS:
        parents[name] = at
    middle = (0.0, 0.0) if later else (size[0] / 2, size[1] / 2)
    turn = number(data.get("rotation"))
    return Shape(id=name, data=data, props=props, at=at, size=size, turn=turn, middle=middle, scale=scale)
