"""The mixed corpus of the image bench: real photographs, drawn screenshots, plots, line art and scans of text.

The photographs are those that scikit-image carries; everything else is drawn here from fixed seeds, so each run
measures the same bytes on every machine that has the same fonts.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import skimage
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = Path("/usr/share/fonts/truetype")
SPEECH = (
    "Сохранить отчёт консультация участник оценка задание форум ответ вложение расписание связь учитель школа "
    "Save report participant grade assignment forum reply attachment settings network lesson plan 2024 12:30 №7"
)
WORDS = tuple(SPEECH.split())
PHOTOS = ("astronaut", "chelsea", "coffee", "camera", "coins", "grass", "gravel", "moon", "ihc", "motorcycle_left")
PHOTO_FILES = ("rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file as an origin would send it; kind is "photo", "screen", "plot", "art" or "scan"."""

    name: str
    kind: str
    body: bytes


def font(size_px: int, name: str = "DejaVuSans") -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A proportional face with Cyrillic where the machine has one, else Pillow's own."""
    for path in (FONTS / "dejavu" / f"{name}.ttf", FONTS / "liberation" / f"{name}.ttf"):
        if path.exists():
            return ImageFont.truetype(path, size_px)
    return ImageFont.load_default(size_px)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def photos() -> Iterator[Sample]:
    folder = Path(skimage.__file__).parent / "data"
    for index, name in enumerate(PHOTOS):
        image = Image.open(folder / f"{name}.png").convert("RGB")
        body = encoded(image, "JPEG", quality=82 + index % 3 * 4)
        yield Sample(name=f"{name}.jpg", kind="photo", body=body)
    for name in PHOTO_FILES:
        yield Sample(name=name, kind="photo", body=(folder / name).read_bytes())
    wide = Image.open(folder / "coffee.png").convert("RGB").resize((1500, 1000), Image.Resampling.LANCZOS)
    yield Sample(name="coffee-wide.jpg", kind="photo", body=encoded(wide, "JPEG", quality=90))
    wide = Image.open(folder / "astronaut.png").convert("RGB").resize((1600, 1600), Image.Resampling.LANCZOS)
    yield Sample(name="astronaut-wide.png", kind="photo", body=encoded(wide, "PNG"))


