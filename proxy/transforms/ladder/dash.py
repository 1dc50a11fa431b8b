"""DASH: a manifest of which only the representations within the limits remain (ISO/IEC 23009-1).

Laws: whole representations go, and sets left empty; everything else, known or not, keeps its place, identity and
namespace; no entity is resolved, nothing is fetched, a document type is refused; a live manifest gets the same cap at
each refresh, so identities stay; patches of a manifest that was changed here would miss, so PatchLocation goes and the
player asks for the whole again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from lxml import etree

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder.dash_addresses import addresses
from proxy.transforms.ladder.dash_sets import (
    Element,
    carries_sound_inside,
    children,
    fraction,
    name_of,
    number,
    part_of,
    periods,
    summarise,
    take_away,
    told,
)
from proxy.transforms.ladder.limits import (
    MAX_MANIFEST_BYTES,
    MAX_RENDITIONS,
    PLAYED_BY_ALL,
    demand,
    fits,
    picture_family,
)
from proxy.transforms.ladder.spec import Capped, LadderOutcome, LadderSpec, NothingFits, Part, Rendition

_SOUND_SHARE = 3  # richer sounds than a third of the limit go, where a thinner one of the same set stays
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->)*+(?=<[^!?])")
Fits = Callable[[Element, Element], bool]


class _NothingFits(Exception):
    def __init__(self, lowest: Rendition) -> None:
        super().__init__()
        self.lowest = lowest


@dataclass(slots=True)
class _Work:
    """One manifest under work. `gone` and `kept` as they are found."""

    root: Element
    spec: LadderSpec
    kept: list[Rendition] = field(default_factory=list)
    gone: list[Rendition] = field(default_factory=list)

    def rendition(self, period: Element, adaptation: Element, representation: Element, part: Part) -> Rendition:
        return Rendition(
            addresses=addresses((self.root, period, adaptation, representation)),
            part=part,
            height_px=height_of(adaptation, representation),
            bitrate_bps=number(representation, "bandwidth"),
            language=adaptation.get("lang") or "",
        )


def cap_dash(source: bytes, spec: LadderSpec) -> LadderOutcome:
    """The manifest within the limits."""
    if len(source) > MAX_MANIFEST_BYTES:
        return Refused(why="too-large")
    try:
        root = parsed(source)
    except (etree.XMLSyntaxError, ValueError):
        return Refused(why="malformed: no XML")
    if root.getroottree().docinfo.internalDTD is not None:
        return Refused(why="malformed: a document type")
    if name_of(root) != "MPD":
        return Unchanged(why="no-manifest")
    if len(root.findall(".//{*}Representation")) > MAX_RENDITIONS:
        return Refused(why="too-large")
    if spec.limits_nothing:
        return Unchanged(why="no-limit")
    work = _Work(root, spec)
    try:
        for period in periods(root):
            _sound_alone(work, period) if spec.sound_only else _capped(work, period)
    except _NothingFits as nothing:
        return NothingFits(lowest=nothing.lowest)
    patches = children(root, "PatchLocation")
    if not work.gone and not patches:
        return Unchanged(why="one-rendition" if len(work.kept) == 1 else "all-fit")
    for patch in patches:
        take_away(patch)
    _drop_preselections(root)
    locations = tuple((one.text or "").strip() for one in children(root, "Location") if (one.text or "").strip())
    body = written(root, source)
    return Capped(body=body, kept=tuple(work.kept), removed=_asked_no_more(work), locations=locations)


def parsed(source: bytes) -> Element:
    """The manifest. No entity is resolved and nothing fetched. Raises XMLSyntaxError, ValueError."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, strip_cdata=False, recover=False
    )
    return etree.fromstring(source, parser)


def written(root: Element, source: bytes) -> bytes:
    """The text, what stands before the manifest's own element byte for byte."""
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    prolog = _PROLOG.match(source)
    if prolog is None or encoding.lower().startswith(("utf-16", "ucs", "utf-32")):
        return etree.tostring(root.getroottree(), encoding=encoding, xml_declaration=True)
    body = etree.tostring(root, encoding=encoding, xml_declaration=False, with_tail=False)
    after = [etree.tostring(one, encoding=encoding, with_tail=False) for one in root.itersiblings()]
    return b"\n".join((prolog[0] + body, *after)) + source[len(source.rstrip()) :]


def height_of(adaptation: Element, representation: Element) -> int | None:
    return number(representation, "height") or number(adaptation, "height")


# -- pictures within the limits ----------------------------------------------------------------------------------


def _capped(work: _Work, period: Element) -> None:
    sets = children(period, "AdaptationSet")
    pictures = [one for one in sets if part_of(one) is Part.PICTURE and children(one, "Representation")]
    may_stay = partial(_fits, work.spec)
    if pictures and not any(may_stay(one, rung) for one in pictures for rung in children(one, "Representation")):
        if not work.spec.nothing_fits_lowest:
            raise _NothingFits(work.rendition(period, *_least(pictures), Part.PICTURE))
        may_stay = partial(_is_among, _lowest_of(pictures))
    for adaptation in sets:
        part = part_of(adaptation)
        if part is Part.PICTURE:
            _keep(work, period, adaptation, part, may_stay)
        elif part is Part.STILLS:
            _keep(work, period, adaptation, part, partial(_fits, work.spec))
        elif part is Part.SOUND:
            _keep(work, period, adaptation, part, _thin_sounds(work.spec, adaptation))


