"""Films and sound: bytes, processor time and the wait for the first picture, by recipe, with each ffmpeg here."""

from __future__ import annotations

import asyncio
import importlib
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from bench.suite import Report, Table, Target
from proxy.transforms.media.growing import WholeFile, make_capped_growing
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.sound import make_sound_growing
from proxy.transforms.media.spec import CappedSpec, HlsSpec, MediaMade, Recipe, SlidecastSpec, SoundSpec
from proxy.transforms.media.tools import Tool, find_ffmpeg
from proxy.transforms.media.workbench import Bench

METHOD = (
    "method: two films made here, 1280x720, H.264 and AAC at 128 kbit/s: `lecture` ({lecture} s, a new slide every\n"
    "15 s, a moving inset with grain, a tone with pauses) and `film` ({film} s, a zoom with grain over the\n"
    "whole frame, at most 2 Mbit/s). Each recipe as the proxy runs it, jail, probing and checks included; CPU is what\n"
    "the kernel counts of all children; x = seconds of media per second of CPU, one thread. First fragment: from\n"
    "asking to the first whole `moof` and the head of its `mdat`, source on disk or fed at 20 Mbit/s; median of\n"
    "{rounds}. ffmpeg: {tools}."
)
_FED_BPS = 20_000_000
_SLIDE_S = 15
_CLUSTER = bytes.fromhex("1f43b675")  # Matroska's element


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    length_bytes: int
    cpu_s: float
    wall_s: float


def run(*, quick: bool) -> Report:
    """Every recipe on both films."""
    lecture_s, film_s, rounds = (30, 10, 1) if quick else (120, 40, 3)
    tools = _tools(quick=quick)
    if not tools:
        return Report(suite="media", method="", left_out=("there is no ffmpeg that can do this",))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = {
            "lecture": (lecture_film(folder / "lecture.mp4", lecture_s, tools[0]), float(lecture_s)),
            "film": (_film(folder / "film.mp4", film_s, tools[0]), float(film_s)),
        }
        found = {
            (tool.version, sample, label): asyncio.run(_measured(tool, source, label))
            for tool in tools
            for sample, (source, _) in samples.items()
            for label in _RECIPES
            if not (sample == "film" and label == "slidecast")
        }
        firsts = {tool.version: asyncio.run(_first_fragments(tool, samples, rounds)) for tool in tools}
        sizes = {sample: source.stat().st_size for sample, (source, _) in samples.items()}
    lengths = {sample: length_s for sample, (_, length_s) in samples.items()}
    told = ", ".join(tool.version for tool in tools)
    return Report(
        suite="media",
        method=METHOD.format(lecture=lecture_s, film=film_s, rounds=rounds, tools=told),
        tables=(_bytes_table(found, sizes, tools[0]), _pace_table(found, lengths), _first_table(firsts)),
        targets=tuple(_targets(found, sizes, lengths, firsts, tools[0])),
        left_out=() if len(tools) > 1 or quick else ("the other ffmpeg: only one is fit here",),
    )


# -- what is measured ------------------------------------------------------------------------------------------

_RECIPES = {
    "capped 240p": (Recipe.CAPPED, CappedSpec()),
    "sound 16k": (Recipe.AUDIO, SoundSpec()),
    "sound 12k": (Recipe.AUDIO, SoundSpec(bitrate_bps=12_000)),
    "hls 240p": (Recipe.HLS, HlsSpec()),
    "slidecast": (Recipe.SLIDECAST, SlidecastSpec(fallback_sound=False)),
}
_Found = dict[tuple[str, str, str], _Result]


async def _measured(tool: Tool, source: Path, label: str) -> _Result:
    recipe, spec = _RECIPES[label]
    runner = MediaRunner(tool)

    async def work(folder: Path) -> int:
        if isinstance(spec, HlsSpec):
            outcome = await runner.whole_hls(source, spec, folder)
        else:
            outcome = await runner.run(recipe, source, spec, folder)
        if not isinstance(outcome, MediaMade):
            raise RuntimeError(f"{label} of {source.name}: {outcome}")
        return outcome.length_bytes

    return await _timed(work)


