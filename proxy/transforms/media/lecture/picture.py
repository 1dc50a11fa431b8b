"""A slide's pixels into the file that learners get.

Laws of this file: WebP only (every browser since 2020 shows it, and the page's alternative text stands for it
elsewhere); letters keep their edges: text has a floor of quality.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from policies.treatments import Animation
from proxy.transforms.image.content import look_at
from proxy.transforms.image.encode import encode
from proxy.transforms.image.size import quality_floor
from proxy.transforms.media.lecture.values import Drawn
from proxy.transforms.spec import ImageSpec

_MAX_PIXELS = 80_000_000


def slide_name(number: int) -> str:
    """The file of the slide's picture; number from 1."""
    return f"slides/{number:03}.webp"


def write_slide(image: Image.Image, folder: Path, number: int, quality: int) -> Drawn:
    """Encode the picture (RGB) and write it."""
    content = look_at(image).content
    spec = ImageSpec(
        max_width_px=None,
        max_bytes=None,
        photo_quality=quality,
        text_quality=quality,
        accepts=frozenset({"image/webp"}),
        animation=Animation.KEEP,
        max_pixels=_MAX_PIXELS,
        effort="background",
    )
    made = encode(image, content, spec, max(quality, quality_floor(content)))
    name = slide_name(number)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(made.body)
    return Drawn(file=name, width=image.width, height=image.height, bytes=len(made.body))
