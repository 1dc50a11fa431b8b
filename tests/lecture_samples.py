"""Labelled lectures: what happens on the screen is known to the frame, so that finding it can be marked.

Laws of this file: deterministic by seed; needs no network; a sample is drawn on demand, frame by frame, at any size and
instant, or written once as a film (ffmpeg, speech by espeak-ng where there is one).
"""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.lecture_pictures import (
    BASE_WIDTH,
    LOOKS,
    Picture,
    Slide,
    cursor,
    font_of,
    grainy,
    inset,
    photo,
    pointer,
    shake_at,
    shaken,
    speaker,
    words_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A slide by its label: it appears at at_s, is complete at full_s, and the picture number says which it is."""

    at_s: float
    full_s: float
    picture: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A lecture that can be drawn. changes is empty where the right answer is "not a slidecast"."""

    name: str
    duration_s: float
    changes: tuple[Change, ...]
    draw: Callable[[float, int, int], Picture]
    verdict: str = "slides"
    steps: int = 0  # builds within slides
    film_height_px: int = 720
    crf: int = 23

    def frame(self, at_s: float, width: int = 640, height: int = 360) -> Picture:
        return self.draw(at_s, width, height)


# Plans of whole lectures


@dataclass(slots=True)
class Plan:
    """Slides one after the other, with what lies over them."""

    seed: int
    duration_s: float
    shortest_s: float = 8
    longest_s: float = 16
    kinds: tuple[str, ...] = ("text", "photo", "chart", "table", "text")
    build_s: float | None = None  # seconds between bullets; None: slides come complete
    fade_s: float = 0.0
    same_title: bool = False
    returning: bool = False
    overlays: list[Callable[[Picture, float], None]] = field(default_factory=list)
    camera: list[Callable[[Picture, float], Picture]] = field(default_factory=list)
    shown: list[tuple[float, Slide]] = field(default_factory=list)

    def laid_out(self) -> Plan:
        rng = random.Random(self.seed)
        look = LOOKS[self.seed % len(LOOKS)]
        at_s, number = 0.0, 0
        while at_s < self.duration_s - self.shortest_s:
            kind = self.kinds[number % len(self.kinds)]
            lines = rng.randint(3, 6)
            title = "One title for all" if self.same_title else ""
            slide = Slide(self.seed * 100 + number, kind, look, lines, title)
            if self.returning and number % 4 == 3:
                slide = self.shown[-2][1]
            self.shown.append((at_s, slide))
            length = rng.uniform(self.shortest_s, self.longest_s)
            if self.build_s and slide.kind == "text":
                length = max(length, self.build_s * slide.lines + 4)
            at_s += round(length, 1)
            number += 1
        return self

    def changes(self) -> tuple[Change, ...]:
        known: dict[Slide, int] = {}
        return tuple(
            Change(at_s=at_s, full_s=self._full_s(at_s, slide), picture=known.setdefault(slide, len(known)))
            for at_s, slide in self.shown
        )

    def _full_s(self, at_s: float, slide: Slide) -> float:
        if self.build_s and slide.kind == "text":
            return at_s + self.build_s * (slide.lines - 1)
        return at_s + self.fade_s

    def steps(self) -> int:
        return sum(slide.lines - 1 for _, slide in self.shown if slide.kind == "text") if self.build_s else 0

    def draw(self, at_s: float, width: int, height: int) -> Picture:
        index = max(i for i, (start, _) in enumerate(self.shown) if start <= at_s or i == 0)
        frame = self._slide(index, at_s, width, height)
        since = at_s - self.shown[index][0]
        if self.fade_s and index and since < self.fade_s:
            before = self._slide(index - 1, at_s, width, height)
            frame = np.array(Image.blend(Image.fromarray(before), Image.fromarray(frame), since / self.fade_s))
        for overlay in self.overlays:
            overlay(frame, at_s)
        for move in self.camera:
            frame = move(frame, at_s)
        return frame

    def _slide(self, index: int, at_s: float, width: int, height: int) -> Picture:
        start, slide = self.shown[index]
        lines = None
        if self.build_s and slide.kind == "text":
            lines = min(slide.lines, 1 + int((at_s - start) / self.build_s))
        return np.array(slide.paint(width, height, lines))

    def sample(self, name: str, **more: object) -> Sample:
        self.laid_out()
        values = {"verdict": "slides", "film_height_px": 720, "crf": 23, **more}
        return Sample(
            name=name, duration_s=self.duration_s, changes=self.changes(), draw=self.draw, steps=self.steps(), **values
        )  # type: ignore[arg-type]


def clean(seed: int, duration_s: float) -> Sample:
    return Plan(seed, duration_s, returning=True).sample("clean")


def same_title(seed: int, duration_s: float) -> Sample:
    return Plan(seed, duration_s, same_title=True, kinds=("text", "text", "table")).sample("same title")


def with_speaker(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s)
    wide = 260 + 80 * (seed % 3)
    box = (1280 - wide - 10, 720 - wide * 3 // 4 - 10, wide, wide * 3 // 4)
    plan.overlays = [
        inset(seed, box),
        lambda frame, at_s: pointer(frame, at_s, lasts_s=6 + seed % 4, every_s=30),
        lambda frame, at_s: cursor(frame, at_s, seed),
    ]
    plan.camera = [lambda frame, at_s: grainy(frame, int(at_s * 50), 2.0)]
    return plan.sample("speaker, pointer, cursor")


def bullets(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, build_s=3.0 + seed % 3, kinds=("text", "text", "chart"))
    plan.overlays = [inset(seed, (1010, 520, 260, 190))]
    return plan.sample("bullet builds")


def fades(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, fade_s=1.5)
    plan.overlays = [inset(seed, (1010, 520, 260, 190))]
    return plan.sample("cross-fades")


def shake(seed: int, duration_s: float, amplitude_px: float) -> Sample:
    plan = Plan(seed, duration_s)
    plan.overlays = [inset(seed, (1000, 510, 260, 190))]
    plan.camera = [
        lambda frame, at_s: shaken(frame, at_s, amplitude_px, seed),
        lambda frame, at_s: grainy(frame, int(at_s * 50), 2.0),
    ]
    return plan.sample(f"shake {amplitude_px:g} px")


def drift(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s)
    plan.overlays = [inset(seed, (1010, 520, 260, 190))]

    def dim(frame: Picture, at_s: float) -> Picture:
        gain = 0.94 + 0.06 * math.sin(at_s * 2 * math.pi / (25 + seed % 10))
        return (frame * np.float32(gain)).astype(np.uint8)

    plan.camera = [dim, lambda frame, at_s: grainy(frame, int(at_s * 50), 1.5)]
    return plan.sample("brightness drift")


def looping_chart(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, longest_s=22)

    def loop(frame: Picture, at_s: float) -> None:
        index = max(i for i, (start, _) in enumerate(plan.shown) if start <= at_s)
        if index % 2:
            return
        scale = frame.shape[1] / BASE_WIDTH
        hold = 1.0 if seed % 2 else 0.4  # some animations step, some run
        step = math.floor(at_s / hold)
        for bar in range(5):
            tall = round((120 + 110 * math.sin(step * 1.1 + bar)) * scale)
            left = round((760 + 80 * bar) * scale)
            frame[round(620 * scale) - tall : round(620 * scale), left : left + round(50 * scale)] = (
                190,
                70 + 20 * bar,
                40,
            )

    plan.overlays = [loop]
    return plan.sample("looping chart")


def embedded_clip(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, shortest_s=10, longest_s=24, kinds=("text", "chart", "table"))

    def clip(frame: Picture, at_s: float) -> None:
        index = max(i for i, (start, _) in enumerate(plan.shown) if start <= at_s)
        if index % 3 != 1:
            return
        scale = frame.shape[1] / BASE_WIDTH
        since = at_s - plan.shown[index][0]
        left, top, wide, tall = (round(number * scale) for number in (620, 140, 600, 440))
        playing = max(0.0, min(since - 3.0, 11.0))  # stands, plays, stands
        scene = int(playing // 4)
        whole = photo(seed * 7 + scene, wide * 2, tall)
        offset = int((playing % 4) / 4 * wide)
        frame[top : top + tall, left : left + wide] = np.asarray(whole)[:, offset : offset + wide]

    plan.overlays = [clip]
    return plan.sample("embedded clip")


def low_quality(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, build_s=4.0, kinds=("text", "photo", "chart", "text"))
    plan.overlays = [inset(seed, (1010, 520, 260, 190)), lambda frame, at_s: pointer(frame, at_s)]
    plan.camera = [lambda frame, at_s: grainy(frame, int(at_s * 50), 3.0)]
    return plan.sample("240p copy", film_height_px=240, crf=36)


def busy(seed: int, duration_s: float) -> Sample:
    """Several troubles at once: speaker, builds, fades, a little shake, drift."""
    plan = Plan(seed, duration_s, build_s=4.0, fade_s=0.6, kinds=("text", "photo", "chart", "text", "table"))
    plan.overlays = [
        inset(seed, (960, 480, 310, 230)),
        lambda frame, at_s: pointer(frame, at_s, lasts_s=10, every_s=30),
    ]
    plan.camera = [
        lambda frame, at_s: shaken(frame, at_s, 2, seed),
        lambda frame, at_s: (frame * np.float32(0.96 + 0.04 * math.sin(at_s / 6))).astype(np.uint8),
        lambda frame, at_s: grainy(frame, int(at_s * 50), 2.5),
    ]
    return plan.sample("several at once")


# Not slides in the first place, or not at all


def screencast(seed: int, duration_s: float) -> Sample:
    """An editor: a page is typed line by line, then the window scrolls on to the next; now and then another window."""
    rng = random.Random(seed)
    starts: list[float] = [0.0]
    while starts[-1] + 16 < duration_s:
        starts.append(starts[-1] + round(rng.uniform(13, 20), 1))
    starts = [start for start in starts if start < duration_s - 8]
    lines_on_page = 14

    def page(number: int, typed: int, width: int, height: int) -> Picture:
        return np.array(_code_page(seed, number, typed, width, height))

    def draw(at_s: float, width: int, height: int) -> Picture:
        index = max(i for i, start in enumerate(starts) if start <= at_s)
        since = at_s - starts[index]
        # A page begins with two lines; letters appear at a typist's pace.
        typed = 40 + int(since * 11)
        frame = page(index, typed, width, height)
        if index and since < 0.9:
            before = page(index - 1, 10_000, width, height)
            moved = round(since / 0.9 * height * 0.9)
            joined = np.concatenate((before, frame))
            frame = joined[moved : moved + height] if index % 3 else frame
        frame = frame.copy()
        if int(at_s * 2) % 2:
            scale = width / BASE_WIDTH
            line = min(lines_on_page - 1, typed // 34)
            top, left = round((60 + 44 * line) * scale), round((60 + typed % 34 * 19) * scale)
            frame[top : top + round(34 * scale), left : left + max(1, round(3 * scale))] = 200
        cursor(frame, at_s, seed)
        return frame

    ends = [*starts[1:], duration_s]
    changes = tuple(
        Change(at_s=start, full_s=end - 0.5, picture=i) for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    return Sample(name="screencast", duration_s=duration_s, changes=changes, draw=draw)


@lru_cache(maxsize=48)
def _code_page(seed: int, number: int, typed: int, width: int, height: int) -> Image.Image:
    rng = random.Random(seed * 31 + number)
    scale = width / BASE_WIDTH
    dark = number % 3 != 2
    image = Image.new("RGB", (width, height), (30, 32, 36) if dark else (246, 246, 246))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 36 * scale), fill=(70, 74, 84))
    left = typed
    for line in range(14):
        text = "  " * rng.randint(0, 3) + words_of(rng, 5).lower()
        text, left = text[: min(34, max(0, left))], left - 34
        draw.text(
            (60 * scale, (60 + 44 * line) * scale),
            text,
            fill=(200, 220, 170) if dark else (20, 30, 80),
            font=font_of(round(30 * scale)),
        )
    return image


def filmed_board(seed: int, duration_s: float) -> Sample:
    """A camera that follows a person before a board."""

    def draw(at_s: float, width: int, height: int) -> Picture:
        scale = width / BASE_WIDTH
        wide, tall = round(2000 * scale), round(900 * scale)
        board = _board(seed, wide, tall).copy()
        draw_on = ImageDraw.Draw(board)
        lines = int(at_s / 9)
        rng = random.Random(seed)
        for line in range(lines):
            x, y = rng.randint(100, 1300), 80 + 70 * (line % 9)
            draw_on.text(
                (x * scale, y * scale), words_of(rng, 2), fill=(230, 235, 225), font=font_of(round(46 * scale))
            )
        walk = 0.5 + 0.35 * math.sin(at_s / 7 + seed)
        x = walk * wide
        draw_on.ellipse((x - 60 * scale, 200 * scale, x + 60 * scale, 340 * scale), fill=(210, 170, 150))
        arm = math.sin(at_s * 1.9) * 60 * scale
        draw_on.rectangle((x - 110 * scale, 330 * scale, x + 110 * scale, 900 * scale), fill=(70, 60, 90))
        draw_on.line((x, 400 * scale, x + 220 * scale, 300 * scale + arm), fill=(70, 60, 90), width=round(50 * scale))
        follow = 0.5 + 0.3 * math.sin(at_s / 7 + seed - 0.4)
        jitter = shake_at(at_s, seed)
        left = follow * (wide - width) + 3 * scale * jitter[0]
        top = 90 * scale + 3 * scale * jitter[1]
        view = board.transform(
            (width, height), Image.Transform.AFFINE, (1, 0, left, 0, 1, top), Image.Resampling.BILINEAR
        )
        return grainy(np.array(view), int(at_s * 50), 3.0)

    return Sample(name="filmed board", duration_s=duration_s, changes=(), draw=draw, verdict="filmed")


@lru_cache(maxsize=2)
def _board(seed: int, width: int, height: int) -> Image.Image:
    wall = photo(seed, width, height).point(lambda level: level // 4 + 120)
    draw = ImageDraw.Draw(wall)
    draw.rectangle(
        (width * 0.03, height * 0.05, width * 0.97, height * 0.8), fill=(40, 76, 60), outline=(130, 100, 70), width=6
    )
    return wall.filter(ImageFilter.GaussianBlur(0.6))


def talking_head(seed: int, duration_s: float) -> Sample:
    def draw(at_s: float, width: int, height: int) -> Picture:
        return speaker(seed, at_s, width, height)

    return Sample(name="talking head", duration_s=duration_s, changes=(), draw=draw, verdict="talking-head")


def one_picture(seed: int, duration_s: float) -> Sample:
    plan = Plan(seed, duration_s, shortest_s=duration_s, longest_s=duration_s + 1)
    plan.shown = [(0.0, Slide(seed, "text", LOOKS[0]))]

    def draw(at_s: float, width: int, height: int) -> Picture:
        frame = plan.draw(at_s, width, height)
        cursor(frame, at_s, seed)
        return frame

    return Sample(name="one picture", duration_s=duration_s, changes=(), draw=draw, verdict="no-changes")


def flicker(seed: int, duration_s: float) -> Sample:
    """Pictures that change every few seconds: a trailer, not a lecture."""
    plan = Plan(seed, duration_s, shortest_s=3.0, longest_s=5.0, kinds=("photo", "chart", "table"))
    made = plan.sample("ever new pictures")
    return Sample(name=made.name, duration_s=duration_s, changes=(), draw=made.draw, verdict="too-many-changes")


def every_sample(seed: int, duration_s: float) -> list[Sample]:
    """One of each kind. Other seeds also have other sizes, places and paces: samples held out from tuning."""
    return [
        clean(seed, duration_s),
        same_title(seed, duration_s),
        with_speaker(seed, duration_s),
        bullets(seed, duration_s),
        fades(seed, duration_s),
        shake(seed, duration_s, 2),
        shake(seed, duration_s, 8),
        drift(seed, duration_s),
        looping_chart(seed, duration_s),
        embedded_clip(seed, duration_s),
        low_quality(seed, duration_s),
        busy(seed, duration_s),
        screencast(seed, duration_s),
        filmed_board(seed, duration_s),
        talking_head(seed, duration_s),
        one_picture(seed, duration_s),
        flicker(seed, duration_s),
    ]


# Films


def frames_of(sample: Sample, fps: float, width: int, height: int) -> Iterator[Picture]:
    for number in range(round(sample.duration_s * fps)):
        yield sample.frame(number / fps, width, height)


def film(
    sample: Sample,
    path: Path,
    *,
    height_px: int | None = None,
    fps: int = 10,
    sound_bitrate: str = "96k",
    ffmpeg: str = "ffmpeg",
) -> Path:
    """Write the sample as H.264 and AAC in MP4 with spoken (or else hummed) sound; kept if it is already there."""
    if path.exists():
        return path
    height = height_px or sample.film_height_px
    draw_height = max(height, 360)
    width, draw_width = round(height * 16 / 9 / 2) * 2, round(draw_height * 16 / 9 / 2) * 2
    speech = spoken(path.parent, sample.duration_s)
    half = path.with_suffix(".half.mp4")
    args = [ffmpeg, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{draw_width}x{draw_height}"]
    args += ["-r", str(fps), "-i", "-", *speech, "-t", f"{sample.duration_s}", "-vf", f"scale={width}:{height}"]
    args += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(sample.crf), "-pix_fmt", "yuv420p", "-threads", "1"]
    args += ["-c:a", "aac", "-b:a", sound_bitrate, "-movflags", "+faststart", str(half)]
    with subprocess.Popen(args, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames_of(sample, fps, draw_width, draw_height):
            process.stdin.write(np.ascontiguousarray(frame).data)
        process.stdin.close()
    assert process.returncode == 0
    half.rename(path)
    return path


def spoken(folder: Path, duration_s: float) -> list[str]:
    """ffmpeg's input arguments for a voice of this length: espeak-ng where there is one, else a warbling tone."""
    talker = shutil.which("espeak-ng")
    if talker is None:
        return ["-f", "lavfi", "-i", f"aevalsrc=0.2*sin(2*PI*(180+60*sin(3*t))*t)*(0.6+0.4*sin(9*t)):d={duration_s}"]
    wave = folder / "speech.wav"
    if not wave.exists():
        rng = random.Random(5)
        text = ". ".join(words_of(rng, 9) for _ in range(40))
        subprocess.run([talker, "-w", str(wave), "-s", "150", text], check=True, capture_output=True)
    return ["-stream_loop", "-1", "-i", str(wave)]


# Marking


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How well slides were found: hits of the labelled changes, and what was found beside them."""

    labelled: int
    hits: int
    extra: int

    @property
    def recall(self) -> float:
        return self.hits / self.labelled if self.labelled else 1.0

    @property
    def extra_share(self) -> float:
        return self.extra / self.labelled if self.labelled else float(self.extra)


def marked(sample: Sample, found_s: list[float], tolerance_s: float = 2.0) -> Mark:
    """Match each labelled change with the nearest free found one within the tolerance."""
    free = sorted(found_s)
    hits = 0
    for change in sample.changes:
        near = [at_s for at_s in free if abs(at_s - change.at_s) <= tolerance_s]
        if near:
            hits += 1
            free.remove(min(near, key=lambda at_s: abs(at_s - change.at_s)))
    return Mark(labelled=len(sample.changes), hits=hits, extra=len(free))