async def _timed(work: Callable[[Path], Awaitable[int]]) -> _Result:
    with tempfile.TemporaryDirectory() as name:
        before, started_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        length_bytes = await work(Path(name))
        after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started_s
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Result(length_bytes=length_bytes, cpu_s=cpu_s, wall_s=wall_s)


class _Fed(WholeFile):
    """A file that arrives at _FED_BPS from the moment of its first being waited for."""

    complete = False
    _began_s: float | None = None

    async def wait_for(self, nbytes: int) -> int:
        if self._began_s is None:
            self._began_s = time.monotonic()
        while True:
            there = min(self._length, int((time.monotonic() - self._began_s) * _FED_BPS / 8))
            if there >= min(nbytes, self._length):
                return there
            await asyncio.sleep(0.01)


# (bench, on_output) -> the making of something that is handed out while it is made
_Making = Callable[[Bench, Callable[[bytes], None]], Awaitable[object]]


async def _first_fragments(tool: Tool, samples: dict[str, tuple[Path, float]], rounds: int) -> dict[str, list[float]]:
    """Seconds to the first fragment of pictures or cluster of sound, by sample and feed."""
    found: dict[str, list[float]] = {}
    for sample, (source, _) in samples.items():
        for way, kind in (("on disk", WholeFile), ("fed", _Fed)):
            found[f"{sample}, {way}"] = [await _first(tool, _film_of(kind(source)), _shows) for _ in range(rounds)]
        found[f"{sample}, sound, on disk"] = [await _first(tool, _sound_of(source), _sounds) for _ in range(rounds)]
    return found


def _film_of(feed: WholeFile) -> _Making:
    return lambda bench, take: make_capped_growing(feed, CappedSpec(), bench, on_output=take)


def _sound_of(source: Path) -> _Making:
    return lambda bench, take: make_sound_growing(source, SoundSpec(), bench, on_output=take)


def _shows(body: bytearray) -> bool:
    """A whole `moof` and the head of its `mdat`."""
    return b"moof" in body and len(body) > body.find(b"mdat", body.index(b"moof")) + 4 > body.index(b"moof")


def _sounds(body: bytearray) -> bool:
    """The head of WebM's first cluster and the first of its blocks."""
    at = body.find(_CLUSTER)
    return at >= 0 and len(body) > at + 200


