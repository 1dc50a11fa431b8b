"""What labelled lectures are painted of: slides, a speaker, a pointer, a cursor, grain, a camera that shakes.

Law of this file: deterministic by seed; every picture is drawn at any size and instant it is asked for.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
_WORDS = [
    "lesson",
    "teacher",
    "village",
    "region",
    "method",
    "school",
    "learning",
    "pupil",
    "text",
    "reading",
    "water",
    "forest",
    "number",
    "measure",
    "graph",
    "island",
    "history",
    "question",
    "answer",
    "practice",
    "group",
    "project",
    "language",
    "river",
    "weather",
    "distance",
    "satellite",
    "course",
    "record",
    "example",
]
BASE_WIDTH = 1280  # everything is laid out for it


# Slides


@lru_cache(maxsize=64)
def font_of(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def words_of(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(count)).capitalize()


@dataclass(frozen=True, slots=True)
class Look:
    ground: tuple[int, int, int] = (250, 250, 248)
    ink: tuple[int, int, int] = (30, 32, 40)
    bar: tuple[int, int, int] = (30, 90, 140)


LOOKS = (
    Look(),
    Look((24, 30, 48), (235, 235, 225), (200, 120, 40)),
    Look((232, 240, 246), (20, 30, 60), (150, 40, 60)),
)


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide by its seed; kind: text, photo, chart, table. lines: how many bullets it has when complete."""

    seed: int
    kind: str
    look: Look
    lines: int = 6
    title: str = ""

    def paint(self, width: int, height: int, lines: int | None = None) -> Image.Image:
        return _painted(self, width, height, self.lines if lines is None else lines)


@lru_cache(maxsize=96)
def _painted(slide: Slide, width: int, height: int, lines: int) -> Image.Image:
    scale = width / BASE_WIDTH
    rng = random.Random(slide.seed)
    image = Image.new("RGB", (width, height), slide.look.ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 92 * scale), fill=slide.look.bar)
    title = slide.title or words_of(rng, 4)
    draw.text((40 * scale, 20 * scale), title, fill="white", font=font_of(round(44 * scale)))
    {"text": _bullets, "photo": _photo, "chart": _chart, "table": _table}[slide.kind](slide, image, draw, rng, lines)
    return image


def _bullets(slide: Slide, image: Image.Image, draw: ImageDraw.ImageDraw, rng: random.Random, lines: int) -> None:
    scale = image.width / BASE_WIDTH
    for line in range(slide.lines):
        text = "- " + words_of(rng, rng.randint(3, 6))
        if line < lines:
            draw.text(
                (60 * scale, (130 + 82 * line) * scale), text, fill=slide.look.ink, font=font_of(round(36 * scale))
            )


def _photo(slide: Slide, image: Image.Image, draw: ImageDraw.ImageDraw, rng: random.Random, lines: int) -> None:
    scale = image.width / BASE_WIDTH
    size = (round(900 * scale), round(560 * scale))
    image.paste(photo(slide.seed, *size), (round(60 * scale), round(120 * scale)))
    draw.text((980 * scale, 150 * scale), words_of(rng, 2), fill=slide.look.ink, font=font_of(round(30 * scale)))


def _chart(slide: Slide, image: Image.Image, draw: ImageDraw.ImageDraw, rng: random.Random, lines: int) -> None:
    scale = image.width / BASE_WIDTH
    for bar in range(9):
        tall = rng.randint(60, 480)
        left = (90 + 120 * bar) * scale
        colour = tuple(rng.randint(40, 200) for _ in range(3))
        draw.rectangle((left, (660 - tall) * scale, left + 80 * scale, 660 * scale), fill=colour)


def _table(slide: Slide, image: Image.Image, draw: ImageDraw.ImageDraw, rng: random.Random, lines: int) -> None:
    scale = image.width / BASE_WIDTH
    for row in range(7):
        top = (120 + 76 * row) * scale
        draw.line((50 * scale, top, 1230 * scale, top), fill=slide.look.ink, width=max(1, round(2 * scale)))
        for column in range(4):
            text = f"{words_of(rng, 1)} {rng.randint(1, 999)}"
            draw.text(
                ((60 + 295 * column) * scale, top + 18 * scale),
                text,
                fill=slide.look.ink,
                font=font_of(round(30 * scale)),
            )


@lru_cache(maxsize=16)
def photo(seed: int, width: int, height: int) -> Image.Image:
    """Something with the statistics of a photograph: blobs, gradients, grain."""
    rng = np.random.default_rng(seed)
    field = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((3, 90), (7, 50), (18, 30), (50, 16)):
        coarse = rng.normal(0, weight, (cells, round(cells * 1.6), 3)).clip(-255, 255)
        grid = Image.fromarray((coarse / 2 + 128).clip(0, 255).astype(np.uint8))
        field += np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), np.float32) - 128
    return Image.fromarray((field + 118).clip(0, 255).astype(np.uint8))


# What else moves on the screen


def inset(seed: int, box: tuple[int, int, int, int]) -> Callable[[Picture, float], None]:
    """A speaker in a box (base coordinates): head and shoulders that sway, over grain."""

    def put(frame: Picture, at_s: float) -> None:
        scale = frame.shape[1] / BASE_WIDTH
        left, top, wide, tall = (round(number * scale) for number in box)
        frame[top : top + tall, left : left + wide] = speaker(seed, at_s, wide, tall)

    return put


