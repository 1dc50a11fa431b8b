"""Recipe "office": a light copy of a DOCX, PPTX, ODT or ODP, made in the jail.

Laws of this file: it never opens the document itself; a film that can't be made smaller stays as it is in the copy.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ffmpeg

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.documents.package import COPIES
from proxy.transforms.media.documents.told import made, told_by_worker
from proxy.transforms.media.spec import CappedSpec, MediaOutcome, OfficeSpec, SoundSpec, ToolFailed, Workbench

_FILM_DEADLINE_S = 900.0
_MAX_FILMS = 60
_SOUND_RATE_HZ = 32_000
_TYPES = {name: content_type for content_type, name in COPIES.items()}


async def make_office(source: Path, spec: OfficeSpec, bench: Workbench) -> MediaOutcome:
    """A light copy as `copy.docx`, `copy.pptx` …; facts: pictures, adapted, films, renamed, source_bytes.

    Unchanged: "signed", "encrypted", "macros", "not-a-package", "not-a-known-kind", "damaged", "not-smaller" (less than
    a tenth gained), "changed" (the copy failed its check). Refused: a bomb, names that lie, or the tool failed.
    """
    told = await _ask(source, spec, bench, films=None)
    if isinstance(told, dict) and "films" in told:
        bench.progress(0.1)
        smaller = await _smaller_films(told["films"], spec, bench)
        told = await _ask(source, spec, bench, films=smaller)
        await asyncio.to_thread(_tidy, bench.folder)
    if isinstance(told, (Unchanged, Refused)):
        return told
    main = str(told["made"].pop("main", ""))
    return await made(bench, main, _TYPES[main], told["made"]) if main in _TYPES else Refused(why="no-output")


async def _ask(
    source: Path, spec: OfficeSpec, bench: Workbench, *, films: Mapping[str, str] | None
) -> dict[str, Any] | Unchanged | Refused:
    spoken = json.dumps({"max_width_px": spec.max_width_px, "quality": spec.quality, "films": films})
    return await told_by_worker(bench, ("office", str(source), str(bench.folder), spoken), reads=source)


async def _smaller_films(films: list[dict[str, str]], spec: OfficeSpec, bench: Workbench) -> dict[str, str]:
    """By part: the smaller file's name in the bench's folder; those that failed are left out."""
    smaller: dict[str, str] = {}
    for number, film in enumerate(films[:_MAX_FILMS]):
        target = f"smaller-{number}.mp4" if film["kind"] == "film" else f"smaller-{number}.m4a"
        embedded = Path(film["path"]).name
        args = (
            film_args(embedded, target, spec.film)
            if film["kind"] == "film"
            else sound_args(embedded, target, spec.sound)
        )
        try:
            await bench.ffmpeg(args, reads=(bench.folder / embedded,), deadline_s=_FILM_DEADLINE_S)
            smaller[film["part"]] = target
        except ToolFailed:
            await asyncio.to_thread((bench.folder / target).unlink, True)
        bench.progress(0.1 + 0.8 * (number + 1) / len(films))
    return smaller


def film_args(source: str, target: str, spec: CappedSpec) -> list[str]:
    """ffmpeg's arguments for a film that PowerPoint plays: H.264 and AAC in MP4, never enlarged."""
    read = ffmpeg.input(source)
    height = f"trunc(min({spec.max_height_px},ih)/2)*2"
    told = ffmpeg.output(
        read.video.filter("scale", "-2", height),
        read["a?"],
        target,
        **{"c:v": "libx264", "preset": "veryfast", "pix_fmt": "yuv420p", "fpsmax": spec.max_fps},
        **{"b:v": spec.video_bitrate_bps, "maxrate": spec.video_bitrate_bps, "bufsize": 4 * spec.video_bitrate_bps},
        **{"c:a": "aac", "b:a": spec.sound_bitrate_bps, "ac": 1, "ar": _SOUND_RATE_HZ},
        threads=1,
        map_metadata=-1,
        movflags="+faststart",
        f="mp4",
    )
    return list(told.get_args())


def sound_args(source: str, target: str, spec: SoundSpec) -> list[str]:
    """ffmpeg's arguments for a sound: AAC whatever the spec says, since PowerPoint knows no Opus."""
    told = ffmpeg.output(
        ffmpeg.input(source).audio,
        target,
        **{"c:a": "aac", "b:a": spec.bitrate_bps, "ac": 1, "ar": _SOUND_RATE_HZ, "map_metadata": -1, "f": "ipod"},
    )
    return list(told.get_args())


def _tidy(folder: Path) -> None:
    for path in (*folder.glob("embedded-*"), *folder.glob("smaller-*")):
        path.unlink(missing_ok=True)