async def _first(tool: Tool, making: _Making, seen: Callable[[bytearray], bool]) -> float:
    started_s, at_s = time.monotonic(), 0.0
    body, enough = bytearray(), asyncio.Event()

    def take(piece: bytes) -> None:
        nonlocal at_s
        body.extend(piece)
        if not enough.is_set() and seen(body):
            at_s = time.monotonic() - started_s
            enough.set()

    with tempfile.TemporaryDirectory() as name:
        work = asyncio.ensure_future(making(Bench(Path(name), tool), take))
        await asyncio.wait((work, asyncio.ensure_future(enough.wait())), return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return at_s


# -- what is told ----------------------------------------------------------------------------------------------


def _bytes_table(found: _Found, sizes: dict[str, int], tool: Tool) -> Table:
    rows = [
        (f"{sample}, {label}", result.length_bytes / 1e3, 100 * result.length_bytes / sizes[sample])
        for (version, sample, label), result in found.items()
        if version == tool.version
    ]
    originals = [(f"{sample}, original", size / 1e3, 100.0) for sample, size in sizes.items()]
    return Table(title="Bytes", head=("", "kB", "% of the original"), rows=(*originals, *rows))


def _pace_table(found: _Found, lengths: dict[str, float]) -> Table:
    rows = tuple(
        (f"{sample}, {label}, {version}", lengths[sample] / r.cpu_s, r.cpu_s, r.wall_s)
        for (version, sample, label), r in found.items()
    )
    return Table(title="Pace on one core", head=("", "x real time (CPU)", "CPU s", "wall s"), rows=rows)


def _first_table(firsts: dict[str, dict[str, list[float]]]) -> Table:
    rows = tuple(
        (f"{what}, {version}", sorted(times)[len(times) // 2], max(times))
        for version, by_way in firsts.items()
        for what, times in by_way.items()
    )
    return Table(
        title="First fragment of a cold 240p film, or cluster of sound", head=("", "median s", "worst s"), rows=rows
    )


def _targets(
    found: _Found,
    sizes: dict[str, int],
    lengths: dict[str, float],
    firsts: dict[str, dict[str, list[float]]],
    tool: Tool,
) -> list[Target]:
    def pace(label: str) -> float:
        return min(lengths[sample] / found[tool.version, sample, label].cpu_s for sample in sizes)

    def share(label: str) -> float:
        return 100 * found[tool.version, "lecture", label].length_bytes / sizes["lecture"]

    first_s = max(sorted(times)[len(times) // 2] for times in firsts[tool.version].values())
    return [
        Target("240p, x real time per core, the slower film", pace("capped 240p"), 8, at_least=True),
        Target("sound, x real time per core, the slower film", pace("sound 16k"), 40, at_least=True),
        Target("sound alone, % of the lecture", share("sound 16k"), 3),
        Target("slidecast, % of the lecture", share("slidecast"), 6),
        Target("first fragment, s, the slowest way", first_s, 2),
    ]


# -- films -----------------------------------------------------------------------------------------------------


def _tools(*, quick: bool) -> list[Tool]:
    first = find_ffmpeg()
    if first is None:
        return []
    try:
        other = Path(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return [first]
    return [first] if quick or other == first.ffmpeg else [first, Tool(ffmpeg=other, ffprobe=None, version="imageio's")]


_OUT = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart")
_VOICE = (
    "aevalsrc='0.3*sin(2*PI*(170+30*sin(5*t))*t)*(0.5+0.5*sin(2*PI*3.1*t))*lt(mod(t,3.7),2.9)"
    "+0.05*(random(0)-0.5)':s=44100:d={seconds}"
)


def lecture_film(path: Path, seconds: int, tool: Tool, *, slide_s: int = _SLIDE_S, fps: int = 25) -> Path:
    """Very full slides of text, a moving grainy inset, and a voice."""
    for number in range(-(-seconds // slide_s)):
        _slide(number).save(path.with_name(f"slide-{number}.png"))
    slides = ("-framerate", f"1/{slide_s}", "-i", str(path.with_name("slide-%d.png")))
    inset = ("-f", "lavfi", "-i", f"testsrc2=s=320x240:r={fps}:d={seconds},noise=alls=12:allf=t")
    graph = f"[0]fps={fps},noise=alls=2:allf=t[slides];[slides][1]overlay=930:450[v]"
    voice = ("-f", "lavfi", "-i", _VOICE.format(seconds=seconds))
    maps = ("-filter_complex", graph, "-map", "[v]", "-map", "2:a", "-t", str(seconds))
    return _written(tool, (*slides, *inset, *voice, *maps, *_OUT, "-crf", "22", "-c:a", "aac", "-b:a", "128k"), path)


def _slide(number: int) -> Image.Image:
    drawing = random.Random(number)
    slide = Image.new("RGB", (1280, 720), (250, 249, 244))
    draw = ImageDraw.Draw(slide)
    for line in range(9):
        words = " ".join("".join(drawing.choices("abcdefghiklmnoprstuvz", k=drawing.randint(2, 9))) for _ in range(6))
        draw.text((70, 50 + 66 * line), words, fill=(30, 30, 60), font_size=54 if line == 0 else 34)
    return slide


def _film(path: Path, seconds: int, tool: Tool) -> Path:
    video = f"mandelbrot=s=1280x720:r=25:maxiter=300:end_scale=0.001,noise=alls=5:allf=t,trim=duration={seconds}"
    given = ("-f", "lavfi", "-i", video, "-f", "lavfi", "-i", _VOICE.format(seconds=seconds), "-t", str(seconds))
    rate = ("-b:v", "1600k", "-maxrate", "2000k", "-bufsize", "4000k", "-c:a", "aac", "-b:a", "128k")
    return _written(tool, (*given, *_OUT, *rate), path)


def _written(tool: Tool, args: tuple[str, ...], path: Path) -> Path:
    subprocess.run([tool.ffmpeg, "-v", "error", "-nostdin", "-y", *args, str(path)], check=True)
    return path
