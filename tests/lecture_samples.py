"""Labelled lectures: what happens on the screen is known to the frame, so that finding it can be marked.

Laws: deterministic by seed; needs no network.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

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
from tests.lecture_plans import Change, Plan, Sample


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
