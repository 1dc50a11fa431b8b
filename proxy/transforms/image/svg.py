"""An SVG without what nobody sees: comments, editors' notes, metadata, spaces, digits beyond the eye.

Laws of this file: pure; it looks the same at any size up to 2000 px; ids, classes, styles, titles, links and
animations stay; where scripts or foreign parts may look at the tree, only comments and metadata go; entities and
what can't be read make it stay to the byte. Without DTD or network. At most 1 MB.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator

from lxml import etree

from policies.frozen import Frozen
from proxy.exchange import Outcome, Replaced, Unchanged
from proxy.transforms.image.svg_path import rounded_path, rounded_points

SVG_TYPE = "image/svg+xml"
MAX_SVG_BYTES = 1 << 20
_MIN_SVG_BYTES = 300
_MIN_GAIN = 0.05
_MAX_ELEMENTS = 50_000
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_EDITORS = (
    "http://www.inkscape.org/",
    "http://inkscape.sourceforge.net/",
    "http://sodipodi.sourceforge.net/",
    "http://ns.adobe.com/",
    "http://www.bohemiancoding.com/sketch/",
    "http://www.figma.com/",
    "http://www.serif.com/",
    "http://www.vectornator.io/",
    "http://creativecommons.org/",
    "http://web.resource.org/cc/",
    "http://purl.org/dc/",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
)
_TEXT_NAMES = ("text", "tspan", "textPath", "tref", "style", "script", "title", "desc")
_TEXTS = frozenset(f"{_SVG}{name}" for name in _TEXT_NAMES)
_WATCHED = frozenset(f"{_SVG}{name}" for name in ("script", "foreignObject"))
# Where a path's numbers may be enlarged by more than its ancestors' transforms say.
_ENLARGING = frozenset(f"{_SVG}{name}" for name in ("symbol", "marker", "pattern", "animateTransform"))
_ENLARGING_STYLES = ("transform", "scale", "zoom", "path(")
_STRUCTURAL = re.compile(r":(?:nth|first|last|only|empty|not|has)|[+~]")
_DECLARED = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*[\"']([^\"']+)")
_STEPS_ACROSS = 20_000  # half a step is a twentieth of a pixel at 2000 px
_MAX_DIGITS = 6
_SCALE = re.compile(r"(scale|matrix|skew[XY])\s*\(([^)]*)\)")
_NUMBERS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DATA = re.compile(r"^data:(image/(?:png|jpeg|jpg|webp));base64,", re.IGNORECASE)
_MIN_PICTURE_CHARS = 20_000

Adapt = Callable[[bytes], Outcome]


class _Liberties(Frozen, frozen=True, kw_only=True):
    """What may be changed. structure: elements may go; numbers: paths may lose digits."""

    watched: bool
    structure: bool
    numbers: bool


def svg_outcome(source: bytes, adapt: Adapt | None = None) -> Outcome:
    """The SVG, smaller, as an outcome. adapt: makes pictures inside it smaller; None leaves them."""
    made = minify_svg(source, adapt)
    if isinstance(made, Unchanged):
        return made
    return Replaced(body=made, content_type=SVG_TYPE, length_bytes=len(made), notes=(("format", "svg"),))


def minify_svg(text: bytes, adapt: Adapt | None = None) -> bytes | Unchanged:
    """The same picture in fewer bytes, UTF-8.

    Unchanged: "small", "too-large", "encoding" (not UTF-8), "doctype" (entities), "broken", "not-svg", "no-gain".
    """
    if not _MIN_SVG_BYTES <= len(text) <= MAX_SVG_BYTES:
        return Unchanged(why="small" if len(text) < _MIN_SVG_BYTES else "too-large")
    declared = _DECLARED.match(text)
    if (declared is not None and declared[1].lower() != b"utf-8") or text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Unchanged(why="encoding")
    if b"<!ENTITY" in text or re.search(rb"<!DOCTYPE[^>]*\[", text):
        return Unchanged(why="doctype")
    try:
        root = etree.fromstring(text, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return Unchanged(why="broken")
    if root.tag != f"{_SVG}svg" or sum(1 for _ in root.iter()) > _MAX_ELEMENTS:
        return Unchanged(why="not-svg" if root.tag != f"{_SVG}svg" else "too-large")
    _lighten(root, adapt)
    made = _written(root)
    return made if len(made) <= len(text) * (1 - _MIN_GAIN) else Unchanged(why="no-gain")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=False,
        remove_comments=True,
    )


def _lighten(root: etree._Element, adapt: Adapt | None) -> None:
    liberties = _liberties(root)
    if liberties.structure:
        _drop_elements(root, metadata_only=liberties.watched)
    if liberties.watched:
        return
    for element in _elements(root):
        for name in [str(name) for name in element.attrib if str(name).removeprefix("{").startswith(_EDITORS)]:
            del element.attrib[name]
    _drop_spaces(root, kept=False)
    if liberties.numbers:
        _drop_digits(root)
    if adapt is not None:
        _lighten_pictures(root, adapt)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xlink"])


def _liberties(root: etree._Element) -> _Liberties:
    elements = list(_elements(root))
    watched = any(one.tag in _WATCHED or any(str(name).startswith("on") for name in one.attrib) for one in elements)
    style = " ".join("".join(one.itertext()) for one in elements if one.tag == f"{_SVG}style")
    enlarged = any(one.tag in _ENLARGING or (one.tag == f"{_SVG}svg" and one is not root) for one in elements)
    boxes = any(value == "objectBoundingBox" for one in elements for value in one.attrib.values())
    styles = style + " ".join(one.get("style", "") for one in elements)
    return _Liberties(
        watched=watched,
        structure=_STRUCTURAL.search(style) is None,
        numbers=not (watched or enlarged or boxes or any(word in styles for word in _ENLARGING_STYLES)),
    )


def _elements(root: etree._Element) -> Iterator[etree._Element]:
    return (one for one in root.iter() if isinstance(one.tag, str))


# -- elements and spaces ---------------------------------------------------------------------------------------


def _drop_elements(root: etree._Element, *, metadata_only: bool) -> None:
    for element in list(_elements(root)):
        parent = element.getparent()
        if parent is None:
            continue
        ours = element.tag == f"{_SVG}metadata" or (not metadata_only and _is_editors(element))
        if ours or (not metadata_only and _is_empty_group(element)):
            _remove(element, parent)
    if not metadata_only:
        while emptied := [one for one in _elements(root) if _is_empty_group(one)]:
            for element in emptied:
                parent = element.getparent()
                if parent is not None:
                    _remove(element, parent)


def _is_editors(element: etree._Element) -> bool:
    return str(element.tag).removeprefix("{").startswith(_EDITORS)


def _is_empty_group(element: etree._Element) -> bool:
    """A group that draws nothing and that nothing can name. One with a filter or style may draw."""
    if element.tag not in (f"{_SVG}g", f"{_SVG}defs") or len(element) or (element.text or "").strip():
        return False
    parent = element.getparent()
    if parent is None or parent.tag == f"{_SVG}switch":
        return False
    return all(name == "transform" or str(name).removeprefix("{").startswith(_EDITORS) for name in element.attrib)


def _remove(element: etree._Element, parent: etree._Element) -> None:
    """Take an element out and leave the text behind it."""
    before = element.getprevious()
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _drop_spaces(element: etree._Element, *, kept: bool) -> None:
    """Spaces between elements, where no text is drawn from them."""
    stack = [(element, kept)]
    while stack:
        one, kept = stack.pop()
        if not isinstance(one.tag, str):
            continue
        kept = kept or one.tag in _TEXTS or not one.tag.startswith(_SVG)
        space = one.get(_SPACE)
        kept = kept or space == "preserve"
        if not kept:
            if one.text is not None and not one.text.strip():
                one.text = None
            for child in one:
                if child.tail is not None and not child.tail.strip():
                    child.tail = None
        stack.extend((child, kept) for child in one)


# -- digits ----------------------------------------------------------------------------------------------------


def _drop_digits(root: etree._Element) -> None:
    size = _size(root)
    if size is None:
        return
    uses = max((_scale(one.get("transform", "")) for one in root.iter(f"{_SVG}use")), default=1.0)
    stack = [(root, max(1.0, uses) ** 2)]  # a copy may be of a copy
    while stack:
        one, scale = stack.pop()
        if not isinstance(one.tag, str):
            continue
        scale *= max(1.0, _scale(one.get("transform", "")))
        stack.extend((child, scale) for child in one)
        digits = max(0, math.ceil(math.log10(_STEPS_ACROSS * scale / size)))
        if digits > _MAX_DIGITS:
            continue
        if one.tag == f"{_SVG}path" and one.get("d"):
            one.set("d", rounded_path(one.get("d", ""), digits))
        elif one.tag in (f"{_SVG}polygon", f"{_SVG}polyline") and one.get("points"):
            one.set("points", rounded_points(one.get("points", ""), digits))


def _size(root: etree._Element) -> float | None:
    """The picture's smaller side in its own units; None: unknown, so every digit may matter."""
    box = [float(number) for number in _NUMBERS.findall(root.get("viewBox", ""))]
    if len(box) == 4:
        size = min(box[2], box[3])
    else:
        sides = [re.fullmatch(r"\s*([\d.]+)(?:px)?\s*", root.get(name, "")) for name in ("width", "height")]
        try:
            size = min(float(side[1]) for side in sides if side is not None) if all(sides) else 0.0
        except ValueError:
            return None
    return size if size > 0 and math.isfinite(size) else None