def _fits(spec: LadderSpec, adaptation: Element, representation: Element) -> bool:
    # A page of thumbnails is as high as all its pictures together.
    height_px = 0 if told(adaptation, "mimeType").startswith("image/") else height_of(adaptation, representation)
    fps = fraction(representation.get("frameRate") or adaptation.get("frameRate") or "")
    bitrate_bps = number(representation, "bandwidth")
    return fits(spec, height_px=height_px, bitrate_bps=bitrate_bps, fps=float(fps) if fps else None)


def _is_among(chosen: list[Element], _adaptation: Element, representation: Element) -> bool:
    return any(one is representation for one in chosen)


def _demand(adaptation: Element, representation: Element) -> tuple[float, float]:
    return demand(height_of(adaptation, representation), number(representation, "bandwidth"))


def _lowest(adaptation: Element) -> Element:
    return min(children(adaptation, "Representation"), key=partial(_demand, adaptation))


def _least(sets: list[Element]) -> tuple[Element, Element]:
    """The representation of any of the sets that asks least, behind its set."""
    return min(((one, _lowest(one)) for one in sets), key=lambda pair: _demand(*pair))


def _lowest_of(sets: list[Element]) -> list[Element]:
    """The one that asks least; where old devices can't decode it, their own lowest beside it."""
    for_all = [one for one in sets if picture_family(told(one, "codecs")) in PLAYED_BY_ALL]
    return [_least(some)[1] for some in (sets, for_all) if some]


def _thin_sounds(spec: LadderSpec, adaptation: Element) -> Fits:
    rungs = children(adaptation, "Representation")
    limit_bps = None if spec.max_bitrate_bps is None else spec.max_bitrate_bps // _SOUND_SHARE
    thin = [rung for rung in rungs if limit_bps is None or (number(rung, "bandwidth") or 0) <= limit_bps]
    return partial(_is_among, thin or ([_lowest(adaptation)] if rungs else []))


def _keep(work: _Work, period: Element, adaptation: Element, part: Part, may_stay: Fits) -> None:
    """Take away what may not stay, and a set that has nothing left of what it had."""
    rungs = children(adaptation, "Representation")
    stays = _whole([rung for rung in rungs if may_stay(adaptation, rung)])
    for rung in rungs:
        rendition = work.rendition(period, adaptation, rung, part)
        if any(rung is one for one in stays):
            work.kept.append(rendition)
        else:
            work.gone.append(rendition)
    if len(stays) == len(rungs):
        return
    if not stays:
        take_away(adaptation)
        return
    for rung in rungs:
        if not any(rung is one for one in stays):
            take_away(rung)
    summarise(adaptation)


def _whole(rungs: list[Element]) -> list[Element]:
    """Without those that build upon one that goes (dependencyId)."""
    while True:
        ids = {rung.get("id") for rung in rungs}
        whole = [rung for rung in rungs if ids.issuperset((rung.get("dependencyId") or "").split())]
        if len(whole) == len(rungs):
            return whole
        rungs = whole


# -- sound alone -------------------------------------------------------------------------------------------------


def _sound_alone(work: _Work, period: Element) -> None:
    sets = children(period, "AdaptationSet")
    pictures = [one for one in sets if part_of(one) in (Part.PICTURE, Part.STILLS)]
    sounds = [one for one in sets if part_of(one) is Part.SOUND and children(one, "Representation")]
    shown = [one for one in pictures if part_of(one) is Part.PICTURE and children(one, "Representation")]
    if shown and (not sounds or any(carries_sound_inside(one) for one in shown)):
        raise _NothingFits(work.rendition(period, *_least(shown), Part.PICTURE))
    for adaptation in pictures:
        _keep(work, period, adaptation, part_of(adaptation) or Part.PICTURE, lambda _set, _rung: False)
        if adaptation.getparent() is not None:  # a set without any representation of its own
            take_away(adaptation)
    for adaptation in sounds:
        _keep(work, period, adaptation, Part.SOUND, partial(_is_among, [_lowest(adaptation)]))


# -- what is left over -------------------------------------------------------------------------------------------


def _drop_preselections(root: Element) -> None:
    """A bundle of sets is no bundle without one of them."""
    for period in periods(root):
        ids = {one.get("id") for one in children(period, "AdaptationSet")}
        for bundle in children(period, "Preselection"):
            if not ids.issuperset((bundle.get("preselectionComponents") or "").split()):
                take_away(bundle)


def _asked_no_more(work: _Work) -> tuple[Rendition, ...]:
    """Representations that are gone from everywhere: what one Period lacks another may have."""
    still = {address for one in work.kept for address in one.addresses}
    return tuple(one for one in work.gone if still.isdisjoint(one.addresses))
