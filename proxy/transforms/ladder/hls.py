"""HLS: a multivariant playlist of which only the rungs within the limits remain (RFC 8216bis section 4.4.6).

Laws: lines are deleted and nothing else (sound alone writes one line anew); media playlists pass; groups of
alternatives go with the last rung that named them; pathways of a rung stay together; what stands between a rung's
EXT-X-STREAM-INF and its address belongs to that rung.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder.hls_keep import keeping, lowest_of
from proxy.transforms.ladder.hls_lines import Master, NotUnderstood, Variant, read_master
from proxy.transforms.ladder.hls_sound import sound_alone
from proxy.transforms.ladder.limits import MAX_MANIFEST_BYTES, MAX_RENDITIONS, demand, fits
from proxy.transforms.ladder.spec import LadderOutcome, LadderSpec, NothingFits


def cap_hls(source: bytes, spec: LadderSpec, *, query: str = "") -> LadderOutcome:
    """The playlist within the limits. query: of its own address, which variables may be taken from."""
    if len(source) > MAX_MANIFEST_BYTES:
        return Refused(why="too-large")
    try:
        master = read_master(source, query)
    except NotUnderstood as error:
        return Refused(why=f"malformed: {error}")
    if master is None:
        return Unchanged(why="media-playlist")
    if len(master.variants) + len(master.media) > MAX_RENDITIONS:
        return Refused(why="too-large")
    if spec.limits_nothing:
        return Unchanged(why="no-limit")
    if spec.sound_only:
        return sound_alone(master, spec)
    return _capped(master, spec)


def _capped(master: Master, spec: LadderSpec) -> LadderOutcome:
    pictures = [variant for variant in master.variants if not variant.is_sound]
    rungs = pictures or master.variants  # a ladder of sounds has rungs, too
    fitting = [rung for rung in rungs if _fits(rung, spec)]
    if not fitting:
        lowest = lowest_of(rungs)
        if not spec.nothing_fits_lowest:
            return NothingFits(lowest=lowest[0].rendition)
        fitting = lowest
    kept = _with_the_thinnest_sound(fitting)
    if pictures:
        most_bps = max(demand(rung.height_px, rung.bitrate_bps)[0] for rung in kept)
        sounds = [variant for variant in master.variants if variant.is_sound]
        kept += [sound for sound in sounds if demand(None, sound.bitrate_bps)[0] <= most_bps]
    kept.sort(key=lambda variant: variant.lines.start)
    if len(kept) == len(master.variants):
        return Unchanged(why="one-rendition" if len(kept) == 1 else "all-fit")
    return keeping(master, kept)


def _fits(rung: Variant, spec: LadderSpec) -> bool:
    height_px = 0 if rung.is_sound else rung.height_px
    return fits(spec, height_px=height_px, bitrate_bps=rung.bitrate_bps, fps=rung.fps)


def _with_the_thinnest_sound(rungs: Sequence[Variant]) -> list[Variant]:
    """The same picture is often listed once for each group of sounds, thin and rich: the thin one stays."""
    least: dict[str, float] = {}
    for rung in rungs:
        asks = demand(None, rung.bitrate_bps)[0]
        least[rung.uri] = min(asks, least.get(rung.uri, asks))
    return [rung for rung in rungs if demand(None, rung.bitrate_bps)[0] == least[rung.uri]]
