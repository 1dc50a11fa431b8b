"""What every drawn picture of the course shares: letters, noise, textures. Same seed, same pixels."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

FONT_FILE = Path(__file__).parent.parent / "static" / "fonts" / "course-sans.woff2"
Colour = tuple[int, int, int]


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """The course's own face at a pixel size; it has Latin, Cyrillic, Greek and mathematics."""
    return ImageFont.truetype(str(FONT_FILE), size_px, layout_engine=ImageFont.Layout.BASIC)


def seeded(*parts: object) -> random.Random:
    """A generator that depends on nothing but its arguments."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - pictures, not secrets


def noise(rng: random.Random, width_px: int, height_px: int) -> Image.Image:
    """White noise, one byte a pixel."""
    return Image.frombytes("L", (width_px, height_px), rng.randbytes(width_px * height_px))


def clouds(
    rng: random.Random, size: tuple[int, int], *, cell_px: int, octaves: int, stretch: float = 1.0
) -> Image.Image:
    """Smooth fractal noise; `cell_px` is the size of its largest spots, `stretch` > 1 draws them out sideways."""
    result: Image.Image | None = None
    for octave in range(octaves):
        step = max(1, cell_px >> octave)
        grid = (max(2, int(size[0] / step / stretch)), max(2, size[1] // step))
        layer = noise(rng, *grid).resize(size, Image.Resampling.BICUBIC)
        result = layer if result is None else Image.blend(result, layer, 1 / (octave + 1.6))
    assert result is not None
    return result


def ramp(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """A vertical gradient."""
    mask = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def tinted(texture: Image.Image, dark: Colour, light: Colour) -> Image.Image:
    """A grey texture coloured from `dark` to `light`."""
    low, high = Image.new("RGB", texture.size, dark), Image.new("RGB", texture.size, light)
    return Image.composite(high, low, texture)


def contrast(image: Image.Image, gain: float) -> Image.Image:
    """A grey image with its contrast raised around the middle."""
    return image.point([max(0, min(255, int((v - 128) * gain + 128))) for v in range(256)])


def grain(image: Image.Image, rng: random.Random, amplitude: int) -> Image.Image:
    """Sensor noise of at most `amplitude` levels either way."""
    spots = noise(rng, *image.size).point([v * 2 * amplitude // 255 for v in range(256)])
    layer = Image.merge("RGB", (spots, spots, spots))
    return ImageChops.add(image, layer, 1, -amplitude)


def paragraph(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    *,
    size_px: int,
    width_px: int,
    fill: Colour | str,
    leading: float = 1.4,
) -> int:
    """Wrapped text; answers the y below its last line."""
    face, (x, y), line = font(size_px), place, ""
    for word in [*text.split(), ""]:
        longer = f"{line} {word}".strip()
        if word and face.getlength(longer) <= width_px:
            line = longer
            continue
        draw.text((x, y), line, font=face, fill=fill)
        y, line = y + int(size_px * leading), word
    return y
