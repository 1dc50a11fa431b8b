"""One image in, one smaller image out, or the reason why not.

Laws of this file: the result is smaller than its source by enough to matter, or the source passes untouched;
no socket, no clock, no policy; equal input gives equal bytes. It decodes untrusted bytes, so production runs it in a
worker process (proxy/transforms/workers.py), where a crash of a decoder costs one image.

An image keeps its URL while its format changes (a `.jpg` may answer as WebP). What a learner saves must open under
its name, so the delivery names it by `saved_name` in proxy/transforms/image/naming.py.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from PIL import Image

from policies.frozen import Frozen
from proxy.exchange import Outcome, Refused, Replaced, Unchanged
from proxy.transforms.image.animation import smaller_animation
from proxy.transforms.image.content import Content, look_at
from proxy.transforms.image.decode import Animated, Hostile, NotForUs, Opened, open_image, to_srgb
from proxy.transforms.image.encode import Encoded, encode
from proxy.transforms.image.search import searched_quality
from proxy.transforms.image.size import next_probe, quality_floor, target_width_px
from proxy.transforms.image.svg import MAX_SVG_BYTES, svg_outcome
from proxy.transforms.spec import ImageSpec

MIN_SOURCE_BYTES = 1024  # one packet either way
MAX_PROBES = 3
_MIN_GAIN = 0.05
_MIN_GAIN_AS_IT_IS = 0.20  # same format, same size: below this it is a loss of quality for nothing
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError)


def adapt_image(source: bytes | Path, spec: ImageSpec) -> Outcome:
    """Make the variant that `spec` asks for. VIDEO is a smaller animation here: a film is not an image's to be.

    Replaced: smaller; notes say format, content, width_px, height_px, quality and source pixels, and `over_limit`
    where a text's floor forbade max_bytes. Unchanged: not an image, broken, animated and to be kept, small, or
    nothing gained. Refused: announces more than it may hold, or doesn't fit in memory. Never raises.
    """
    try:
        source_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
        if source_bytes < MIN_SOURCE_BYTES:
            return Unchanged(why="small")
        if spec.drawing:
            return _drawing(source, source_bytes, spec)
        return _adapted(source, source_bytes, spec)
    except NotForUs as reason:
        return Unchanged(why=str(reason))
    except Hostile as reason:
        return Refused(why=str(reason))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Refused(why="too-many-pixels")
    except MemoryError:
        return Refused(why="out-of-memory")
    except _BROKEN as error:
        if "Decompressed data too large" in str(error) or "text memory" in str(error):
            return Refused(why="metadata-too-large")
        return Unchanged(why="broken")
    except Exception:
        return Refused(why="transform-failed")  # a fault of ours or of a decoder's: counted, and worth a look


def _drawing(source: bytes | Path, source_bytes: int, spec: ImageSpec) -> Outcome:
    """An SVG, and the photographs in it by the same spec."""
    if source_bytes > MAX_SVG_BYTES:
        return Unchanged(why="too-large")
    body = source.read_bytes() if isinstance(source, Path) else source
    inside = replace(spec, drawing=False)
    return svg_outcome(body, lambda picture: adapt_image(picture, inside))


def _adapted(source: bytes | Path, source_bytes: int, spec: ImageSpec) -> Outcome:
    try:
        opened = open_image(source, spec, min_width_px=spec.max_width_px)
    except Animated:
        return smaller_animation(source, spec)
    look = look_at(opened.image)
    width_px = target_width_px(opened.source_width_px, look, spec.max_width_px)
    if width_px > opened.image.width:  # text that a JPEG decoder's shortcut made too small
        opened = open_image(source, spec, min_width_px=width_px)
    picture = to_srgb(scaled(opened.image, width_px), opened.profile)
    fitted = _fit(picture, look.content, spec)
    as_it_is = fitted.encoded.format == opened.format and fitted.width_px == opened.source_width_px
    if len(fitted.encoded.body) > source_bytes * (1 - (_MIN_GAIN_AS_IT_IS if as_it_is else _MIN_GAIN)):
        return Unchanged(why="no-gain")
    return _replaced(fitted, look.content, spec, opened)


class _Fitted(Frozen, frozen=True, kw_only=True):
    encoded: Encoded
    width_px: int
    height_px: int
    quality: int


def _fit(picture: Image.Image, content: Content, spec: ImageSpec) -> _Fitted:
    """Encode; while it is over max_bytes, lower quality to the floor, then pixels, in at most three encodings.

    Text gives no pixels for bytes: its width is the least that can be read already.
    """
    floor = quality_floor(content)
    wanted = spec.text_quality if content is Content.TEXT else searched_quality(picture, spec.photo_quality)
    quality = max(floor, wanted)
    best = _encoded(picture, content, spec, quality)
    for _ in range(MAX_PROBES - 1):
        if spec.max_bytes is None or len(best.encoded.body) <= spec.max_bytes:
            break
        quality, scale = next_probe(best.quality, spec.max_bytes / len(best.encoded.body), floor)
        width_px = best.width_px if content is Content.TEXT else max(1, int(best.width_px * scale))
        if (quality, width_px) == (best.quality, best.width_px):
            break
        probe = _encoded(scaled(picture, width_px), content, spec, quality)
        best = min(best, probe, key=lambda fitted: len(fitted.encoded.body))
    return best


def _encoded(picture: Image.Image, content: Content, spec: ImageSpec, quality: int) -> _Fitted:
    encoded = encode(picture, content, spec, quality)
    return _Fitted(encoded=encoded, width_px=picture.width, height_px=picture.height, quality=quality)


def scaled(image: Image.Image, width_px: int) -> Image.Image:
    """The image at most `width_px` wide, proportions kept; colour under transparency doesn't bleed out."""
    if image.width <= width_px:
        return image
    size = (width_px, max(1, round(image.height * width_px / image.width)))
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGBA")


def _replaced(fitted: _Fitted, content: Content, spec: ImageSpec, opened: Opened) -> Replaced:
    body = fitted.encoded.body
    notes: list[tuple[str, str | int | float]] = [
        ("format", fitted.encoded.format),
        ("content", content.value),
        ("width_px", fitted.width_px),
        ("height_px", fitted.height_px),
        ("quality", fitted.quality),
        ("source_pixels", opened.source_width_px * opened.source_height_px),
    ]
    if spec.max_bytes is not None and len(body) > spec.max_bytes:
        notes.append(("over_limit", 1))
    return Replaced(body=body, content_type=fitted.encoded.content_type, length_bytes=len(body), notes=tuple(notes))
