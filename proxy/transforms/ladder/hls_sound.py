"""HLS as sound alone: a rung of sound where the playlist has one, else its sound rendition made the only rung.

Law: pictures never go out as sound: where the sound is only inside their segments, nothing fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.transforms.ladder.hls_keep import keeping, lowest_of
from proxy.transforms.ladder.hls_lines import Master, Media, Variant
from proxy.transforms.ladder.limits import demand, sound_codecs
from proxy.transforms.ladder.spec import Capped, LadderSpec, NothingFits

# A rung must tell a bit rate, and a sound rendition doesn't: with a single rung nothing hangs on it.
_TOLD_BPS = 64_000
_LIKELY_CODEC = "mp4a.40.2"  # a rung that names none would be taken for pictures by the next one who reads it


def sound_alone(master: Master, spec: LadderSpec) -> Capped | NothingFits:
    """Deletes all pictures. NothingFits: the sound is only inside the pictures' segments."""
    sounds = [variant for variant in master.variants if variant.is_sound]
    if sounds:
        return keeping(master, _thinnest(sounds))
    for rung in sorted(master.variants, key=lambda rung: demand(rung.height_px, rung.bitrate_bps)):
        members = [media for media in master.media if media.group == ("AUDIO", rung.attributes.get("AUDIO"))]
        chosen = _chosen(members, spec.language)
        if chosen is not None:
            return _rewritten(master, rung, chosen, [media for media in members if media.uri])
    return NothingFits(lowest=lowest_of(master.variants)[0].rendition)


def _thinnest(sounds: Sequence[Variant]) -> list[Variant]:
    least = min(demand(None, sound.bitrate_bps) for sound in sounds)
    return [sound for sound in sounds if demand(None, sound.bitrate_bps) == least]


def _chosen(members: Sequence[Media], language: str) -> Media | None:
    """The member to hear. None: the one that a player takes by itself is inside the pictures."""

    def speaks(media: Media) -> bool:
        return bool(language) and media.attributes.get("LANGUAGE", "").partition("-")[0].lower() == language.lower()

    def is_set(media: Media, name: str) -> bool:
        return media.attributes.get(name, "").upper() == "YES"

    for wanted in (
        [media for media in members if speaks(media)],
        [media for media in members if is_set(media, "DEFAULT")],
        [media for media in members if is_set(media, "AUTOSELECT")],
        list(members),
    ):
        if wanted:
            return wanted[0] if wanted[0].uri else None
    return None


def _rewritten(master: Master, rung: Variant, chosen: Media, members: Sequence[Media]) -> Capped:
    """One rung in the first one's place. A choice of languages stays a group; a single one needs none."""
    grouped = members if len(members) > 1 else ()
    codecs = sound_codecs(rung.attributes.get("CODECS", "")) or _LIKELY_CODEC
    parts = [f"BANDWIDTH={_TOLD_BPS}", f'CODECS="{codecs}"']
    if grouped:
        parts.append(f"AUDIO={rung.raw['AUDIO']}")
    if "SUBTITLES" in rung.raw:
        parts.append(f"SUBTITLES={rung.raw['SUBTITLES']}")
    end = master.newline
    text = f"#EXT-X-STREAM-INF:{','.join(parts)}{end}{chosen.raw['URI'].strip(chr(34))}{end}"
    kept_media = {media.line for media in grouped}
    subtitles = ("SUBTITLES", rung.attributes.get("SUBTITLES", ""))
    media_gone = [media for media in master.media if media.line not in kept_media and media.group != subtitles]
    gone = {line for variant in (*master.variants, *master.stills) for line in variant.lines}
    lines = gone | {media.line for media in media_gone}
    stays = [media for media in master.media if media.uri and media.line not in lines]
    kept = [chosen.rendition, *(media.rendition for media in stays if media is not chosen)]
    heard = {address for rendition in kept for address in rendition.addresses}
    pictures = [variant.rendition for variant in (*master.variants, *master.stills)]
    alternatives = [media.rendition for media in media_gone if media.uri]
    return Capped(
        body=master.without(lines, {master.variants[0].lines.start: text}),
        kept=tuple(kept),
        removed=tuple(one for one in (*pictures, *alternatives) if heard.isdisjoint(one.addresses)),
    )
