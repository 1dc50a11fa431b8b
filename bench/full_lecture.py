"""Forty-five minutes of slides as full as they come, under a voice with pauses and one without: what it weighs."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import tempfile
from pathlib import Path

from bench.media import lecture_film
from bench.suite import Report, Table, Target
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.spec import MediaMade, Recipe, SlidecastSpec
from proxy.transforms.media.tools import Tool, find_ffmpeg
from tests.media_samples import FFMPEG, speech

METHOD = (
    "method: a film made here, 1280x720, {seconds} s, a new slide of nine full lines every {slide_s} s (25 in ten\n"
    "minutes) with grain, a moving inset with grain, a tone with pauses; made as the proxy makes it. The voice that\n"
    "never pauses is speech out of which every silence of 20 ms was cut, as long, made by the same recipe. CPU is\n"
    "what the kernel counts of all children."
)
_SLIDE_S, _FPS = 24, 2


def run(*, quick: bool) -> Report:
    """One lecture. quick: of four minutes, of which nothing is asked."""
    tool, seconds = find_ffmpeg(), 240 if quick else 2700
    if tool is None:
        return Report(suite="full_lecture", method="", left_out=("there is no ffmpeg that can do this",))
    with tempfile.TemporaryDirectory() as name:
        source = lecture_film(Path(name) / "lecture.mp4", seconds, tool, slide_s=_SLIDE_S, fps=_FPS)
        before = _children_s()
        made = asyncio.run(_made(source, tool, Path(name) / "made"))
        cpu_s = _children_s() - before
        tireless = asyncio.run(_sound_bytes(_tireless(Path(name) / "voice.wav", seconds), tool, Path(name) / "sound"))
    slides = {slide["file"]: slide["bytes"] for slide in made.facts["slides"]}
    sound_bytes = made.facts["sound"][0]["bytes"]
    largest, whole_mb = max(slides.values()), made.length_bytes / 1e6
    tireless_mb = whole_mb + (tireless - sound_bytes) / 1e6
    rows: tuple[tuple[object, ...], ...] = (
        ("slides that there are, found", seconds / _SLIDE_S, len(slides)),
        ("all slides, the largest, kB", sum(slides.values()) / 1e3, largest / 1e3),
        ("sound, kB", sound_bytes / 1e3, ""),
        ("all, MB", whole_mb, ""),
        ("sound of a voice that never pauses, kB", tireless / 1e3, ""),
        ("all with it, MB", tireless_mb, ""),
        ("pace, x real time (CPU)", seconds / cpu_s, ""),
    )
    return Report(
        suite="full_lecture",
        method=METHOD.format(seconds=seconds, slide_s=_SLIDE_S),
        tables=(Table(title="A very full lecture", head=("", "", ""), rows=rows),),
        targets=(
            Target("MB of 45 minutes", None if quick else whole_mb, 6.0),
            Target("MB of 45 minutes of a voice that never pauses", None if quick else tireless_mb, 6.0),
        ),
    )


async def _made(source: Path, tool: Tool, folder: Path) -> MediaMade:
    folder.mkdir()
    spec = SlidecastSpec(fallback_sound=False)
    made = await MediaRunner(tool).run(Recipe.SLIDECAST, source, spec, folder)
    if not isinstance(made, MediaMade):
        raise RuntimeError(f"no slidecast: {made}")
    return made


def _tireless(path: Path, seconds: int) -> Path:
    """Speech without a pause."""
    cut = "silenceremove=stop_periods=-1:stop_duration=0.02:stop_threshold=-35dB"
    spoken = _converted(path.with_name("spoken.wav"), "-i", str(speech()), "-af", cut)
    return _converted(path, "-stream_loop", "-1", "-i", str(spoken), "-t", str(seconds))


def _converted(target: Path, *args: str) -> Path:
    subprocess.run([FFMPEG, "-v", "error", "-nostdin", "-y", *args, str(target)], check=True, timeout=600)
    return target


async def _sound_bytes(source: Path, tool: Tool, folder: Path) -> int:
    folder.mkdir()
    made = await MediaRunner(tool).run(Recipe.AUDIO, source, SlidecastSpec().sound, folder)
    if not isinstance(made, MediaMade):
        raise RuntimeError(f"no sound: {made}")
    return made.length_bytes


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
