"""SVGs without what nobody sees: what goes, what stays, and which ones aren't touched."""

from __future__ import annotations

import random
import re

import pytest
from lxml import etree

from proxy.exchange import Replaced, Unchanged
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.image.svg import MAX_SVG_BYTES, minify_svg, svg_outcome
from proxy.transforms.image.svg_path import rounded_path, rounded_points
from tests.drawings import INKSCAPE, SCRIPTED, STYLED, entities, with_photograph
from tests.pictures import photo, saved, spec

SVG = "{http://www.w3.org/2000/svg}"


def minified(text: bytes) -> bytes:
    made = minify_svg(text)
    assert isinstance(made, bytes), made
    return made


def drawing(inside: str, head: str = 'viewBox="0 0 100 100"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{inside}<!--{"x" * 300}--></svg>'.encode()


# -- what goes and what stays ------------------------------------------------------------------------------------


def test_notes_of_editors_comments_metadata_and_empty_groups_go() -> None:
    made = minified(INKSCAPE)
    for gone in (b"inkscape", b"sodipodi", b"<!--", b"metadata", b"rdf", b"<?xml", b"Empty", b"creativecommons"):
        assert gone not in made, gone
    assert len(made) < len(INKSCAPE) * 0.6


def test_names_classes_styles_titles_links_and_declarations_in_use_stay() -> None:
    made = minified(INKSCAPE)
    root = etree.fromstring(made)
    assert {one.get("id") for one in root.iter() if one.get("id")} == {"svg2", "defs4", "g1", "layer1"}
    path = root.find(f".//{SVG}path")
    assert path is not None and path.get("class") == "river" and "url(#g1)" in (path.get("style") or "")
    assert root.findtext(f"{SVG}title") == "Карта"
    assert root.find(f".//{SVG}use").get("{http://www.w3.org/1999/xlink}href") == "#layer1"  # type: ignore[union-attr]
    assert b"xmlns:xlink" in made and b"xmlns:dc" not in made


def test_spaces_go_between_shapes_and_stay_in_text() -> None:
    made = minified(INKSCAPE).decode()
    assert '<text x="20" y="180" xml:space="preserve">  Река  <tspan> Воямполка </tspan> </text>' in made
    assert "Два <tspan>слова</tspan> <tspan>рядом</tspan>" in made
    assert re.search(r">\s+<(path|polygon|g|defs)", made) is None


def test_twice_is_as_once() -> None:
    again = minify_svg(minified(INKSCAPE))
    assert again == Unchanged(why="no-gain")


def test_a_style_that_counts_elements_keeps_every_element() -> None:
    made = minified(STYLED)
    assert b"<metadata>mine</metadata>" in made and made.count(b"<g") == 2
    assert b"g > rect:first-child { fill: red }" in made


def test_where_a_script_may_look_only_comments_and_metadata_go() -> None:
    made = minified(SCRIPTED)
    assert b"note" not in made and b"metadata" not in made
    assert b"<g>\n    <path" in made and b"1.123456789" in made and b"<script>" in made


@pytest.mark.parametrize("watcher", ["<foreignObject><p>x</p></foreignObject>", '<rect onclick="x()"/>'])
def test_foreign_parts_and_handlers_count_as_scripts(watcher: str) -> None:
    made = minified(drawing(f'{watcher}<g> </g><path d="M1.123456789 2L3 4"/>'))
    assert b"<g> </g>" in made and b"1.123456789" in made


def test_an_empty_group_that_something_can_name_or_that_may_draw_stays() -> None:
    made = minified(
        drawing('<g id="a"/><g style="filter:url(#f)"/><g class="c"/><switch><g/></switch><g transform="x"/>')
    )
    assert made.count(b"<g") == 4 and b"transform" not in made


def test_groups_that_hold_nothing_but_empty_groups_go_with_them() -> None:
    assert b"<g" not in minified(drawing("<g><g><g></g> </g></g><rect/>"))


def test_a_style_sheets_instruction_before_the_drawing_stays() -> None:
    made = minified(b'<?xml-stylesheet href="a.css"?>' + drawing("<rect/>"))
    assert made.startswith(b'<?xml-stylesheet href="a.css"?><svg')


def test_an_animation_stays() -> None:
    moving = '<rect><animate attributeName="x" from="0" to="9.123456789" dur="1s"/></rect>'
    assert b'to="9.123456789"' in minified(drawing(moving))


# -- digits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "digits", "expected"),
    [
        ("M 10.123456 20.987654 L 30.555555 40.444444", 2, "M10.12 20.99 30.56 40.44"),
        ("m0.333333,0.333333 l0.333333,0.333333 l0.333333,0.333333", 1, "m.3.3.4.4.3.3"),
        ("M0.50000 0.50000 h 10.00001 v -10.00001 z", 2, "M.5.5h10v-10z"),
        ("M10 10a5.123456 5.123456 0 01.5.500001", 1, "M10 10a5.12 5.12 0 0 1 .5.5"),
        ("M1.00001 1.00001 2.00001 2.00001 3.00001 3.00001Z", 3, "M1 1 2 2 3 3Z"),
        ("M1.111111 1C2 2 3 3 4.111111 4S5 5 6.111111 6", 1, "M1.1 1C2 2 3 3 4.1 4S5 5 6.1 6"),
    ],
)
def test_a_path_keeps_its_commands_and_loses_digits(data: str, digits: int, expected: str) -> None:
    assert rounded_path(data, digits) == expected


