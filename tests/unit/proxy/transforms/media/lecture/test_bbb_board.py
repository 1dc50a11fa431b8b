"""Boards of BigBlueButton 2.6 and later, and what polls came to: drawn where they were, whatever is told of them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from proxy.transforms.media.lecture.bbb_board import board_of
from proxy.transforms.media.lecture.bbb_plan import LecturePlan, recording, visible
from proxy.transforms.media.lecture.bbb_poll import polls_of
from proxy.transforms.media.lecture.bbb_shapes import drawn

WIDTH, HEIGHT = 720, 540  # half of what a board is measured in
DECK = "presentation/d2d9a672-1473220660040"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image id="image1" '
    f'class="slide" in="0.0" out="20.0" xlink:href="{DECK}/svgs/slide1.svg" width="{WIDTH}" height="{HEIGHT}"/>%s</svg>'
)
WHITE, RED, BLUE = (255, 255, 255), (0xE0, 0x31, 0x31), (0x44, 0x65, 0xE9)


def later(kind: str, x: float, y: float, **props: Any) -> dict[str, Any]:
    """A shape as BigBlueButton 3.0 writes it."""
    more = {name: props.pop(name) for name in ("id", "rotation", "parentId") if name in props}
    shape = {"id": f"shape:{kind}-{x}-{y}", "type": kind, "x": x, "y": y, "rotation": 0, "typeName": "shape"}
    return {**shape, **more, "props": {"color": "red", "size": "xl", "dash": "draw", **props}}


def earlier(kind: str, x: float, y: float, **fields: Any) -> dict[str, Any]:
    """A shape as BigBlueButton 2.6 writes it."""
    style = {"color": "red", "size": "large", "isFilled": fields.pop("filled", False), "dash": "draw"}
    return {"id": f"{kind}-{x}-{y}", "type": kind, "point": [x, y], "rotation": 0, "style": style, **fields}


def plan_of(*shapes: dict[str, Any], version: str = "3.0.4", svg: str = "", polls: object = None) -> LecturePlan:
    rows = [{"id": at, "timestamp": 1.0, "undo": -1, "shape_data": shape} for at, shape in enumerate(shapes)]
    board = {"bbb_version": version, "1": {"shapes": rows, "timestamp": 0.0}}
    files = {"shapes.svg": (SVG % svg).encode(), "tldraw.json": json.dumps(board).encode()}
    return recording({**files, "polls.json": json.dumps(polls).encode()})


def painted(*shapes: dict[str, Any], at_s: float = 5.0, **more: Any) -> Image.Image:
    page = plan_of(*shapes, **more).showings[0].page
    return drawn(Image.new("RGB", (WIDTH, HEIGHT), "white"), visible(page, at_s), page.width, page.height)


def inked(board: Image.Image, box: tuple[int, int, int, int]) -> int:
    return sum(pixel != WHITE for pixel in board.crop(box).get_flattened_data())


def test_a_slide_that_is_named_as_a_drawing_is_had_as_a_picture() -> None:
    assert plan_of().showings[0].page.files == (f"{DECK}/slide-1.png", f"{DECK}/thumbnails/thumb-1.png")


def test_strokes_and_lines_are_drawn_where_they_were() -> None:
    free = [{"type": "free", "points": [{"x": 0, "y": 0, "z": 0.5}, {"x": 400, "y": 0, "z": 0.5}]}]
    assert painted(later("draw", 200, 400, segments=free)).getpixel((200, 200)) == RED
    assert painted(earlier("draw", 200, 400, points=[[0, 0, 0.5], [400, 0, 0.5]])).getpixel((200, 200)) == RED
    ends = {"b": {"index": "a2", "x": 0, "y": 200}, "a": {"index": "a1", "x": 0, "y": 0}}
    assert painted(later("line", 600, 200, handles=ends)).getpixel((300, 150)) == RED
    assert painted(later("line", 600, 200, points=ends)).getpixel((300, 150)) == RED


@pytest.mark.parametrize("geo", ["rectangle", "ellipse", "triangle", "diamond", "star", "hexagon", "x-box", "unknown"])
def test_figures_are_drawn_within_their_box(geo: str) -> None:
    board = painted(later("geo", 400, 400, geo=geo, w=400, h=200, fill="solid"))
    assert board.getpixel((300, 245)) not in (WHITE, RED)  # filled pale
    assert inked(board, (192, 192, 408, 308)) == inked(board, (0, 0, WIDTH, HEIGHT))


def test_figures_of_earlier_boards_are_the_same() -> None:
    for kind in ("rectangle", "ellipse", "triangle"):
        board = painted(earlier(kind, 400, 400, size=[400, 200], filled=True, radius=[200, 100]))
        assert inked(board, (192, 192, 408, 308)) > 5000


def test_arrows_have_heads_and_bends() -> None:
    straight = painted(later("arrow", 200, 200, start={"x": 0, "y": 0}, end={"x": 800, "y": 0}, bend=0))
    assert straight.getpixel((300, 100)) == RED
    assert inked(straight, (480, 85, 500, 95)) > 0 and inked(straight, (100, 85, 120, 95)) == 0
    bent = painted(later("arrow", 200, 400, start={"x": 0, "y": 0}, end={"x": 800, "y": 0}, bend=100))
    assert bent.getpixel((300, 200)) == WHITE
    ends = {name: {"point": point} for name, point in (("start", [0, 0]), ("bend", [400, 0]), ("end", [800, 0]))}
    assert painted(earlier("arrow", 200, 200, handles=ends, decorations={})).getpixel((300, 100)) == RED


def test_words_notes_and_what_is_marked_can_be_read() -> None:
    rich = {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Итоги урока"}]}]}
    for words in ({"text": "Итоги урока"}, {"richText": rich}):
        assert inked(painted(later("text", 400, 400, autoSize=True, **words)), (200, 200, 400, 230)) > 200
        note = painted(later("note", 400, 400, **words))
        assert note.getpixel((295, 295)) not in (WHITE, RED) and inked(note, (210, 205, 290, 250)) > 200
    marked = [{"points": [{"x": 0, "y": 0}, {"x": 400, "y": 0}]}]
    page = plan_of(later("highlight", 200, 200, segments=marked, color="yellow")).showings[0].page
    black = Image.new("RGB", (WIDTH, HEIGHT), "black")
    assert drawn(black, visible(page, 5), page.width, page.height).getpixel((200, 100)) == (0, 0, 0)


def test_a_turned_figure_stands_askew_and_one_within_a_frame_beside_it() -> None:
    turned = later("geo", 400, 400, geo="rectangle", w=400, h=20, fill="solid", rotation=math.pi / 2)
    assert inked(painted(turned), (185, 202, 205, 395)) > 1000
    frame = later("frame", 400, 200, w=600, h=600, id="shape:f", color="blue")
    inner = later("draw", 100, 100, segments=[{"points": [{"x": 0, "y": 0}, {"x": 200, "y": 0}]}], parentId="shape:f")
    assert painted(frame, inner).getpixel((300, 150)) == RED


def test_boards_before_2_6_1_were_measured_larger() -> None:
    line = earlier("draw", 1024, 768, points=[[0, 0], [100, 0]])
    assert painted(line, version="2.6.0").getpixel((370, 270)) == RED
    assert painted(line, version="2.7.3").getpixel((370, 270)) == WHITE


def test_what_was_taken_back_is_gone_and_of_what_moved_the_last_place_stands() -> None:
    first, second = (
        later("geo", 0, 0, geo="rectangle", w=100, h=100, id="a"),
        later("geo", 800, 800, id="a", w=100, h=100),
    )
    page = plan_of(first, second).showings[0].page
    assert [shape.name for shape in visible(page, 5)] == ["a"] and visible(page, 0.5) == []


ANSWERS = [{"id": 0, "key": "Да", "numVotes": 30}, {"id": 1, "key": "Нет", "numVotes": 10}]


def test_a_polls_result_is_a_chart_on_new_boards_and_on_old_ones() -> None:
    told = {"questionText": "Понятно?", "answers": ANSWERS, "w": 600, "h": 400}
    new = painted(later("poll", 400, 400, **told))
    picture = (
        '<g class="canvas" image="image1"><g class="shape" shape="poll_result1" timestamp="2.0" undo="-1" style="">'
    )
    picture += f'<image xlink:href="{DECK}/poll_result1.svg" x="200" y="200" width="300" height="200"/></g></g>'
    old = painted(svg=picture, polls=[{"timestamp": 2, "question": "Понятно?", "answers": ANSWERS}])
    for board in (new, old):
        bars = [sum(p == (0x0C, 0x57, 0xA7) for p in board.crop(box).get_flattened_data()) for box in _ROWS]
        assert bars[0] > 2.5 * bars[1] > 0
    assert visible(plan_of(svg=picture).showings[0].page, 5) != []  # without its figures it is only left blank


_ROWS = ((200, 270, 500, 325), (200, 330, 500, 390))


_FIELDS = (
    "1 shapes shape_data type props points segments x y handles start text richText content answers style size w h"
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_FIELDS.split()), inner, max_size=6),
    max_leaves=30,
)
_KINDS = "draw geo arrow line text note poll highlight frame sticky"


@given(JUNK, st.sampled_from(_KINDS.split()), JUNK)
def test_whatever_a_board_says_it_is_read_or_left_out(told: object, kind: str, props: object) -> None:
    board_of(told, "image1", 800, 600, most=50)
    polls_of(told)
    shape = {"type": kind, "props": props, "x": math.inf, "id": told}
    shapes = board_of({"1": {"shapes": [{"shape_data": shape, "timestamp": told}]}}, "image1", 800, 600, most=50)
    for one in shapes:
        assert len(one.element) <= 100
