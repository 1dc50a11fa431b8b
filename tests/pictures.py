"""Pictures for tests, drawn from fixed seeds: photographs, screens of text, animations, bombs, broken files.

Laws: what was drawn once in a process, or encoded once on this machine, is not made again; each asker gets a picture of
its own.
"""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from collections import OrderedDict
from functools import lru_cache

import PIL
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from policies.treatments import Animation
from proxy.transforms.spec import ImageSpec
from tests.media_samples import kept

WEBP = frozenset({"image/webp"})
EVERY = frozenset({"image/webp", "image/avif"})


def spec(
    *,
    max_width_px: int | None = 400,
    max_bytes: int | None = None,
    quality: int = 40,
    accepts: frozenset[str] = WEBP,
    animation: Animation = Animation.KEEP,
    max_pixels: int = 80_000_000,
    effort: str = "live",
    drawing: bool = False,
) -> ImageSpec:
    return ImageSpec(
        max_width_px=max_width_px,
        max_bytes=max_bytes,
        photo_quality=quality,
        text_quality=quality,
        accepts=accepts,
        animation=animation,
        max_pixels=max_pixels,
        effort=effort,
        drawing=drawing,
    )


def photo(width: int = 900, height: int = 600, seed: int = 1) -> Image.Image:
    """Soft shapes under sensor noise: few hard edges, as in a photograph."""
    return _photo(width, height, seed).copy()


@lru_cache(maxsize=32)
def _photo(width: int, height: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    image = Image.new("RGB", (width, height), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, r = rng.randrange(width), rng.randrange(height), rng.randrange(20, 200)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(rng.randrange(30, 220) for _ in range(3)))
    noise = Image.frombytes("L", (width, height), rng.randbytes(width * height)).convert("RGB")
    return Image.blend(image.filter(ImageFilter.GaussianBlur(9)), noise, 0.06)


def screen(width: int = 1366, height: int = 768, seed: int = 1) -> Image.Image:
    """A screenshot: lines of small text on flat ground."""
    return _screen(width, height, seed).copy()


@lru_cache(maxsize=8)
def _screen(width: int, height: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 44), fill=(20, 80, 140))
    font = ImageFont.load_default(13)
    for row in range(60, height - 20, 22):
        words = " ".join("".join(rng.choice("aeioutrnskl") for _ in range(rng.randrange(2, 9))) for _ in range(18))
        draw.text((20, row), words, font=font, fill=(33, 37, 41))
    return image


_MOST_SAVED = 48
_SAVED: OrderedDict[tuple[object, ...], bytes] = OrderedDict()


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    try:
        key = (kind, _worth(image), *((name, _worth(value)) for name, value in sorted(options.items())))
    except TypeError:
        return _encoded(image, kind, options)
    if key not in _SAVED:
        name = hashlib.blake2b(repr((PIL.__version__, key)).encode(), digest_size=16).hexdigest()
        path = kept(f"picture-{name}", lambda path: path.write_bytes(_encoded(image, kind, options)))
        _SAVED[key] = path.read_bytes()
        while len(_SAVED) > _MOST_SAVED:
            _SAVED.popitem(last=False)
    return _SAVED[key]


def _encoded(image: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def _worth(value: object) -> object:
    """What of it the encoded bytes depend on. Raises TypeError where that is more than pixels and plain values."""
    if isinstance(value, Image.Image):
        if value.mode not in ("L", "RGB", "RGBA", "CMYK") or value.info or value.getexif():
            raise TypeError("a palette or metadata")
        return value.mode, value.size, hashlib.blake2b(value.tobytes(), digest_size=16).digest()
    if isinstance(value, (list, tuple)):
        return tuple(_worth(part) for part in value)
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    raise TypeError("not plain")


def animation(kind: str = "GIF", *, blank_first: bool = False) -> bytes:
    frames = [photo(200, 150, seed=number) for number in range(4)]
    if blank_first:
        frames.insert(0, Image.new("RGB", (200, 150), "white"))
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=80, loop=0)


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Three and a half thousand megapixels in a few kilobytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(bytes(2_000_000))) * 2


def png_text_bomb() -> bytes:
    """A small picture whose comment unpacks to sixteen megabytes."""
    whole = saved(photo(300, 200), "PNG")
    place = 8 + 25
    text = b"Comment\0\0" + zlib.compress(bytes(16 << 20))
    return whole[:place] + png_chunk(b"zTXt", text) + whole[place:]


def gif_bomb() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF7, 0, 0) + bytes(768) + b"," + struct.pack(
        "<HHHHB", 0, 0, 65535, 65535, 0
    ) + b"\x08\x02\x00\x01\x00\x3b" + bytes(1024)  # fmt: skip


def webp_bomb() -> bytes:
    """An extended WebP that announces the largest canvas its header can hold."""
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff\xff\xff" + b"\xff\xff\xff"
    body = b"WEBP" + canvas + saved(photo(100, 80), "WEBP")[12:] + bytes(1024)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_bomb() -> bytes:
    """A real AVIF whose announced size was changed to 65535 by 65535."""
    whole = saved(photo(300, 200), "AVIF")
    place = whole.index(b"ispe") + 8
    return whole[:place] + struct.pack(">II", 65535, 65535) + whole[place + 8 :]


def bmp_bomb() -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 2000, 0, 0, 54) + head + bytes(2000)


def tiff_bomb() -> bytes:
    entries = [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + fields + bytes(2000)