def _scale(transform: str) -> float:
    """By how much a transform enlarges at most; a function that can't be read counts as a great deal."""
    scale = 1.0
    for name, told in _SCALE.findall(transform):
        numbers = [abs(float(number)) for number in _NUMBERS.findall(told)]
        if name == "scale" and numbers:
            scale *= max(numbers)
        elif name == "matrix" and len(numbers) == 6:
            scale *= math.hypot(*numbers[:4])
        else:
            scale *= 1e9
    return scale


# -- pictures inside -------------------------------------------------------------------------------------------


def _lighten_pictures(root: etree._Element, adapt: Adapt) -> None:
    """Embedded photographs whose drawn size doesn't come from their own."""
    for image in root.iter(f"{_SVG}image"):
        for name in ("href", _XLINK_HREF):
            told = image.get(name, "")
            found = _DATA.match(told)
            if found is None or len(told) < _MIN_PICTURE_CHARS or not (image.get("width") and image.get("height")):
                continue
            try:
                body = base64.b64decode(told[found.end() :])
            except (binascii.Error, ValueError):
                continue
            made = adapt(body)
            if isinstance(made, Replaced) and isinstance(made.body, bytes):
                image.set(name, f"data:{made.content_type};base64,{base64.b64encode(made.body).decode()}")


def _written(root: etree._Element) -> bytes:
    """The tree with the instructions before it (style sheets), without declaration or document type."""
    before: list[bytes] = []
    sibling = root.getprevious()
    while sibling is not None:
        if isinstance(sibling, etree._ProcessingInstruction):
            before.insert(0, etree.tostring(sibling, encoding="UTF-8", with_tail=False))
        sibling = sibling.getprevious()
    return b"".join(before) + etree.tostring(root, encoding="UTF-8", xml_declaration=False, with_tail=False)
