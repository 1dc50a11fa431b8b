"""Pictures inside documents: smaller, in channels as they are stored, so that colour spaces needn't be understood.

Laws of this file: pixels in, bytes out; deterministic; nothing but pixels is written. Quality is on JPEG's scale.
"""

from __future__ import annotations

import io
import struct

from PIL import Image

from policies.frozen import Frozen

SHARP_QUALITY = 62  # the least for letters: JPEG's ripple around them is read as dirt
_FEW_COLOURS = 256
_DRAWN_COLOURS = 64
_GREYS = 16


class Packed(Frozen, frozen=True, kw_only=True):
    """Samples behind PNG's predictors, deflated. palette: of `bits` wide indices, None for direct samples."""

    body: bytes
    channels: int
    bits: int
    palette: bytes | None = None

    @property
    def length_bytes(self) -> int:
        return len(self.body) + len(self.palette or b"")


def shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def jpeg(image: Image.Image, quality: int, *, sharp: bool = False, **extra: object) -> bytes:
    """A progressive JPEG. sharp: colour keeps its resolution, for coloured letters."""
    target = io.BytesIO()
    sampling = "4:4:4" if sharp else "4:2:0"
    options = {"subsampling": sampling} if image.mode == "RGB" else {}
    image.save(target, "JPEG", quality=quality, progressive=True, optimize=True, **options, **extra)
    return target.getvalue()


def drawn(image: Image.Image) -> Image.Image:
    """The same drawing in few colours: without loss where it has few, else its nearest. No dither."""
    if image.mode == "L":
        few = image.point([round(value * (_GREYS - 1) / 255) for value in range(256)])
        few.putpalette(bytes(round(shade * 255 / (_GREYS - 1)) for shade in range(_GREYS) for _ in "rgb"))
        return few
    counted = image.getcolors(_FEW_COLOURS)
    colours = len(counted) if counted is not None else _DRAWN_COLOURS
    return image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def packed(image: Image.Image) -> Packed:
    """An L, RGB or P image as a PDF's FlateDecode stream with PNG predictors (ISO 32000-2, 7.4.4.4).

    What `drawn` made of grey is 4 bits of grey: an index is its shade.
    """
    grey = image.mode == "P" and _is_grey_ramp(image)
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True)
    body, palette, head = b"", None, (8, 0)
    for name, data in _chunks(target.getvalue()):
        if name == b"IHDR":
            head = (data[8], data[9])
        elif name == b"PLTE":
            palette = None if grey else data
        elif name == b"IDAT":
            body += data
    return Packed(body=body, channels=3 if head[1] == 2 else 1, bits=head[0], palette=palette)


def _is_grey_ramp(image: Image.Image) -> bool:
    return image.getpalette() == [round(shade * 255 / (_GREYS - 1)) for shade in range(_GREYS) for _ in "rgb"]


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], 8
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        found.append((name, png[place + 8 : place + 8 + length]))
        place += 12 + length
    return found
