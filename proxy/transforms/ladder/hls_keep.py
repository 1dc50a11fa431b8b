"""Which lines of a multivariant playlist stay with the rungs that stay.

Laws: lines go and none is written; what a rung that stays needs stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proxy.transforms.ladder.hls_lines import GROUPS, Master, Media, Variant
from proxy.transforms.ladder.limits import PLAYED_BY_ALL, demand, picture_family
from proxy.transforms.ladder.spec import Capped, Rendition


def lowest_of(rungs: Sequence[Variant]) -> list[Variant]:
    """The rung that asks least, in every pathway; where old devices can't decode it, their own lowest beside it."""
    for_all = [rung for rung in rungs if picture_family(rung.attributes.get("CODECS", "")) in PLAYED_BY_ALL]
    kept = [*_least_by_pathway(rungs), *_least_by_pathway(for_all)]
    starts = {rung.lines.start for rung in kept}
    return [rung for rung in rungs if rung.lines.start in starts]


def _least_by_pathway(rungs: Sequence[Variant]) -> list[Variant]:
    least: dict[str, tuple[float, float]] = {}
    for rung in rungs:
        asks, pathway = _demand(rung), rung.attributes.get("PATHWAY-ID", ".")
        least[pathway] = min(asks, least.get(pathway, asks))
    return [rung for rung in rungs if _demand(rung) == least[rung.attributes.get("PATHWAY-ID", ".")]]


def _demand(rung: Variant) -> tuple[float, float]:
    return demand(rung.height_px, rung.bitrate_bps)


def keeping(master: Master, kept: Sequence[Variant]) -> Capped:
    """The playlist with these variants and what they need."""
    stills = _stills_for(master, kept)
    kept_lines = {variant.lines.start for variant in (*kept, *stills)}
    gone = [variant for variant in (*master.variants, *master.stills) if variant.lines.start not in kept_lines]
    media_gone = _media_without_a_rung(master, (*kept, *stills))
    lines = {line for variant in gone for line in variant.lines} | {media.line for media in media_gone}
    left = {media.line for media in media_gone}
    stays = [media.rendition for media in master.media if media.uri and media.line not in left]
    return Capped(
        body=master.without(lines, {}),
        kept=(*(variant.rendition for variant in (*kept, *stills)), *stays),
        removed=removed_renditions(gone, media_gone, kept=(*kept, *stills)),
    )


def removed_renditions(
    gone: Iterable[Variant], media: Iterable[Media], *, kept: Iterable[Variant]
) -> tuple[Rendition, ...]:
    """What nobody should ask for any more: addresses that a kept rung has, too, aren't among them."""
    still = {variant.uri for variant in kept}
    renditions = [variant.rendition for variant in gone if variant.uri not in still]
    return (*renditions, *(one.rendition for one in media if one.uri and one.uri not in still))


def _stills_for(master: Master, kept: Sequence[Variant]) -> list[Variant]:
    """I-frame lists up to the height and the bit rate of what stays."""
    heights = [rung.height_px for rung in kept if rung.height_px is not None]
    most_px = max(heights) if heights else None
    most_bps = max(demand(rung.height_px, rung.bitrate_bps)[0] for rung in kept)

    def may_stay(stills: Variant) -> bool:
        height_px, bitrate_bps = stills.height_px, stills.bitrate_bps
        if most_px is not None and height_px is not None and height_px > most_px:
            return False
        return bitrate_bps is None or bitrate_bps <= most_bps

    return [stills for stills in master.stills if may_stay(stills)]


def _media_without_a_rung(master: Master, kept: Iterable[Variant]) -> list[Media]:
    """Alternatives whose group was named by a rung before, and is by none now."""
    before = _named((*master.variants, *master.stills))
    after = _named(kept)
    return [media for media in master.media if media.group in before - after]


def _named(variants: Iterable[Variant]) -> set[tuple[str, str]]:
    return {(kind, variant.attributes[kind]) for variant in variants for kind in GROUPS if kind in variant.attributes}
