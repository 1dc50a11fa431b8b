"""A film of a lecture into a folder of slides, sound and captions: `make_slidecast`.

Laws of this file: it reads like a table of contents; a film that isn't slides becomes sound and one poster, and says so
(`verdict`); nothing is left in the folder but what lecture.json names.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.jail import WATCHING
from proxy.transforms.media.lecture import model, parts, workers
from proxy.transforms.media.lecture.budget import budget_bytes
from proxy.transforms.media.lecture.bundle import FOLDER, BadBundle, is_bundle, unbundle
from proxy.transforms.media.lecture.flow import Run, through_pipes
from proxy.transforms.media.lecture.parts import SideText
from proxy.transforms.media.lecture.stills import Still, poster_still, readings, wanted
from proxy.transforms.media.lecture.values import Drawn, Shot, fitted_px
from proxy.transforms.media.lecture.verdict import Detected
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import MediaMade, MediaOutcome, SlidecastSpec, Workbench

VERSION = 4
MAIN = "lecture.json"
CONTENT_TYPE = "application/json"
_MODULE = "proxy.transforms.media.lecture"
# Frames that no other one is built on needn't be decoded: half the work, and two a second are looked at. A few encoders
# mark all frames so; then too little is seen, and the film is read in full.
_HURRIED, _SEEN_SHARE = ("-skip_frame", "noref"), 0.9
_SHAKEN_PX = 0.12  # of a 256 wide picture: half a pixel of a 1280 wide one
_MAX_RECORDING_BYTES = 4 << 30
_WATCHED, _DRAWN = 0.55, 0.8  # shares of the work


async def make_slidecast(
    source: Path, spec: SlidecastSpec, bench: Workbench, *, beside: Sequence[SideText] = ()
) -> MediaOutcome:
    """Make `lecture.json` and what it names. beside: captions that came with the film.

    Facts: the lecture's own JSON, with `form` "slides" or "sound-poster". Refused: "no-video", "no-sound-no-slides".
    Unchanged: "not-smaller". Raises ToolFailed. A bundle is a recording of BigBlueButton, which has a deck of its own.
    """
    if await asyncio.to_thread(_is_bundle, source):
        return await _of_recording(source, spec, bench)
    info = await probe(source, bench)
    if info.video is None:
        return Refused(why="no-video")
    with bench.until(_WATCHED):
        detected = await found_in(source, info, spec, bench)
    slides = await _slides(source, info, detected, spec, bench)
    bench.progress(_DRAWN)
    sound = await parts.sounds(source, info, spec, bench)
    if not sound and (detected.why or not slides):
        return Refused(why="no-sound-no-slides")
    lecture = model.Lecture(
        duration_s=round(max(detected.duration_s, info.duration_s or 0.0), 2),
        verdict=detected.why.value if detected.why else model.SLIDES,
        form=model.SOUND_POSTER if detected.why else model.SLIDES,
        slides=slides,
        sound=sound,
        captions=await parts.captions(source, info, bench, beside),
        chapters=parts.chapters(info),
    )
    made = await asyncio.to_thread(finished, lecture, bench.folder)
    return made if made.length_bytes < info.length_bytes else Unchanged(why="not-smaller")


def _is_bundle(source: Path) -> bool:
    with source.open("rb") as file:
        return is_bundle(file.read(512))


async def _of_recording(source: Path, spec: SlidecastSpec, bench: Workbench) -> MediaOutcome:
    from proxy.transforms.media.lecture.bbb import make_bbb_slidecast  # it stands on this file

    try:
        folder = await asyncio.to_thread(unbundle, source, bench.folder, max_bytes=_MAX_RECORDING_BYTES)
        return await make_bbb_slidecast(folder, spec, bench)
    except BadBundle:
        return Refused(why="damaged")
    except OSError:
        return Refused(why="unreadable")
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, bench.folder / FOLDER, True))


async def found_in(source: Path, info: MediaInfo, spec: SlidecastSpec, bench: Workbench) -> Detected:
    """The slides of the film, as the detector sees them. Raises ToolFailed."""
    detected = await _watched(source, info, spec, bench, _HURRIED)
    if detected.duration_s >= _SEEN_SHARE * (info.duration_s or 0.0):
        return detected
    return await _watched(source, info, spec, bench, ())


async def _watched(
    source: Path, info: MediaInfo, spec: SlidecastSpec, bench: Workbench, reading: Sequence[str]
) -> Detected:
    pipe = bench.folder / "frames.pipe"
    args = (
        *reading,
        "-i",
        str(source),
        "-map",
        "0:V:0",
        "-an",
        "-sn",
        "-dn",
        "-vf",
        workers.FILTER,
        "-f",
        "rawvideo",
        str(pipe),
    )
    answer = await through_pipes(
        bench,
        [Run(args=args, pipe=pipe.name, media_s=info.duration_s)],
        f"{_MODULE}.watch",
        [str(pipe), str(spec.max_slides)],
        source=source,
        deadline_s=bench.limits.deadline_s(info.duration_s, WATCHING),
    )
    return workers.detected_from(answer)


async def drawn(
    source: Path,
    info: MediaInfo,
    stills: Sequence[Still],
    spec: SlidecastSpec,
    bench: Workbench,
    *,
    sharpest: bool,
    first: int = 1,
    budget: int | None = None,
) -> dict[int, Drawn]:
    """The stills as files in `slides/`, numbered from `first`, by picture. Raises ToolFailed.

    budget: bytes of all together; None: what the film's length gives them
    """
    assert info.video is not None
    size = fitted_px(*info.video.shown_px, spec.slide_width_px)
    reading = readings(stills, source, size, bench.folder)
    plan = bench.folder / "plan.json"
    quality = spec.slide_quality
    if budget is None:
        budget = budget_bytes(spec.slides_bytes_per_minute, info.duration_s)
    plan.write_text(
        workers.plan_json(reading, size, quality=quality, budget_bytes=budget, sharpest=sharpest, first=first)
    )
    answer = await through_pipes(
        bench,
        [one.run for one in reading],
        f"{_MODULE}.draw",
        [str(plan)],
        source=source,
        deadline_s=bench.limits.deadline_s(info.duration_s, WATCHING),
    )
    plan.unlink()
    return workers.drawn_from(answer)


def finished(lecture: model.Lecture, folder: Path) -> MediaMade:
    """Write lecture.json and say what was made."""
    told = model.lecture_json(lecture)
    (folder / MAIN).write_bytes(told)
    named = [slide.file for slide in lecture.slides] + [sound.file for sound in lecture.sound]
    files = tuple(dict.fromkeys((MAIN, *named, *(text.file for text in lecture.captions))))
    return MediaMade(
        main=MAIN,
        content_type=CONTENT_TYPE,
        files=files,
        length_bytes=sum((folder / name).stat().st_size for name in files),
        duration_s=lecture.duration_s,
        facts=facts(lecture),
    )


def facts(lecture: model.Lecture) -> dict[str, Any]:
    """The lecture as JSON values, without what was said in the chat."""
    told = asdict(lecture)
    told["chat"] = len(lecture.chat)
    return {"version": model.VERSION, **told}


async def _slides(
    source: Path, info: MediaInfo, detected: Detected, spec: SlidecastSpec, bench: Workbench
) -> tuple[model.Slide, ...]:
    if detected.why is not None:
        poster = await drawn(source, info, [poster_still(detected.duration_s)], spec, bench, sharpest=True)
        shots: tuple[Shot, ...] = (Shot(at_s=0.0, until_s=detected.duration_s),)
        return slide_rows(shots, poster)
    made = await drawn(source, info, wanted(detected.shots), spec, bench, sharpest=detected.shaken_px > _SHAKEN_PX)
    return slide_rows(detected.shots, made)


def slide_rows(shots: Sequence[Shot], made: dict[int, Drawn]) -> tuple[model.Slide, ...]:
    """The slides in the order of time; one whose picture couldn't be had is left out, its time goes to the one
    before."""
    rows: list[model.Slide] = []
    for shot in shots:
        picture = made.get(shot.picture)
        if picture is None:
            continue
        row = model.Slide(
            n=len(rows) + 1,
            at_s=round(shot.at_s, 2) if rows else 0.0,
            until_s=round(shot.until_s, 2),
            file=picture.file,
            width=picture.width,
            height=picture.height,
            bytes=picture.bytes,
            steps_s=tuple(shot.steps_s),
        )
        rows.append(row)
    return tuple(rows)


__all__ = ["make_slidecast", "found_in", "drawn", "finished", "facts", "slide_rows"]
