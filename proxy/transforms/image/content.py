"""Is it a photograph, or text and line art? Read off the brightness steps between neighbouring pixels.

Laws of this file: deterministic; looks at a bounded number of pixels; in doubt an image is text, because a
photograph kept a little too well costs bytes and a word that can't be read costs the lesson.

A photograph has few large steps among its steps; print and screens have flat ground cut by hard edges. In the image
bench's corpus the share of large steps was at most 0.10 for 15 photographs and at least 0.23 for 38 screenshots,
plots, drawings and scans (bench/images.py prints the classes). Drawings in soft colours have few large steps either,
but hardly any faint ones.
"""

from __future__ import annotations

from enum import StrEnum

from PIL import Image, ImageChops

from policies.frozen import Frozen

_FLAT_STEP = 3  # steps below are sensor noise and JPEG ripple
_HARD_STEP = 48  # a step that an eye takes for an edge
_HARD_SHARE = 0.15
_FLAT_SHARE = 0.55
_DRAWN_FLAT_SHARE = 0.90
_FAINT_STEP = 24  # steps below are shading; a drawing's fills meet at larger ones
_FAINT_SHARE = 0.45
_FINE_SHARE = 0.55
_BANDS = 8
_BAND_PIXELS = 50_000


class Content(StrEnum):
    PHOTO = "photo"
    TEXT = "text"


class Look(Frozen, frozen=True, kw_only=True):
    """What an image is, and whether its strokes are one pixel thin (text of 15 px or less) or thicker."""

    content: Content
    fine: bool = False


def look_at(image: Image.Image) -> Look:
    """Classify a decoded image (any mode that converts to L) by at most 0.4 million of its pixels."""
    steps = [_steps(band) for band in _bands(image)]
    counts = [sum(column) for column in zip(*(step.histogram() for step in steps), strict=True)]
    every, uneven, hard = sum(counts), sum(counts[_FLAT_STEP:]), sum(counts[_HARD_STEP:])
    faint, flat = sum(counts[_FLAT_STEP:_FAINT_STEP]), every - uneven
    sharp = hard >= _HARD_SHARE * uneven and flat >= _FLAT_SHARE * every
    drawn = faint <= _FAINT_SHARE * uneven and flat >= _DRAWN_FLAT_SHARE * every  # a blank image too
    if not (sharp or drawn):
        return Look(content=Content.PHOTO)
    return Look(content=Content.TEXT, fine=_fine_share(steps) >= _FINE_SHARE)


def _bands(image: Image.Image) -> list[Image.Image]:
    """Bands spread evenly from top to bottom, full width where that is not too much."""
    width, height = min(image.width, 4096), image.height
    left = (image.width - width) // 2
    tall = max(2, min(height // _BANDS, _BAND_PIXELS // width))
    if height < _BANDS * 2 or width < 2:
        return [_grey(image)]
    tops = (index * (height - tall) // (_BANDS - 1) for index in range(_BANDS))
    return [_grey(image.crop((left, top, left + width, top + tall))) for top in tops]


def _grey(image: Image.Image) -> Image.Image:
    """Brightness, transparent parts on white."""
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground
    return image.convert("L")


def _steps(grey: Image.Image) -> Image.Image:
    width, height = grey.size
    return ImageChops.difference(grey.crop((0, 0, width - 1, height)), grey.crop((1, 0, width, height)))


def _fine_share(steps: list[Image.Image]) -> float:
    """The share of hard steps that another follows within two pixels: high where strokes are one pixel wide."""
    edge = [0] * _HARD_STEP + [255] * (256 - _HARD_STEP)
    hard = followed = 0
    for step in steps:
        width, height = step.size
        if width < 4:
            continue
        here, one, two = (step.crop((shift, 0, width - 2 + shift, height)).point(edge) for shift in range(3))
        hard += here.histogram()[255]
        followed += ImageChops.multiply(here, ImageChops.lighter(one, two)).histogram()[255]
    return followed / hard if hard else 0.0
