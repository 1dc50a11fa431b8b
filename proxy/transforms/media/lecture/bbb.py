"""A BigBlueButton recording into a slidecast: its own deck with what was drawn on it, its sound, captions and chat.

Laws of this file: slides come from the deck and never from film, but for shared screens, whose stills the detector
finds; what all of them take together has the budget of any lecture, of which the deck leaves shared screens the part of
their time; webcam pictures are left out; names of learners in the chat stay as the recording shows them to everybody
who may see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.lecture import model, parts
from proxy.transforms.media.lecture.budget import budget_bytes
from proxy.transforms.media.lecture.compose import drawn, finished, found_in
from proxy.transforms.media.lecture.parts import SideText
from proxy.transforms.media.lecture.stills import wanted
from proxy.transforms.media.lecture.values import Shot
from proxy.transforms.media.lecture.verdict import Why
from proxy.transforms.media.lecture.workers import Drawing, drawing_from
from proxy.transforms.media.probe import probe
from proxy.transforms.media.spec import MediaOutcome, SlidecastSpec, ToolFailed, Workbench

# What is fetched of a recording beside what describes it: the first of each group that is there.
SOUNDS = ("video/webcams.webm", "video/webcams.mp4", "audio/audio.webm", "audio/audio.ogg", "audio/audio.mp3")
SHARES = ("deskshare/deskshare.webm", "deskshare/deskshare.mp4")
_DRAWN, _SHARED = 0.3, 0.6
_MIN_SHOT_S = 2.0


async def make_bbb_slidecast(recording: Path, spec: SlidecastSpec, bench: Workbench) -> MediaOutcome:
    """Make `lecture.json` and what it names from a folder that holds the recording's files under their own names.

    Refused: "not-a-recording", "no-sound-no-slides". Unchanged: "not-smaller". Raises ToolFailed.
    """
    numbers = (spec.slide_width_px, spec.slide_quality, spec.max_slides, spec.slides_bytes_per_minute)
    shared = _first(recording, SHARES) is not None
    args = [str(recording), str(bench.folder), *map(str, numbers), str(int(shared))]
    answer = await bench.python(f"{__package__}.bbb_draw", args, reads=[recording], deadline_s=600.0)
    drawing = drawing_from(answer)
    if drawing is None:
        return Refused(why="not-a-recording")
    bench.progress(_DRAWN)
    with bench.until(_SHARED):
        slides = _in_order((*drawing.slides, *await _shared(recording, drawing, spec, bench)))
    sound, sound_s = await _sound(recording, spec, bench)
    if not slides and not sound:
        return Refused(why="no-sound-no-slides")
    lecture = model.Lecture(
        title=drawing.title,
        duration_s=round(max(drawing.duration_s, sound_s), 2),
        verdict=model.SLIDES if slides else Why.NO_CHANGES.value,
        form=model.SLIDES if slides else model.SOUND_POSTER,
        slides=slides,
        sound=sound,
        captions=await _captions(recording, drawing, bench),
        chat=tuple(model.ChatLine(at_s=at_s, name=name, text=text) for at_s, name, text in drawing.chat),
    )
    made = await asyncio.to_thread(finished, lecture, bench.folder)
    source_bytes = await asyncio.to_thread(_bytes_of, recording)
    return made if made.length_bytes < source_bytes else Unchanged(why="not-smaller")


async def _shared(recording: Path, drawing: Drawing, spec: SlidecastSpec, bench: Workbench) -> tuple[model.Slide, ...]:
    """Stills of the periods in which a screen was shared; () where that film is missing or can't be read."""
    film = _first(recording, SHARES)
    if film is None or not drawing.shares_s:
        return ()
    try:
        info = await probe(film, bench)
        detected = await found_in(film, info, spec, bench)
        shots = _within(detected.shots, drawing.shares_s)
        stills = wanted(shots)[: max(0, spec.max_slides - drawing.files)]
        if info.video is None or not stills:
            return ()
        first, budget = drawing.files + 1, _left_bytes(drawing, spec)
        made = await drawn(film, info, stills, spec, bench, sharpest=False, first=first, budget=budget)
    except ToolFailed:
        return ()
    return tuple(
        model.Slide(
            n=0,
            at_s=round(shot.at_s, 2),
            until_s=round(shot.until_s, 2),
            file=made[shot.picture].file,
            width=made[shot.picture].width,
            height=made[shot.picture].height,
            bytes=made[shot.picture].bytes,
            steps_s=tuple(shot.steps_s),
        )
        for shot in shots
        if shot.picture in made
    )


def _left_bytes(drawing: Drawing, spec: SlidecastSpec) -> int:
    """What the deck left of the budget of all slides."""
    deck = {slide.file: slide.bytes for slide in drawing.slides}
    return max(0, budget_bytes(spec.slides_bytes_per_minute, drawing.duration_s) - sum(deck.values()))


def _within(shots: Sequence[Shot], shares_s: Sequence[tuple[float, float]]) -> list[Shot]:
    """The parts of the shots that lie in periods of sharing; outside them the film is blank."""
    cut: list[Shot] = []
    for begin_s, end_s in shares_s:
        for shot in shots:
            at_s, until_s = max(shot.at_s, begin_s), min(shot.until_s, end_s)
            if until_s - at_s >= _MIN_SHOT_S:
                still_from_s, still_until_s = max(shot.still_from_s, at_s), min(shot.still_until_s, until_s)
                steps = [step for step in shot.steps_s if at_s < step < until_s]
                cut.append(
                    replace(
                        shot,
                        at_s=at_s,
                        until_s=until_s,
                        still_from_s=still_from_s,
                        still_until_s=still_until_s,
                        steps_s=steps,
                    )
                )
    return cut


def _in_order(slides: Sequence[model.Slide]) -> tuple[model.Slide, ...]:
    """Numbered in the order of time, neighbours with one picture as one, each until the next at the latest."""
    rows: list[model.Slide] = []
    for slide in sorted(slides, key=lambda one: one.at_s):
        if rows and rows[-1].file == slide.file:
            rows[-1] = replace(rows[-1], until_s=slide.until_s, steps_s=rows[-1].steps_s + slide.steps_s)
            continue
        if rows and rows[-1].until_s > slide.at_s:
            rows[-1] = replace(rows[-1], until_s=slide.at_s)
        rows.append(replace(slide, n=len(rows) + 1))
    return tuple(rows)


async def _sound(recording: Path, spec: SlidecastSpec, bench: Workbench) -> tuple[tuple[model.Sound, ...], float]:
    for name in SOUNDS:
        source = recording / name
        if not source.is_file():
            continue
        try:
            info = await probe(source, bench)
            made = await parts.sounds(source, info, spec, bench)
        except ToolFailed:
            continue
        if made:
            return made, info.duration_s or 0.0
    return (), 0.0


async def _captions(recording: Path, drawing: Drawing, bench: Workbench) -> tuple[model.Captions, ...]:
    texts = [
        SideText(path=recording / f"caption_{locale}.vtt", lang=locale.replace("_", "-"), label=label)
        for locale, label in drawing.captions
    ]
    return await parts.beside(bench, [text for text in texts if text.path.is_file()])


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