def speaker(seed: int, at_s: float, width: int, height: int) -> Picture:
    """A talking head: the background stands, the person never quite."""
    ground = photo(seed + 900, width, height).point(lambda level: level // 2 + 50)
    image = ground.copy()
    draw = ImageDraw.Draw(image)
    sway = math.sin(at_s * 1.3 + seed) * 0.05 + math.sin(at_s * 3.1) * 0.02
    nod = math.sin(at_s * 2.2 + 1) * 0.03
    x, y = (0.5 + sway) * width, (0.42 + nod) * height
    draw.ellipse((x - 0.42 * width, y + 0.25 * height, x + 0.42 * width, y + 1.2 * height), fill=(60, 70, 110))
    draw.ellipse((x - 0.16 * width, y - 0.28 * height, x + 0.16 * width, y + 0.24 * height), fill=(205, 165, 140))
    mouth = (math.sin(at_s * 9) + 1) * 0.02 * height
    draw.ellipse(
        (x - 0.06 * width, y + 0.1 * height - mouth, x + 0.06 * width, y + 0.12 * height + mouth), fill=(120, 50, 50)
    )
    hand = math.sin(at_s * 1.7 + 2 * seed)
    draw.ellipse(
        (x + 0.2 * width * hand, y + 0.5 * height, x + 0.2 * width * hand + 0.14 * width, y + 0.68 * height),
        fill=(200, 160, 135),
    )
    return grainy(np.asarray(image), seed + int(at_s * 25), 4.0)


def pointer(frame: Picture, at_s: float, *, lasts_s: float = 6, every_s: float = 40) -> None:
    """A laser's red spot that circles for a while, now and then."""
    phase = at_s % every_s
    if phase > lasts_s or at_s < 3:
        return
    scale = frame.shape[1] / BASE_WIDTH
    x = (500 + 260 * math.sin(at_s * 1.9)) * scale
    y = (380 + 120 * math.cos(at_s * 2.7)) * scale
    image = Image.fromarray(frame)
    ImageDraw.Draw(image).ellipse((x - 9 * scale, y - 9 * scale, x + 9 * scale, y + 9 * scale), fill=(240, 20, 30))
    frame[:] = np.asarray(image)


def cursor(frame: Picture, at_s: float, seed: int) -> None:
    """An arrow that rests for seconds and then goes elsewhere."""
    scale = frame.shape[1] / BASE_WIDTH
    leg, share = int(at_s // 7), min(1.0, (at_s % 7) / 0.8)
    here, there = (_rest(seed, number) for number in (leg, leg + 1))
    x, y = ((a + (b - a) * share) * scale for a, b in zip(here, there, strict=True))
    image = Image.fromarray(frame)
    arrow = [(x, y), (x, y + 26 * scale), (x + 7 * scale, y + 20 * scale), (x + 18 * scale, y + 20 * scale)]
    ImageDraw.Draw(image).polygon(arrow, fill=(0, 0, 0), outline=(255, 255, 255))
    frame[:] = np.asarray(image)


def _rest(seed: int, leg: int) -> tuple[int, int]:
    rng = random.Random(seed * 1000 + leg)
    return rng.randint(100, 1100), rng.randint(120, 640)


def grainy(frame: Picture, seed: int, sigma: float) -> Picture:
    """Sensor noise: one of a few tiles, laid differently on each frame."""
    height, width = frame.shape[:2]
    rng = random.Random(seed)
    tile = _grain(rng.randrange(6), height + 64, width + 64)
    top, left = rng.randrange(64), rng.randrange(64)
    return (frame + tile[top : top + height, left : left + width] * np.float32(sigma)).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _grain(number: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(number).normal(0, 1, (height, width, 1)).astype(np.float32)


def shaken(frame: Picture, at_s: float, amplitude_px: float, seed: int) -> Picture:
    """The camera moves by up to the amplitude (pixels of a 1280 wide picture) both ways; no edge comes into sight."""
    scale = frame.shape[1] / BASE_WIDTH
    dx, dy = shake_at(at_s, seed)
    zoom = 1 - 2 * (amplitude_px + 1) / BASE_WIDTH
    left = (amplitude_px + 1 + amplitude_px * dx) * scale
    top = (amplitude_px + 1) * scale * 9 / 16 + amplitude_px * dy * scale * 9 / 16
    image = Image.fromarray(frame)
    moved = image.transform(image.size, Image.Transform.AFFINE, (zoom, 0, left, 0, zoom, top), Image.Resampling.BICUBIC)
    return np.array(moved)


def shake_at(at_s: float, seed: int) -> tuple[float, float]:
    """-1..1 both ways: three waves that never meet."""
    phase = seed % 7
    dx = 0.5 * math.sin(5.3 * at_s + phase) + 0.3 * math.sin(9.1 * at_s) + 0.2 * math.sin(1.1 * at_s + 1)
    dy = 0.5 * math.cos(4.7 * at_s + phase) + 0.3 * math.sin(10.3 * at_s + 2) + 0.2 * math.sin(0.9 * at_s)
    return dx, dy
