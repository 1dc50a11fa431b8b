"""What an image's first bytes say of it, read without a decoder.

Laws of this file: no decoding, no imports beyond the standard library; every loop advances and ends with the
prefix; hostile bytes give None or an unknown size, never an exception. What is announced here is checked before any
decoder allocates memory for it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from policies.frozen import Frozen

PREFIX_BYTES = 64 * 1024
_JPEG_SIZED = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_HDR_TRANSFERS = frozenset((16, 18))  # PQ and HLG, ITU-T H.273 table 3: eight bits of sRGB can't hold them
_SVG_START = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.S | re.I
)


class ImageFacts(Frozen, frozen=True, kw_only=True):
    """One image as its header announces it.

    format     "jpeg", "png", "gif", "webp", "avif", "heif", "jxl", "bmp", "tiff", "ico" or "svg"
    width_px, height_px  as stored, before any EXIF turn; None where the prefix doesn't reach that far
    animated   more than one frame is announced, or seen in the prefix
    hdr        its transfer curve is PQ or HLG
    """

    format: str
    width_px: int | None = None
    height_px: int | None = None
    animated: bool = False
    hdr: bool = False

    @property
    def pixels(self) -> int | None:
        """Pixels to decode; None if the prefix doesn't say."""
        if self.width_px is None or self.height_px is None:
            return None
        return self.width_px * self.height_px


def image_facts(prefix: bytes) -> ImageFacts | None:
    """Read an image's header from its first bytes (64 KiB are enough); None if it is no image known here."""
    for starts, read in _READERS:
        if prefix.startswith(starts):
            try:
                return read(prefix)
            except (struct.error, IndexError):
                return None
    if prefix[4:8] == b"ftyp":
        return _iso_media(prefix)
    return ImageFacts(format="svg") if _SVG_START.match(prefix[:4096]) else None


def _png(data: bytes) -> ImageFacts | None:
    if data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    animated = hdr = False
    place = 8
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if name == b"IDAT":
            break
        animated |= name == b"acTL" and length >= 4 and struct.unpack_from(">I", data, place + 8)[0] > 1
        hdr |= name == b"cICP" and data[place + 9] in _HDR_TRANSFERS
        place += 12 + length
    return ImageFacts(format="png", width_px=width, height_px=height, animated=animated, hdr=hdr)


def _gif(data: bytes) -> ImageFacts:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = 0
    looping = False
    while place < len(data) and frames < 2:
        if data[place] == 0x2C:
            frames += 1
            if place + 10 > len(data):
                break
            packed = data[place + 9]
            place = _after_sub_blocks(data, place + 11 + (3 << (packed & 7) + 1 if packed & 0x80 else 0))
        elif data[place] == 0x21:
            looping |= data[place + 1 : place + 2] == b"\xff"
            place = _after_sub_blocks(data, place + 2)
        else:
            break
    cut_short = place >= len(data)
    return ImageFacts(format="gif", width_px=width, height_px=height, animated=frames > 1 or (looping and cut_short))


def _after_sub_blocks(data: bytes, place: int) -> int:
    while place < len(data) and data[place]:
        place += data[place] + 1
    return place + 1


def _jpeg(data: bytes) -> ImageFacts:
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
        elif marker in _JPEG_SIZED:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return ImageFacts(format="jpeg", width_px=width, height_px=height)
        elif marker in (0xD9, 0xDA):
            break
        else:
            place += 2 if 0xD0 <= marker <= 0xD8 or marker == 1 else 2 + struct.unpack_from(">H", data, place + 2)[0]
    return ImageFacts(format="jpeg")


def _riff(data: bytes) -> ImageFacts | None:
    if data[8:12] != b"WEBP":
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return ImageFacts(format="webp", width_px=width, height_px=height, animated=bool(data[20] & 2))
    if chunk == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return ImageFacts(format="webp", width_px=(bits & 0x3FFF) + 1, height_px=(bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageFacts(format="webp", width_px=width & 0x3FFF, height_px=height & 0x3FFF)
    return None


def _iso_media(data: bytes) -> ImageFacts | None:
    """AVIF and HEIF: the largest `ispe` announced is the canvas (ISO/IEC 23008-12, 6.5.3)."""
    length = struct.unpack_from(">I", data, 0)[0]
    brands = data[8:12] + data[16 : max(16, min(length, 256))]
    if b"avif" in brands or b"avis" in brands:
        name = "avif"
    elif any(brand in brands for brand in (b"heic", b"heix", b"mif1", b"msf1")):
        name = "heif"
    else:
        return None
    sizes = [
        struct.unpack_from(">II", data, found.end() + 4)
        for found in re.finditer(b"ispe", data)
        if found.end() + 12 <= len(data)
    ]
    width, height = max(sizes, key=lambda size: size[0] * size[1]) if sizes else (None, None)
    curve = data.find(b"colrnclx")
    hdr = curve >= 0 and data[curve + 10 : curve + 12] in {value.to_bytes(2, "big") for value in _HDR_TRANSFERS}
    return ImageFacts(format=name, width_px=width, height_px=height, animated=b"avis" in brands, hdr=hdr)


def _bmp(data: bytes) -> ImageFacts:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        return ImageFacts(format="bmp", width_px=width, height_px=height)
    width, height = struct.unpack_from("<ii", data, 18)
    return ImageFacts(format="bmp", width_px=abs(width), height_px=abs(height))


def _sizeless(name: str) -> Callable[[bytes], ImageFacts | None]:
    return lambda _data: ImageFacts(format=name)


_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], ImageFacts | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    ((b"GIF87a", b"GIF89a"), _gif),
    (b"RIFF", _riff),
    (b"BM", _bmp),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _sizeless("tiff")),
    (b"\0\0\1\0", _sizeless("ico")),
    ((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"), _sizeless("jxl")),
)
