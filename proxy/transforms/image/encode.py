"""One picture into bytes, in the formats that a browser accepts, at qualities that look alike.

Laws of this file: deterministic (one thread per encoder, no clock); nothing but pixels is written.
Quality is on WebP's scale. The tables hold what gave equal SSIM on photographs (luma, 800 px wide).
"""

from __future__ import annotations

import io
from bisect import bisect_left

from PIL import Image

from policies.frozen import Frozen
from proxy.transforms.image.content import Content
from proxy.transforms.spec import ImageSpec

WEBP_MAX_SIDE_PX = 16_383
AVIF_MAX_SIDE_PX = 16_384
_WEBP = (0, 20, 30, 40, 50, 60, 75, 100)
_JPEG = (5, 26, 37, 48, 58, 65, 78, 95)
_AVIF = (15, 37, 43, 47, 50, 53, 57, 80)
_WEBP_LIVE_METHOD, _WEBP_BACKGROUND_METHOD = 2, 4  # 2 gives 99 % of 4's saving at 0.6 of its work
_AVIF_SPEED = 8  # 10 is no better than WebP at equal quality, 6 costs three times as much
_PALETTE_COLOURS = 32
_LOSSLESS_COLOURS = 256


class Encoded(Frozen, frozen=True, kw_only=True):
    body: bytes
    format: str

    @property
    def content_type(self) -> str:
        return f"image/{self.format}"


def encode(image: Image.Image, content: Content, spec: ImageSpec, quality: int) -> Encoded:
    """The smallest of the few encodings worth trying for this content, this browser and this effort."""
    rivals = [_lossy(image, content, spec, quality)]
    if content is Content.TEXT:
        rivals += _drawn(image, spec)
    return min(rivals, key=lambda rival: len(rival.body))


def _lossy(image: Image.Image, content: Content, spec: ImageSpec, quality: int) -> Encoded:
    longest = max(image.size)
    if "image/avif" in spec.accepts and spec.effort == "background" and longest <= AVIF_MAX_SIDE_PX:
        return _saved(image, "avif", quality=matched(quality, _AVIF), speed=_AVIF_SPEED, max_threads=1)
    if "image/webp" in spec.accepts and longest <= WEBP_MAX_SIDE_PX:
        method = _WEBP_LIVE_METHOD if spec.effort == "live" else _WEBP_BACKGROUND_METHOD
        return _saved(image, "webp", quality=quality, method=method, alpha_quality=max(50, quality))
    if image.mode == "RGBA":
        return _palette_png(image, _LOSSLESS_COLOURS if content is Content.PHOTO else _PALETTE_COLOURS)
    sampling = "4:2:0" if content is Content.PHOTO else "4:4:4"  # coloured letters blur when colour is halved
    number = matched(quality, _JPEG)
    return _saved(image, "jpeg", quality=number, progressive=True, optimize=True, subsampling=sampling)


def _drawn(image: Image.Image, spec: ImageSpec) -> list[Encoded]:
    """Palette and lossless encodings: they beat the lossy ones on flat drawings, and keep their edges."""
    few = image.getcolors(_LOSSLESS_COLOURS) is not None
    webp = "image/webp" in spec.accepts and max(image.size) <= WEBP_MAX_SIDE_PX
    if webp:
        return [_saved(image, "webp", lossless=True, quality=20, method=1)] if few else []
    return [_palette_png(image, _LOSSLESS_COLOURS if few else _PALETTE_COLOURS)]


def _palette_png(image: Image.Image, colours: int) -> Encoded:
    """Median cut keeps pale panels apart from paper; fast octree is the one of Pillow's that knows transparency.

    No dither: it defeats PNG's filters.
    """
    if image.mode == "L":
        few = image.getcolors(colours) is None and colours < 256
        return _saved(image.quantize(colours, dither=Image.Dither.NONE) if few else image, "png", optimize=True)
    method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
    return _saved(image.quantize(colours, method=method, dither=Image.Dither.NONE), "png", optimize=True)


def _saved(image: Image.Image, kind: str, **options: object) -> Encoded:
    target = io.BytesIO()
    image.save(target, kind.upper(), **options)
    return Encoded(body=target.getvalue(), format=kind)


def matched(quality: int, table: tuple[int, ...]) -> int:
    """A quality on WebP's scale as the equal one of another format, linear between measured points."""
    quality = max(0, min(100, quality))
    right = max(1, bisect_left(_WEBP, quality))
    low, high = _WEBP[right - 1], _WEBP[right]
    share = (quality - low) / (high - low)
    return round(table[right - 1] + share * (table[right] - table[right - 1]))
