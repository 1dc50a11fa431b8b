"""DASH with a rung that is made here: what its representation says, and where its head and its segments are.

Laws: only what is whole and static is made (of a live one the player computes what must be there by now, and nobody
waits for an encoder then); what is protected, or in no MP4, isn't; made segments stand under their sources' addresses
and in their time, so templates, lists and indexes stay; all pictures of a manifest are made, or none.

Source: ISO/IEC 23009-1, sections 5.3.5 (Representation), 5.3.7 (common attributes), 5.3.9 (segments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from lxml import etree

from policies.frozen import Frozen
from proxy.transforms.ladder.dash import parsed, written
from proxy.transforms.ladder.dash_addresses import address_pattern, bases, is_template, template_of, with_identity
from proxy.transforms.ladder.dash_sets import (
    Element,
    children,
    fraction,
    part_of,
    periods,
    summarise,
    take_away,
    told,
)
from proxy.transforms.ladder.limits import sound_codecs
from proxy.transforms.ladder.made import NotMade, Place, RungSpec, rung_spec
from proxy.transforms.ladder.spec import Part
from proxy.transforms.media.spec import CappedSpec

_RANGE = re.compile(r"\s*(\d{1,18})-(\d{1,18})\s*")
_FORMS = ("SegmentTemplate", "SegmentList", "SegmentBase")
# What the set says of all its pictures, and no more of these; the representation says it itself.
_ON_THE_SET = ("codecs", "width", "height", "frameRate", "sar", "profiles", "par")


class _CannotBe(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class MadeRepresentation(Frozen, frozen=True, kw_only=True):
    """Where one made rung's segments are, addresses absolute.

    listed   (address, first byte) of each; first byte None: the whole file
    pattern  of addresses by template
    indexed  a file whose segments are ranges behind these bytes: its head and its index
    """

    spec: RungSpec
    head: Place
    listed: tuple[tuple[str, int | None], ...] = ()
    pattern: re.Pattern[str] | None = None
    indexed: Place | None = None


@dataclass(slots=True)
class MadeManifest:
    """The manifest, told as its made rungs will be."""

    body: bytes = b""
    rungs: list[MadeRepresentation] = field(default_factory=list)


def made_manifest(body: bytes, capped: CappedSpec, url: str) -> MadeManifest | NotMade:
    """A manifest of which every representation with pictures is to be made smaller. url: where it came from."""
    try:
        root = parsed(body)
        if root.get("type", "static") != "static":
            return NotMade(why="live")
        made = MadeManifest()
        for period in periods(root):
            for adaptation in children(period, "AdaptationSet"):
                match part_of(adaptation):
                    case Part.PICTURE:
                        made.rungs += _made_set((root, period, adaptation), capped, url)
                    case Part.STILLS:
                        take_away(adaptation)  # they point into segments that nobody gets
                    case _:
                        pass
    except _CannotBe as cannot:
        return NotMade(why=cannot.why)
    except (etree.XMLSyntaxError, ValueError):
        return NotMade(why="unreadable")
    made.body = written(root, body)
    return made


def _made_set(levels: tuple[Element, Element, Element], capped: CappedSpec, url: str) -> Iterator[MadeRepresentation]:
    adaptation = levels[-1]
    rungs = children(adaptation, "Representation")
    common = {name: told(adaptation, name) for name in ("mimeType", *_ON_THE_SET)}
    for name in _ON_THE_SET:
        adaptation.attrib.pop(name, None)
    for rung in rungs:
        if children(adaptation, "ContentProtection") or children(rung, "ContentProtection"):
            raise _CannotBe("encrypted")
        if (rung.get("mimeType") or common["mimeType"]).lower() != "video/mp4" or rung.get("dependencyId"):
            raise _CannotBe("container")
        spec = rung_spec(capped, _size(rung, common))
        yield _placed((*levels, rung), spec, url)
        _tell(rung, spec, common)
    summarise(adaptation)


def _size(rung: Element, common: dict[str, str]) -> tuple[int, int] | None:
    """As shown: `sar` says how wide a pixel is."""
    width, height = (rung.get(name) or common[name] for name in ("width", "height"))
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        return None
    aspect = fraction((rung.get("sar") or common["sar"]).replace(":", "/")) or 1
    return max(1, round(int(width) * aspect)), int(height)


def _tell(rung: Element, spec: RungSpec, common: dict[str, str]) -> None:
    codecs = rung.get("codecs") or common["codecs"]
    sound = sound_codecs(codecs)
    rung.set("codecs", f"{spec.codec}{',' + sound if sound else ''}")
    bandwidth = rung.get("bandwidth") or ""
    told_bps = int(bandwidth) if bandwidth.isdigit() else None
    rung.set("bandwidth", str(spec.peak_bps(told_bps) if sound else spec.picture_peak_bps))
    fps = fraction(rung.get("frameRate") or common["frameRate"])
    if fps is not None:
        rung.set("frameRate", str(min(fps, spec.fps)))
    for name in ("width", "height"):
        rung.attrib.pop(name, None)
    if spec.size_px is not None:
        rung.set("width", str(spec.size_px[0]))
        rung.set("height", str(spec.size_px[1]))
    rung.set("sar", "1:1")
    for name in ("maxPlayoutRate", "codingDependency", "qualityRanking", "profiles", "scanType"):
        rung.attrib.pop(name, None)


# -- where it is ---------------------------------------------------------------------------------------------------


def _placed(levels: tuple[Element, ...], spec: RungSpec, url: str) -> MadeRepresentation:
    roots = bases(levels)
    if len(roots) != 1:  # a player goes from one delivery network to another as it likes
        raise _CannotBe("elsewhere")
    root = urljoin(url, roots[0])
    forms = [name for level in reversed(levels[1:]) for name in _FORMS if children(level, name)]
    match forms[0] if forms else "":
        case "SegmentTemplate":
            return _by_template(levels, root, spec)
        case "SegmentList":
            return _by_list(levels, root, spec)
        case "SegmentBase":
            return _by_index(levels, root, spec)
        case _:
            raise _CannotBe("no-head")


def _by_template(levels: tuple[Element, ...], root: str, spec: RungSpec) -> MadeRepresentation:
    template = template_of(levels[1:])
    if "media" not in template or "initialization" not in template:
        raise _CannotBe("no-head")
    media, head = (with_identity(template[name], levels[-1]) for name in ("media", "initialization"))
    if not is_template(media) or is_template(head):
        raise _CannotBe("no-head")
    return MadeRepresentation(
        spec=spec, head=Place(url=urljoin(root, head)), pattern=address_pattern(urljoin(root, media))
    )


def _by_list(levels: tuple[Element, ...], root: str, spec: RungSpec) -> MadeRepresentation:
    lists = [one for level in levels[1:] for one in children(level, "SegmentList")]
    heads = [one for segments in lists for one in children(segments, "Initialization")]
    if not heads:
        raise _CannotBe("no-head")
    listed = [
        (urljoin(root, one.get("media") or ""), _first(one.get("mediaRange")))
        for one in children(lists[-1], "SegmentURL")
    ]
    return MadeRepresentation(spec=spec, head=_head(heads[-1], root), listed=tuple(listed))


def _by_index(levels: tuple[Element, ...], root: str, spec: RungSpec) -> MadeRepresentation:
    """One file: its head, its index, its segments one behind the other."""
    base = [one for level in levels[1:] for one in children(level, "SegmentBase")][-1]
    heads = children(base, "Initialization")
    index = _RANGE.fullmatch(base.get("indexRange") or "")
    if not heads or index is None:
        raise _CannotBe("no-head")
    head = _head(heads[-1], root)
    if head.whole:
        raise _CannotBe("no-head")
    return MadeRepresentation(spec=spec, head=head, indexed=Place(url=root, first=int(index[1]), last=int(index[2])))


def _head(element: Element, root: str) -> Place:
    url, found = urljoin(root, element.get("sourceURL") or ""), _RANGE.fullmatch(element.get("range") or "")
    return Place(url=url, first=int(found[1]), last=int(found[2])) if found else Place(url=url)


def _first(media_range: str | None) -> int | None:
    found = _RANGE.fullmatch(media_range or "")
    return int(found[1]) if found else None
