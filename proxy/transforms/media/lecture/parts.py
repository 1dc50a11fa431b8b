"""The parts of a slidecast that a film yields besides its pictures: sound, captions, chapters.

Laws of this file: a part that can't be had is left out and named in the facts; only a lecture without sound and without
slides is refused by whoever puts the parts together.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from policies.frozen import Frozen
from proxy.exchange import Unchanged
from proxy.transforms.media.jail import WATCHING
from proxy.transforms.media.lecture import model
from proxy.transforms.media.lecture.captions import MAX_BYTES, TEXT_CODECS, cues_in, language_tag, vtt
from proxy.transforms.media.probe import MediaInfo
from proxy.transforms.media.sound import make_sound, sound_args
from proxy.transforms.media.spec import MediaMade, SlidecastSpec, SoundCodec, ToolFailed, Workbench

_AAC_MIN_BPS = 24_000  # below it AAC-LC is no pleasure; devices that need it are few
_TYPES = {SoundCodec.OPUS: 'audio/webm; codecs="opus"', SoundCodec.AAC: "audio/mp4"}
_MAX_TRACKS = 8
_PLAYED = {
    "matroska": ("sound.webm", "audio/webm"),
    "ogg": ("sound.ogg", "audio/ogg"),
    "mp3": ("sound.mp3", "audio/mpeg"),
    "mov": ("sound.m4a", "audio/mp4"),
}


class SideText(Frozen, frozen=True, kw_only=True):
    """Captions that lay beside the film: WebVTT or SubRip. lang "" if unknown."""

    path: Path
    lang: str = ""
    label: str = ""


async def sounds(source: Path, info: MediaInfo, spec: SlidecastSpec, bench: Workbench) -> tuple[model.Sound, ...]:
    """The lecture's sound in one or two formats; () if it has none. Raises ToolFailed."""
    if info.sound is None:
        return ()
    made = await make_sound(source, spec.sound, bench)
    if isinstance(made, Unchanged) and info.video is None:
        return await asyncio.to_thread(_as_it_is, source, info, bench.folder)
    if not isinstance(made, MediaMade):
        return ()
    files = [model.Sound(file=made.main, type=_TYPES[spec.sound.codec], bytes=made.length_bytes)]
    if spec.fallback_sound and spec.sound.codec is not SoundCodec.AAC:
        gain_db = made.facts.get("gain_db")
        aac = replace(spec.sound, codec=SoundCodec.AAC, bitrate_bps=max(_AAC_MIN_BPS, spec.sound.bitrate_bps))
        target = bench.folder / "sound.m4a"
        try:
            args = sound_args(source, info, aac, target, gain_db=gain_db)
            await bench.ffmpeg(args, reads=[source], deadline_s=bench.limits.deadline_s(info.duration_s, WATCHING))
        except ToolFailed:
            return tuple(files)
        files.append(model.Sound(file=target.name, type=_TYPES[SoundCodec.AAC], bytes=target.stat().st_size))
    return tuple(files)


async def captions(
    source: Path, info: MediaInfo, bench: Workbench, side: Sequence[SideText] = ()
) -> tuple[model.Captions, ...]:
    """Every text track and every file beside the film that holds readable cues, as `captions-N.vtt`."""
    tracks = [track for track in info.texts if track.codec in TEXT_CODECS][:_MAX_TRACKS]
    found: list[model.Captions] = []
    for track in tracks:
        raw = bench.folder / "track.vtt"
        args = ["-i", str(source), "-map", f"0:{track.index}", "-f", "webvtt", str(raw)]
        try:
            await bench.ffmpeg(args, reads=[source], deadline_s=bench.limits.deadline_s(info.duration_s, WATCHING))
        except ToolFailed:
            continue
        found += await asyncio.to_thread(_kept, raw, bench.folder, len(found) + 1, language_tag(track.language), "")
        raw.unlink(missing_ok=True)
    return (*found, *await beside(bench, side[: _MAX_TRACKS - len(found)], after=len(found)))


async def beside(bench: Workbench, texts: Sequence[SideText], *, after: int = 0) -> tuple[model.Captions, ...]:
    """Files of captions as `captions-N.vtt`, numbered on from `after`."""
    found: list[model.Captions] = []
    for text in texts:
        number = after + len(found) + 1
        found += await asyncio.to_thread(_kept, text.path, bench.folder, number, language_tag(text.lang), text.label)
    return tuple(found)


def chapters(info: MediaInfo) -> tuple[model.Chapter, ...]:
    """The container's chapters that have a name."""
    return tuple(
        model.Chapter(at_s=round(chapter.start_s, 2), title=chapter.title) for chapter in info.chapters if chapter.title
    )


def _as_it_is(source: Path, info: MediaInfo, folder: Path) -> tuple[model.Sound, ...]:
    """A sound that is as small as it gets, copied, if browsers play it."""
    named = _PLAYED.get(info.container)
    if named is None:
        return ()
    name, kind = named
    shutil.copyfile(source, folder / name)
    return (model.Sound(file=name, type=kind, bytes=info.length_bytes),)


def _kept(raw: Path, folder: Path, number: int, lang: str, label: str) -> list[model.Captions]:
    with raw.open("rb") as file:
        cues = cues_in(file.read(MAX_BYTES))
    if not cues:
        return []
    name = f"captions-{number}.vtt"
    (folder / name).write_bytes(vtt(cues))
    return [model.Captions(file=name, lang=lang, label=label[:100])]
