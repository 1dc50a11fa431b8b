"""The lowest quality at which a photograph still looks as good as its policy means it to.

Laws of this file: pure and deterministic; a bounded number of pixels and of encodings; likeness is SSIM of luma in
8 by 8 windows (Wang, Bovik, Sheikh, Simoncelli 2004, with a box for the Gaussian), by Pillow alone: a worker process
has no need of numpy's memory.

A fixed quality gives some pictures more likeness than they need. The search encodes a mosaic of the
picture's own pixels twice and reads the quality off the line between (docs/explanation/measurements.md says what that
is worth).
"""

from __future__ import annotations

import io
from bisect import bisect_left
from functools import lru_cache
from typing import Any

from PIL import Image, ImageMath

# Mean SSIM of photographs by quality on WebP's scale, 800 px wide, as bench/images.py measures it.
_LIKENESS = ((10, 0.870), (20, 0.902), (30, 0.920), (40, 0.934), (50, 0.943), (60, 0.951), (75, 0.961), (100, 0.985))
WORTH_PIXELS = 150_000  # below, a probe costs as much as the picture
_TILE_PX, _TILES_ACROSS = 32, 6  # small tiles from everywhere misjudge a picture least: 0.008 of SSIM
_REACH = 14  # how far below the policy's quality it may go; never above it: a policy's bytes are its word
_WINDOW = 8
_STEADY_LUMA, _STEADY_CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_PROBE_METHOD = 2


def target_likeness(quality: int) -> float:
    """The SSIM that a quality on WebP's scale stands for, linear between measured points."""
    points = [point for point, _ in _LIKENESS]
    right = min(len(points) - 1, max(1, bisect_left(points, quality)))
    (low, worse), (high, better) = _LIKENESS[right - 1], _LIKENESS[right]
    return worse + (better - worse) * (max(low, min(high, quality)) - low) / (high - low)


def searched_quality(picture: Image.Image, quality: int) -> int:
    """The quality between `quality` - 14 and `quality` whose likeness is that of `quality` on the usual photograph.

    Two encodings of at most 192 by 192 pixels. Small pictures and those with transparency keep `quality`.
    """
    if picture.mode not in ("L", "RGB") or picture.width * picture.height < WORTH_PIXELS:
        return quality
    mosaic = mosaic_of(picture)
    return _searched(mosaic.mode, mosaic.size, mosaic.tobytes(), quality)


@lru_cache(maxsize=256)
def _searched(mode: str, size: tuple[int, int], pixels: bytes, quality: int) -> int:
    mosaic = Image.frombytes(mode, size, pixels)
    wanted, whole = target_likeness(quality), _grey(mosaic)
    low = max(1, quality - _REACH)
    less, more = (likeness(whole, _grey(_as_webp(mosaic, number))) for number in (low, quality))
    if more <= wanted or quality <= low:
        return quality
    return low if less >= wanted else round(low + (quality - low) * (wanted - less) / (more - less))


def mosaic_of(picture: Image.Image) -> Image.Image:
    """Tiles from a grid over the picture: its own pixels at their own size, so its own artefacts."""
    side = min(_TILE_PX, picture.width, picture.height)
    made = Image.new(picture.mode, (side * _TILES_ACROSS, side * _TILES_ACROSS))
    for index in range(_TILES_ACROSS * _TILES_ACROSS):
        row, column = divmod(index, _TILES_ACROSS)
        left = (picture.width - side) * (1 + column) // (_TILES_ACROSS + 1)
        top = (picture.height - side) * (1 + row) // (_TILES_ACROSS + 1)
        made.paste(picture.crop((left, top, left + side, top + side)), (column * side, row * side))
    return made


def _as_webp(mosaic: Image.Image, quality: int) -> Image.Image:
    target = io.BytesIO()
    mosaic.save(target, "WEBP", quality=quality, method=_PROBE_METHOD)
    target.seek(0)
    return Image.open(target)


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Mean SSIM of two grey pictures (mode F) of one size, windows of 8 by 8 side by side; 1.0: the same."""
    squares = (_times(one, one), _times(other, other), _times(one, other))
    means = [image.reduce(_WINDOW) for image in (one, other, *squares)]
    told = ImageMath.lambda_eval(_ssim, **dict(zip(("x", "y", "xx", "yy", "xy"), means, strict=True)))
    assert isinstance(told, Image.Image)
    mean = told.reduce(told.size).getpixel((0, 0))  # ImageStat reads a histogram, which floats have none of
    assert isinstance(mean, float)
    return mean


def _times(one: Image.Image, other: Image.Image) -> Image.Image:
    made = ImageMath.lambda_eval(lambda given: given["a"] * given["b"], a=one, b=other)
    assert isinstance(made, Image.Image)
    return made


def _ssim(given: dict[str, Any]) -> Any:
    x, y, xx, yy, xy = (given[name] for name in ("x", "y", "xx", "yy", "xy"))
    luma = (x * y * 2.0 + _STEADY_LUMA) / (x * x + y * y + _STEADY_LUMA)
    contrast = ((xy - x * y) * 2.0 + _STEADY_CONTRAST) / (xx - x * x + yy - y * y + _STEADY_CONTRAST)
    return luma * contrast


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("F")
