"""What the photographs show: hills, lakes, classrooms, notebooks, painted at half size from noise and ridges."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

from proxy.demo.course.assets.drawing import Colour, clouds, contrast, font, noise, ramp, tinted

_BASE = (1500, 2000)
Painter = Callable[[random.Random], Image.Image]


def _ridge(rng: random.Random, width: int, level: int, swing: float) -> list[tuple[int, int]]:
    heights = [rng.uniform(-swing, swing) for _ in range(9)]
    for _ in range(7):
        swing *= 0.52
        heights = [
            h for a, b in itertools.pairwise(heights) for h in (a, (a + b) / 2 + rng.uniform(-swing, swing))
        ] + heights[-1:]
    step = width / (len(heights) - 1)
    return [(int(i * step), int(level + h)) for i, h in enumerate(heights)]


def _hills(
    image: Image.Image, rng: random.Random, level: int, swing: float, dark: Colour, light: Colour, *, cell_px: int = 40
) -> None:
    width, height = image.size
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).polygon([*_ridge(rng, width, level, swing), (width, height), (0, height)], fill=255)
    texture = contrast(clouds(rng, image.size, cell_px=cell_px, octaves=5, stretch=1.6), 1.9)
    image.paste(tinted(texture, dark, light), (0, 0), mask.filter(ImageFilter.GaussianBlur(1)))


def landscape(
    sky_top: Colour, sky_low: Colour, near: Colour, far: Colour, *, snow: bool = False, water: bool = False
) -> Painter:
    """Hills under a sky, with grass or a lake before them."""

    def paint(rng: random.Random) -> Image.Image:
        height = _BASE[1]
        image = ramp(_BASE, sky_top, sky_low)
        puffs = contrast(clouds(rng, _BASE, cell_px=420, octaves=6, stretch=2.2), 1.8)
        image.paste(Image.new("RGB", _BASE, (244, 244, 246)), (0, 0), puffs.point([max(0, v - 96) for v in range(256)]))
        for step in range(4):
            share = step / 3
            tone = tuple(int(f + (n - f) * share) for f, n in zip(far, near, strict=True))
            pale = tuple(min(255, int(c * 1.35) + (70 if snow and step < 2 else 14)) for c in tone)
            level = int(height * (0.46 + 0.11 * step))
            _hills(image, rng, level, 150 - 34 * step, tone, pale, cell_px=64 - 12 * step)  # type: ignore[arg-type]
        if water:
            _lake(image, rng)
        else:
            _grass(image, rng, near)
        return image

    return paint


def _lake(image: Image.Image, rng: random.Random) -> None:
    width, height = image.size
    top = int(height * 0.74)
    mirror = image.crop((0, 2 * top - height, width, top)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    ripples = contrast(clouds(rng, mirror.size, cell_px=24, octaves=4, stretch=9), 1.3)
    image.paste(Image.blend(mirror, tinted(ripples, (30, 52, 74), (150, 176, 190)), 0.42), (0, top))


def _grass(image: Image.Image, rng: random.Random, tone: Colour) -> None:
    width, height = image.size
    draw = ImageDraw.Draw(image)
    for _ in range(9000):
        y = int(height * (0.80 + 0.22 * rng.random() ** 0.7))
        x, long = rng.randrange(width), (y - height * 0.74) * 0.12
        shade = rng.uniform(0.55, 1.5)
        fill = (int(min(255, tone[0] * shade)), int(min(255, tone[1] * shade)), int(min(255, tone[2] * shade)))
        draw.line((x, y, x + rng.uniform(-0.5, 0.5) * long, y - long), fill=fill, width=2)


def _wood(rng: random.Random, size: tuple[int, int], dark: Colour, light: Colour) -> Image.Image:
    return tinted(contrast(clouds(rng, size, cell_px=18, octaves=4, stretch=16), 1.5), dark, light)


def classroom(wall: Colour, board: Colour, lines: tuple[str, ...]) -> Painter:
    """A room with a chalkboard and rows of desks."""

    def paint(rng: random.Random) -> Image.Image:
        width, height = _BASE
        plaster = contrast(clouds(rng, _BASE, cell_px=300, octaves=7), 0.25)
        image = tinted(plaster, tuple(int(c * 0.7) for c in wall), wall)  # type: ignore[arg-type]
        draw = ImageDraw.Draw(image)
        _chalkboard(image, draw, rng, board, lines)
        floor = _wood(rng, (width, height - 1180), (104, 98, 92), (166, 160, 150))
        image.paste(floor, (0, 1180))
        for row in range(4):
            _desks(image, rng, row)
        light = Image.linear_gradient("L").rotate(90).resize(_BASE).point([90 + v * 165 // 255 for v in range(256)])
        return Image.composite(image, Image.new("RGB", _BASE, (24, 22, 30)), light)

    return paint


def _chalkboard(
    image: Image.Image, draw: ImageDraw.ImageDraw, rng: random.Random, board: Colour, lines: tuple[str, ...]
) -> None:
    draw.rectangle((120, 300, 1380, 980), fill=(120, 88, 54))
    dust = contrast(clouds(rng, (1220, 640), cell_px=90, octaves=6, stretch=2), 0.7)
    image.paste(tinted(dust, board, tuple(min(255, c + 46) for c in board)), (140, 320))  # type: ignore[arg-type]
    chalk = Image.new("L", (1220, 640), 0)
    pen = ImageDraw.Draw(chalk)
    for index, line in enumerate(lines):
        pen.text((60 + 12 * (index % 2), 40 + index * 118), line, font=font(70), fill=235)
    worn = Image.composite(chalk, Image.new("L", chalk.size, 0), contrast(noise(rng, *chalk.size), 2.4))
    image.paste(Image.new("RGB", chalk.size, (236, 238, 228)), (140, 320), worn)
    draw.rectangle((120, 980, 1380, 1010), fill=(150, 112, 70))


def _desks(image: Image.Image, rng: random.Random, row: int) -> None:
    draw = ImageDraw.Draw(image)
    scale, y = 1 + row * 0.55, 1210 + row * 165 + row * row * 22
    for column in range(-1, 2):
        wide, deep = int(300 * scale), int(70 * scale)
        x = int(750 + column * 430 * scale - wide / 2)
        top = _wood(rng, (wide, deep), (150, 108, 62), (212, 170, 116))
        draw.rectangle((x + 12, y + deep, x + 26, y + deep * 3), fill=(70, 72, 80))
        draw.rectangle((x + wide - 26, y + deep, x + wide - 12, y + deep * 3), fill=(70, 72, 80))
        image.paste(top, (x, y))
        draw.rectangle((x, y + deep, x + wide, y + deep + int(14 * scale)), fill=(116, 80, 46))
        sheet = (x + wide // 5, y + 8, x + wide // 2, y + deep - 10)
        draw.rectangle(sheet, fill=(238, 238, 232))


def notebook(title: str, lines: tuple[str, ...]) -> Painter:
    """A squared page with handwriting on a wooden desk."""

    def paint(rng: random.Random) -> Image.Image:
        image = _wood(rng, _BASE, (96, 62, 36), (170, 120, 76))
        paper = tinted(
            contrast(clouds(rng, (1160, 1560), cell_px=400, octaves=7), 0.4), (206, 202, 190), (250, 249, 242)
        )
        draw = ImageDraw.Draw(paper)
        for x in range(0, 1160, 38):
            draw.line((x, 0, x, 1560), fill=(176, 196, 218))
        for y in range(0, 1560, 38):
            draw.line((0, y, 1160, y), fill=(176, 196, 218))
        draw.line((1010, 0, 1010, 1560), fill=(206, 96, 96), width=3)
        draw.text((90, 76), title, font=font(58), fill=(34, 44, 120))
        for index, line in enumerate(lines):
            draw.text((90 + rng.randint(-6, 6), 196 + index * 114), line, font=font(48), fill=(38, 52, 140))
        shadow = Image.new("L", (1160, 1560), 140)
        angle = rng.uniform(-7, 7)
        image.paste((20, 14, 10), (190, 240), shadow.rotate(angle, expand=True).filter(ImageFilter.GaussianBlur(18)))
        mask = Image.new("L", paper.size, 255).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        image.paste(paper.rotate(angle, Image.Resampling.BICUBIC, expand=True), (160, 200), mask)
        return image

    return paint


def schoolyard(rng: random.Random) -> Image.Image:
    """A brick school of two floors."""
    image = landscape((96, 138, 190), (206, 218, 226), (86, 108, 60), (104, 126, 128))(rng)
    draw = ImageDraw.Draw(image)
    bricks = tinted(
        contrast(clouds(rng, (1160, 560), cell_px=26, octaves=4, stretch=3), 1.1), (148, 98, 78), (206, 168, 142)
    )
    image.paste(bricks, (180, 980))
    draw.polygon([(130, 985), (1390, 985), (1260, 850), (260, 850)], fill=(92, 54, 48))
    for floor in range(2):
        for column in range(7):
            x, y = 235 + column * 158, 1040 + floor * 240
            draw.rectangle((x - 8, y - 8, x + 98, y + 148), fill=(236, 234, 226))
            glass = tinted(clouds(rng, (90, 140), cell_px=60, octaves=4), (40, 58, 82), (150, 178, 200))
            image.paste(glass, (x, y))
            draw.line((x + 45, y, x + 45, y + 140), fill=(236, 234, 226), width=5)
    draw.rectangle((690, 1390, 830, 1540), fill=(82, 60, 44))
    path = [(640, 1540), (880, 1540), (1180, 2000), (360, 2000)]
    draw.polygon(path, fill=(150, 142, 132))
    return image


SUMMER = landscape((70, 120, 186), (214, 226, 232), (74, 104, 44), (96, 124, 146))
TUNDRA = landscape((126, 146, 176), (232, 214, 196), (112, 92, 58), (120, 120, 138), snow=True)
LAKE = landscape((84, 112, 158), (236, 206, 176), (58, 72, 52), (92, 104, 132), snow=True, water=True)
WINTER = landscape((150, 172, 204), (236, 238, 244), (196, 204, 216), (132, 146, 172), snow=True)