def screen(seed: int) -> Image.Image:
    """A window of an LMS: menu, table, form, status line, text of 11 to 15 px, one small photograph."""
    rng = random.Random(seed)
    width, height = rng.choice(((1366, 768), (1280, 800), (1024, 700), (1680, 1050)))
    dark = seed % 5 == 4
    paper, ink = ((30, 32, 36), (222, 224, 228)) if dark else ((255, 255, 255), (33, 37, 41))
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 46), fill=(15, 76, 129))
    draw.text((18, 12), sentence(rng, 4), font=font(17), fill="white")
    draw.rectangle((0, 46, 230, height), fill=(44, 48, 54) if dark else (242, 244, 246))
    for row in range((height - 80) // 30):
        draw.text((16, 62 + row * 30), sentence(rng, 3)[:26], font=font(13), fill=ink)
    for row in range((height - 130) // 26):
        y = 70 + row * 26
        if row % 2:
            draw.rectangle((250, y, width - 200, y + 25), fill=(40, 43, 48) if dark else (246, 248, 250))
        draw.text(
            (258, y + 5), sentence(rng, 12)[: (width - 480) // 8], font=font(rng.choice((11, 12, 13, 14))), fill=ink
        )
        draw.line((250, y + 25, width - 200, y + 25), fill=(70, 74, 80) if dark else (222, 226, 230))
    draw.rounded_rectangle((width - 180, 80, width - 30, 116), 6, fill=(40, 120, 60))
    draw.text((width - 165, 89), sentence(rng, 1), font=font(14), fill="white")
    if seed % 3 == 0:
        face = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB").resize((140, 140))
        image.paste(face, (width - 180, 140))
    draw.text((14, height - 20), sentence(rng, 8), font=font(11), fill=(128, 134, 140))
    return image


def plot(seed: int) -> Image.Image:
    """A chart drawn at four times its size and reduced, so that lines are antialiased as libraries draw them."""
    rng = random.Random(1000 + seed)
    width, height = rng.choice(((640, 480), (800, 500), (1000, 700)))
    big = Image.new("RGB", (width * 4, height * 4), "white")
    pen = ImageDraw.Draw(big)
    for step in range(9):
        y = 160 + step * (height * 4 - 400) // 8
        pen.line((280, y, width * 4 - 120, y), fill=(226, 226, 226), width=3)
    for colour in ((31, 119, 180), (255, 127, 14), (44, 160, 44))[: 1 + seed % 3]:
        phase, noise = rng.random() * 6, rng.random() * 60
        points = [
            (
                280 + x * (width * 4 - 400) // 300,
                height * 2 + math.sin(x / 24 + phase) * height * 1.2 + rng.gauss(0, noise),
            )
            for x in range(300)
        ]
        if seed % 4 == 3:
            for x, y in points[::2]:
                pen.ellipse((x - 14, y - 14, x + 14, y + 14), fill=colour)
        else:
            pen.line(points, fill=colour, width=7, joint="curve")
    pen.rectangle((280, 120, width * 4 - 120, height * 4 - 240), outline="black", width=4)
    image = big.resize((width, height), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for step in range(9):
        draw.text((30, 32 + step * (height - 100) // 8), f"{step * 12.5:5.1f}", font=font(12), fill="black")
    draw.text((width // 3, 8), sentence(rng, 3), font=font(14), fill="black")
    return image


def art(seed: int) -> Image.Image:
    """Clip art: flat colours, smooth edges, transparent ground on every other one."""
    rng = random.Random(2000 + seed)
    big = Image.new("RGBA", (2400, 2000), (0, 0, 0, 0) if seed % 2 else (255, 255, 255, 255))
    draw = ImageDraw.Draw(big)
    for _ in range(14):
        fill = (rng.randrange(256), rng.randrange(256), rng.randrange(256), 255)
        x, y, r = rng.randrange(2400), rng.randrange(2000), rng.randrange(80, 480)
        shape = rng.choice(("circle", "star", "bar"))
        if shape == "circle":
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=(0, 0, 0, 255), width=14)
        elif shape == "bar":
            draw.rounded_rectangle((x - r, y - r // 3, x + r, y + r // 3), r // 5, fill=fill)
        else:
            tips = [
                (
                    x + r * (1 if i % 2 else 0.4) * math.cos(i * 0.628),
                    y + r * (1 if i % 2 else 0.4) * math.sin(i * 0.628),
                )
                for i in range(10)
            ]
            draw.polygon(tips, fill=fill)
    return big.resize((600, 500), Image.Resampling.LANCZOS)


def scan(seed: int) -> Image.Image:
    """A page of print as an office scanner stores it: off-white, slightly blurred, grainy."""
    rng = random.Random(3000 + seed)
    image = Image.new("L", (1240, 1700), 244)
    draw = ImageDraw.Draw(image)
    for row in range(52):
        draw.text((110, 100 + row * 29), sentence(rng, 13)[:78], font=font(20, "DejaVuSerif"), fill=28)
    image = image.rotate(0.4, fillcolor=244, resample=Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(0.7))
    grain = Image.effect_noise(image.size, 12)
    return Image.blend(image, grain, 0.10)


def drawn() -> Iterator[Sample]:
    for seed in range(12):
        name, body = f"screen-{seed}.png", encoded(screen(seed), "PNG", optimize=seed % 2 == 0)
        yield Sample(name=name, kind="screen", body=body)
    for seed in (20, 21, 22):
        yield Sample(name=f"screen-{seed}.jpg", kind="screen", body=encoded(screen(seed), "JPEG", quality=88))
    for seed in range(12):
        yield Sample(name=f"plot-{seed}.png", kind="plot", body=encoded(plot(seed), "PNG"))
    for seed in range(8):
        yield Sample(name=f"art-{seed}.png", kind="art", body=encoded(art(seed), "PNG"))
    for seed in range(3):
        yield Sample(name=f"scan-{seed}.jpg", kind="scan", body=encoded(scan(seed), "JPEG", quality=80))


def corpus(extra: Callable[[], Iterator[Sample]] | None = None) -> list[Sample]:
    """The whole corpus, in a fixed order."""
    return [*photos(), *drawn(), *(extra() if extra else ())]