@pytest.mark.parametrize(
    "data", ["", "L 1.123456 1", "M 1.1234567", "M 1.1234567 nonsense", "M1.123456789 1 X", "M 1e999 1.0000001", "none"]
)
def test_a_path_that_cannot_be_read_stays_to_the_letter(data: str) -> None:
    assert rounded_path(data, 1) == data


def ends(data: str) -> list[tuple[float, float]]:
    """Where each relative line of a path of `m` and `l` ends."""
    numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", data)]
    x = y = 0.0
    made = []
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        made.append((x, y))
    return made


def test_a_thousand_relative_steps_end_where_they_did() -> None:
    rng = random.Random(7)
    data = "m0 0" + "".join(f"l{rng.uniform(-1, 1):.6f} {rng.uniform(-1, 1):.6f}" for _ in range(1000))
    made = rounded_path(data, 2)
    worst = max(max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(ends(data), ends(made), strict=True))
    assert len(made) < len(data) * 0.7 and worst <= 0.005 + 1e-9


def test_points_lose_digits_too() -> None:
    assert rounded_points("1.00001,2.33333 -3.5000,4", 2) == "1 2.33-3.5 4"
    assert rounded_points("1.00001,2.33333 x", 2) == "1.00001,2.33333 x"


@pytest.mark.parametrize(
    ("inside", "head"),
    [
        ('<g transform="scale(10000)">{}</g>', 'viewBox="0 0 100 100"'),
        ('<g transform="matrix(5000 0 0 5000 0 0)">{}</g>', 'viewBox="0 0 100 100"'),
        ('<defs><g id="a">{}</g></defs><use href="#a" transform="scale(9999)"/>', 'viewBox="0 0 100 100"'),
        ('<clipPath clipPathUnits="objectBoundingBox">{}</clipPath>', 'viewBox="0 0 100 100"'),
        ('<symbol viewBox="0 0 1 1">{}</symbol>', 'viewBox="0 0 100 100"'),
        ('<svg viewBox="0 0 1 1">{}</svg>', 'viewBox="0 0 100 100"'),
        ("<style>path {{ transform: scale(99) }}</style>{}", 'viewBox="0 0 100 100"'),
        ('<g><animateTransform type="scale" to="999"/>{}</g>', 'viewBox="0 0 100 100"'),
        ("{}", 'width="50%"'),
        ("{}", 'viewBox="0 0 .001 .001"'),
    ],
)
def test_digits_stay_where_a_path_may_be_enlarged_or_its_size_is_unknown(inside: str, head: str) -> None:
    path = '<path d="M0.123456789 0.123456789L1 1"/>'
    assert b"0.123456789 0.123456789" in minified(drawing(inside.format(path), head))


def test_digits_go_by_the_size_of_the_drawing() -> None:
    path = '<path d="M1.123456789 1L9 9"/>'
    assert b"M1.123 1" in minified(drawing(path, 'viewBox="0 0 24 24"'))
    assert b"M1.1 1" in minified(drawing(path, 'width="4000" height="4000px"'))


# -- which ones aren't touched -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"<svg/>", "small"),
        (b"<svg" + b" " * MAX_SVG_BYTES, "too-large"),
        (entities(), "doctype"),
        (INKSCAPE[:900], "broken"),
        (b"<html>" + b"x" * 400 + b"</html>", "not-svg"),
        (b'<?xml version="1.0" encoding="windows-1251"?>' + drawing("<rect/>"), "encoding"),
        ("\ufeff".encode("utf-16") + drawing("").decode().encode("utf-16"), "encoding"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><path d="' + b"M1 1L2 2" * 60 + b'"/></svg>', "no-gain"),
    ],
)
def test_what_is_not_understood_stays_to_the_byte(text: bytes, why: str) -> None:
    assert minify_svg(text) == Unchanged(why=why)


def test_a_drawing_of_too_many_elements_is_left() -> None:
    assert minify_svg(drawing("<g/>" * 60_000)) == Unchanged(why="too-large")


def test_deep_nesting_ends_without_a_fault() -> None:
    assert isinstance(minify_svg(drawing("<g>" * 5000 + "</g>" * 5000)), (bytes, Unchanged))


# -- as an image's outcome ---------------------------------------------------------------------------------------


def test_a_drawing_is_one_only_where_the_origin_says_so() -> None:
    said = spec(drawing=True)
    made = adapt_image(INKSCAPE, said)
    assert isinstance(made, Replaced) and made.content_type == "image/svg+xml" and made.body == minify_svg(INKSCAPE)
    assert adapt_image(INKSCAPE, spec()) == Unchanged(why="format-svg")
    assert adapt_image(saved(photo(), "JPEG"), said) == Unchanged(why="broken")
    assert said.fingerprint() != spec().fingerprint()


def test_a_photograph_of_known_size_in_a_drawing_is_made_smaller() -> None:
    source = with_photograph()
    made = adapt_image(source, spec(drawing=True))
    assert isinstance(made, Replaced) and isinstance(made.body, bytes)
    assert made.body.count(b"data:image/webp;base64,") == 1 and made.body.count(b"data:image/jpeg;base64,") == 1
    assert made.length_bytes < len(source) * 0.7


def test_without_a_way_to_adapt_photographs_stay() -> None:
    assert svg_outcome(with_photograph()) == Unchanged(why="no-gain")
