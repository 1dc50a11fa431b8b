"""The parts of a DASH manifest (ISO/IEC 23009-1): what a set carries, and taking elements away without a trace.

Laws: what doesn't tell what it carries stays; what is said of a set's representations is true of those that are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lxml import etree

from proxy.transforms.ladder.limits import is_sound_alone
from proxy.transforms.ladder.spec import Part

Element = etree._Element
_TRICK = ("guidelines/trickmode",)
_STILLS = ("thumbnail_tile", "thumbnail")
# Summaries that a set gives of its representations: attribute of the set -> attribute of each, and which end of them.
_SUMMARIES = (
    ("maxWidth", "width", max),
    ("maxHeight", "height", max),
    ("maxBandwidth", "bandwidth", max),
    ("maxFrameRate", "frameRate", max),
    ("minWidth", "width", min),
    ("minHeight", "height", min),
    ("minBandwidth", "bandwidth", min),
    ("minFrameRate", "frameRate", min),
)


def name_of(element: Element) -> str:
    """The local name; "" for comments and processing instructions."""
    tag = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def children(parent: Element, name: str) -> list[Element]:
    return [child for child in parent if name_of(child) == name]


def number(element: Element | None, name: str) -> int | None:
    """A positive whole number of an attribute; None where there is none."""
    text = (element.get(name) or "").strip() if element is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 and int(text) else None


def part_of(adaptation: Element) -> Part | None:
    """What a set carries; None where that can't be told, and it stays."""
    if _has_property(adaptation, _TRICK):
        return Part.STILLS
    kind, codecs = _kind(adaptation), told(adaptation, "codecs")
    if kind == "image" or _has_property(adaptation, _STILLS):
        return Part.STILLS
    if kind == "video":
        return Part.SOUND if is_sound_alone(codecs) else Part.PICTURE
    return {"audio": Part.SOUND, "text": Part.TEXT, "application": Part.TEXT}.get(kind)


def carries_sound_inside(adaptation: Element) -> bool:
    """Whether a set of pictures has its sound in the same segments."""
    kinds = {(component.get("contentType") or "").lower() for component in children(adaptation, "ContentComponent")}
    return "audio" in kinds or told(adaptation, "mimeType").lower() in ("video/mp2t", "video/mpeg")


def told(adaptation: Element, name: str) -> str:
    """An attribute that the set or, failing that, its first representation tells."""
    own = adaptation.get(name)
    if own is not None:
        return own
    return next((value for one in children(adaptation, "Representation") if (value := one.get(name))), "")


def _kind(adaptation: Element) -> str:
    kind = (adaptation.get("contentType") or told(adaptation, "mimeType").partition("/")[0]).lower()
    if not kind or kind == "application":
        components = {(one.get("contentType") or "").lower() for one in children(adaptation, "ContentComponent")}
        kind = "video" if "video" in components else next(iter(sorted(components - {""})), kind)
    if kind:
        return kind
    sized = any(one.get("height") for one in (adaptation, *children(adaptation, "Representation")))
    return "video" if sized else ""


def _has_property(adaptation: Element, endings: tuple[str, ...]) -> bool:
    return any((one.get("schemeIdUri") or "").endswith(endings) for one in children(adaptation, "EssentialProperty"))


def take_away(element: Element) -> None:
    """Remove an element and the white space before it; a text beside it, which none should have, stays."""
    parent = element.getparent()
    if parent is None:
        return
    tail, previous = element.tail or "", element.getprevious()
    before = (previous.tail if previous is not None else parent.text) or ""
    if element.getnext() is None:  # the end tag that follows is indented by what stood behind the last one
        before = tail if not before.strip() else before + tail
    elif tail.strip():
        before += tail
    if previous is not None:
        previous.tail = before
    else:
        parent.text = before
    element.tail = None
    parent.remove(element)


def summarise(adaptation: Element) -> None:
    """Make what the set says of its representations true again."""
    representations = children(adaptation, "Representation")
    for summary, name, end in _SUMMARIES:
        if adaptation.get(summary) is None:
            continue
        values = [(value, text) for one in representations if (text := one.get(name)) and (value := fraction(text))]
        if values and len(values) == len(representations):
            adaptation.set(summary, end(values)[1])


def fraction(text: str) -> Fraction | None:
    """A frame rate, as "30000/1001" or "25"; None for anything else."""
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        return None


def periods(root: Element) -> Iterator[Element]:
    yield from children(root, "Period")
