"""One picture of an office document as a smaller file that the same programs open.

Laws of this file: never larger; a turned camera picture stays turned the same way; its size on paper stays where a
document takes it from the picture; what isn't understood, moves or is a drawing of lines stays.
"""

from __future__ import annotations

import io
import struct

from PIL import Image

from policies.frozen import Frozen
from proxy.transforms.image.content import Content, look_at
from proxy.transforms.image.decode import to_srgb
from proxy.transforms.image.size import target_width_px
from proxy.transforms.media.documents.pictures import SHARP_QUALITY, drawn, jpeg, shrunk
from proxy.transforms.media.documents.values import MAX_PIXELS
from proxy.transforms.media.spec import OfficeSpec

FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "png": "PNG", "bmp": "BMP", "tif": "TIFF", "tiff": "TIFF"}
_MIN_SOURCE_BYTES = 8192
_FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)
_MOST_OF_SOURCE, _MOST_OF_SOURCE_AS_IT_IS = 0.95, 0.80
_ORIENTATION = 0x0112
_SCREEN_DPI = 96.0
_EXTENSIONS = {"JPEG": "jpeg", "PNG": "png"}


class Smaller(Frozen, frozen=True, kw_only=True):
    body: bytes
    extension: str  # "jpeg" or "png"


def smaller_picture(body: bytes, extension: str, spec: OfficeSpec, *, may_rename: bool) -> Smaller | None:
    """A smaller file, None to leave it. may_rename: another format may be better and its new name can be told."""
    wanted = FORMATS.get(extension.lower())
    if wanted is None or len(body) < _MIN_SOURCE_BYTES:
        return None
    if not may_rename and wanted not in _EXTENSIONS:
        return None
    try:
        with Image.open(io.BytesIO(body), formats=(wanted,)) as image:
            if image.width * image.height > MAX_PIXELS or getattr(image, "n_frames", 1) > 1:
                return None
            kinds = frozenset(_EXTENSIONS) if may_rename else frozenset((wanted,))
            return _made(image, len(body), wanted, spec, kinds)
    except (*_FAULTS, Image.DecompressionBombError):
        return None


def _made(
    image: Image.Image, source_bytes: int, wanted: str, spec: OfficeSpec, kinds: frozenset[str]
) -> Smaller | None:
    full, dpi, turn = image.size, image.info.get("dpi"), _turn(image)
    plain = _plain(image, spec.max_width_px)
    if plain is None:
        return None
    look = look_at(plain)
    width_px = min(target_width_px(full[0], look, spec.max_width_px), plain.width)
    size = (width_px, max(1, round(full[1] * width_px / full[0])))
    extra = {"dpi": _scaled_dpi(dpi, width_px / full[0]), **turn}
    rivals = _rivals(shrunk(plain, size), look.content, spec, kinds, extra)
    if look.content is Content.TEXT and wanted == "PNG" and plain.mode != "RGBA" and size != full:
        # A drawing of few colours is often smaller at its full size than with the shades that reducing gives it.
        rivals["PNG"] = min(rivals["PNG"], _png(drawn(plain), dpi=_scaled_dpi(dpi, 1.0)), key=len)
    if not rivals:
        return None
    kind, best = min(rivals.items(), key=lambda rival: len(rival[1]))
    as_it_is = kind == "JPEG" == wanted and size == full
    if len(best) > source_bytes * (_MOST_OF_SOURCE_AS_IT_IS if as_it_is else _MOST_OF_SOURCE):
        return None
    return Smaller(body=best, extension=_EXTENSIONS[kind])


def _plain(image: Image.Image, max_width_px: int) -> Image.Image | None:
    """sRGB pixels in mode L, RGB or RGBA, upright or not as they are stored; None for what has more to it."""
    profile = image.info.get("icc_profile") or b""
    if image.format == "JPEG":
        image.draft(None, (4 * max_width_px, 4 * max_width_px))
    image.load()
    if image.mode in ("1", "CMYK") or image.mode.startswith(("I", "F")):
        return None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] == 255:
            image = image.convert("RGB")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    made = to_srgb(image, profile)
    made.info = {}
    return made


def _rivals(
    image: Image.Image, content: Content, spec: OfficeSpec, kinds: frozenset[str], extra: dict[str, object]
) -> dict[str, bytes]:
    """Encodings worth trying, by format. Transparency stays a PNG with all its shades."""
    dpi, text = extra["dpi"], content is Content.TEXT
    if image.mode == "RGBA":
        return {"PNG": _png(image, dpi=dpi)} if "PNG" in kinds else {}
    made = {}
    if "JPEG" in kinds:
        quality = max(spec.quality, SHARP_QUALITY) if text else spec.quality
        made["JPEG"] = jpeg(image, quality, sharp=text, **extra)
    if "PNG" in kinds and (text or not made):
        made["PNG"] = _png(drawn(image) if text else image, dpi=dpi)
    return made


def _png(image: Image.Image, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True, **options)
    return target.getvalue()


def _turn(image: Image.Image) -> dict[str, object]:
    """The orientation that the camera noted, and nothing else that it noted."""
    turned = image.getexif().get(_ORIENTATION, 1)
    if not isinstance(turned, int) or not 2 <= turned <= 8:
        return {}
    kept = Image.Exif()
    kept[_ORIENTATION] = turned
    return {"exif": kept.tobytes()}


def _scaled_dpi(dpi: object, share: float) -> tuple[float, float]:
    """Tiled fills and some programs size a picture by it: fewer pixels to the inch, the same inches."""
    across, down = dpi if isinstance(dpi, tuple) and len(dpi) == 2 else (_SCREEN_DPI, _SCREEN_DPI)
    return (max(1.0, float(across) * share), max(1.0, float(down) * share))
