"""Where the segments of a DASH representation are: BaseURL, SegmentTemplate, SegmentList (ISO/IEC 23009-1, 5.3.9).

Law: addresses come out as a player makes them; nothing is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin

from proxy.transforms.ladder.dash_sets import Element, children

_MOST_BASES = 8  # delivery networks of one manifest
_MOST_SEGMENTS = 5000
_PLACE = re.compile(r"\$(RepresentationID|Bandwidth|Number|Time|SubNumber)?(%0\d{1,2}[diuxXo])?\$")


def bases(levels: Iterable[Element]) -> list[str]:
    """What the addresses within are relative to, relative to the manifest: one for each delivery network."""
    found = [""]
    for level in levels:
        urls = [(base.text or "").strip() for base in children(level, "BaseURL")]
        if urls:
            found = [_joined(base, url) for base in found for url in urls][:_MOST_BASES]
    return found


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def template_of(levels: Iterable[Element]) -> dict[str, str]:
    """SegmentTemplate's attributes, the inner levels' over the outer ones'; {} where there is none."""
    found: dict[str, str] = {}
    for level in levels:
        for template in children(level, "SegmentTemplate"):
            found.update({str(name): str(value) for name, value in template.attrib.items()})
    return found


def addresses(levels: tuple[Element, ...]) -> tuple[str, ...]:
    """Of the representation that is the last of the levels (MPD, Period, AdaptationSet, Representation): its
    initialisation, its segments. `$Number$` and `$Time$` stay; the own identity is filled in."""
    representation, roots = levels[-1], bases(levels)
    template = template_of(levels[1:])
    names = [template[name] for name in ("initialization", "media", "index") if name in template]
    if not names:
        names = _listed(levels[1:])
    if not names and children(representation, "BaseURL"):
        return tuple(roots)
    filled = [with_identity(name, representation) for name in names]
    return tuple(dict.fromkeys(_joined(root, name) for root in roots for name in filled))


def _listed(levels: Iterable[Element]) -> list[str]:
    names: list[str] = []
    for level in levels:
        for segments in children(level, "SegmentList"):
            names = [url for one in children(segments, "Initialization") if (url := one.get("sourceURL"))]
            names += [url for one in children(segments, "SegmentURL") if (url := one.get("media"))]
    return list(dict.fromkeys(names))[:_MOST_SEGMENTS]


def with_identity(template: str, representation: Element) -> str:
    """The template with what is fixed for this representation."""

    def fill(found: re.Match[str]) -> str:
        if found[1] == "RepresentationID":
            return representation.get("id") or ""
        if found[1] == "Bandwidth":
            return _padded(representation.get("bandwidth") or "", found[2])
        return found[0]

    return _PLACE.sub(fill, template)


def _padded(digits: str, form: str | None) -> str:
    return digits.zfill(int(form[2:-1])) if form else digits


def is_template(address: str) -> bool:
    return "$" in address and _PLACE.search(address) is not None


def address_pattern(address: str) -> re.Pattern[str]:
    """Matches every address that a template stands for. Groups `number` and `time`, where it has them."""
    parts, at, named = [], 0, set[str]()
    for found in _PLACE.finditer(address):
        parts.append(re.escape(address[at : found.start()]))
        at = found.end()
        group = {"Number": "number", "Time": "time"}.get(found[1] or "")
        if found[0] == "$$":
            parts.append(re.escape("$"))
        elif group is None or group in named:
            parts.append(r"[0-9a-fA-F]+")
        else:
            named.add(group)
            parts.append(f"(?P<{group}>[0-9]+)")
    parts.append(re.escape(address[at:]))
    return re.compile("".join(parts))
