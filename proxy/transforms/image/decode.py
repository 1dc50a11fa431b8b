"""Guarded decoding: hostile bytes in, upright sRGB pixels out.

Laws of this file: what a header announces is weighed before a decoder runs; only formats that browsers show are
opened; position, camera and comments never leave this file. Run it in a worker process: a decoder may crash.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import IO

from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from policies.frozen import Frozen
from policies.treatments import Animation
from proxy.transforms.image.facts import PREFIX_BYTES, ImageFacts, image_facts
from proxy.transforms.spec import ImageSpec

PILLOW_FORMATS = {"jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF", "bmp": "BMP"}
MAX_SIDE_PX = 32_768  # no camera or screen makes more; a strip 1 px high is a decoder's oddity
MAX_PROFILE_BYTES = 1 << 20
MAX_BLANK_FRAMES = 20
_TURNED = frozenset((5, 6, 7, 8))  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
PngImagePlugin.MAX_TEXT_MEMORY = 4 << 20


class NotForUs(Exception):
    """The image passes byte for byte; the text is the reason."""


class Animated(Exception):
    """It moves, and the policy wants it to go on moving, smaller."""


class Hostile(Exception):
    """The image must not be decoded; the text is the reason."""


class Opened(Frozen, frozen=True, kw_only=True):
    """A decoded image: mode L, RGB or RGBA, upright, still in its own colour space.

    source_width_px, source_height_px  upright, before JPEG's cheap reduction while decoding
    profile  ICC profile, b"" for sRGB or none
    """

    image: Image.Image
    source_width_px: int
    source_height_px: int
    format: str
    profile: bytes


def weigh(prefix: bytes, spec: ImageSpec) -> ImageFacts:
    """Judge an image by its header alone.

    Raises NotForUs for what is not ours to touch and Hostile for what is announced too large.
    """
    facts = image_facts(prefix)
    if facts is None:
        raise NotForUs("not-an-image")
    if facts.format not in PILLOW_FORMATS:
        raise NotForUs(f"format-{facts.format}")
    if facts.hdr:
        raise NotForUs("hdr")
    if facts.animated and spec.animation is Animation.KEEP:
        raise NotForUs("animated")
    if facts.pixels is None and facts.format != "jpeg":  # a JPEG's size may stand behind a large EXIF block
        raise NotForUs("header-incomplete")
    if facts.width_px is not None and facts.height_px is not None:
        _weigh_size(facts.width_px, facts.height_px, spec)
    return facts


def _weigh_size(width_px: int, height_px: int, spec: ImageSpec) -> None:
    if not width_px or not height_px:
        raise NotForUs("no-pixels")
    if width_px * height_px > spec.max_pixels:
        raise Hostile("too-many-pixels")
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise Hostile("side-too-long")


def open_image(source: bytes | Path, spec: ImageSpec, *, min_width_px: int | None) -> Opened:
    """Decode to upright pixels at least `min_width_px` wide where the source is (None: at full size).

    Raises NotForUs, Animated, Hostile, MemoryError, and whatever Pillow raises for broken files (OSError, ValueError,
    SyntaxError, struct.error, EOFError, IndexError).
    """
    with _stream(source) as stream:
        facts = weigh(stream.read(PREFIX_BYTES), spec)
        stream.seek(0)
        Image.MAX_IMAGE_PIXELS = spec.max_pixels
        image = Image.open(stream, formats=(PILLOW_FORMATS[facts.format],))
        _weigh_size(*image.size, spec)
        if facts.format in ("gif", "webp", "png", "avif"):
            _first_frame(image, spec)
        orientation = _orientation(image)
        size = image.size[::-1] if orientation in _TURNED else image.size
        if facts.format == "jpeg" and min_width_px is not None:
            _reduce_while_decoding(image, min_width_px, turned=orientation in _TURNED)
        image.load()
        profile = image.info.get("icc_profile") or b""
        upright = ImageOps.exif_transpose(image) if orientation != 1 else image
        plain = _plain_mode(to_srgb(upright, profile) if upright.mode == "CMYK" else upright)
    return Opened(image=plain, source_width_px=size[0], source_height_px=size[1], format=facts.format, profile=profile)


def _stream(source: bytes | Path) -> IO[bytes]:
    return source.open("rb") if isinstance(source, Path) else io.BytesIO(source)


def _reduce_while_decoding(image: Image.Image, min_width_px: int, *, turned: bool) -> None:
    """JPEG decodes at 1/2, 1/4 or 1/8 for a fraction of the work."""
    across = image.height if turned else image.width
    share = min(1.0, min_width_px / across)
    image.draft(None, (max(1, round(image.width * share)), max(1, round(image.height * share))))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 where EXIF is absent or broken, as browsers have it."""
    try:
        value = image.getexif().get(_ORIENTATION)
    except (OSError, ValueError, SyntaxError, struct.error, KeyError, TypeError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _first_frame(image: Image.Image, spec: ImageSpec) -> None:
    """Stop at the first frame that shows something; keep an animation whole where the policy keeps them."""
    if not getattr(image, "is_animated", False):
        return
    if spec.animation is Animation.KEEP:
        raise NotForUs("animated")
    if spec.animation is not Animation.STILL:
        raise Animated
    for number in range(MAX_BLANK_FRAMES):
        try:
            image.seek(number)
        except EOFError:
            break
        if not _is_blank(image):
            return
    image.seek(0)


def _is_blank(image: Image.Image) -> bool:
    colours = image.convert("RGBA").getcolors(1)
    return colours is not None


def _plain_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: the upper eight bits
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    see_through = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if see_through:
        image = image.convert("RGBA")
        lowest = image.getchannel("A").getextrema()[0]
        image = image if lowest != 255 else image.convert("RGB")
    elif image.mode in ("1", "L"):
        image = image.convert("L")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    image.info = {}  # savers take profiles and comments from here
    return image


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB by the image's own ICC profile; a profile that is broken or unfit is ignored, as browsers do."""
    if not profile or len(profile) > MAX_PROFILE_BYTES:
        return image if image.mode != "CMYK" else image.convert("RGB")
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        fits = {"RGB ": ("RGB", "RGBA"), "CMYK": ("CMYK",)}.get(own.profile.xcolor_space, ())
        named = (own.profile.profile_description or "").lower()
        if image.mode not in fits or "srgb" in named:
            return image if image.mode != "CMYK" else image.convert("RGB")
        return _converted(image, own)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, struct.error):
        return image if image.mode != "CMYK" else image.convert("RGB")


def _converted(image: Image.Image, own: ImageCms.ImageCmsProfile) -> Image.Image:
    colour = image.convert("RGB") if image.mode == "RGBA" else image
    done = ImageCms.profileToProfile(colour, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert done is not None  # only an in-place conversion returns None
    if image.mode == "RGBA":
        done.putalpha(image.getchannel("A"))
    return done
