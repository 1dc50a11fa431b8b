"""A slide's pixels into the file that learners get.

Laws of this file: WebP only (every browser since 2020 shows it, and the page's alternative text stands for it
elsewhere); letters keep their edges: text has a floor of quality; what a lecture's slides take together has a budget,
and they keep to it as far as all of them stay legible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from policies.frozen import Frozen
from policies.treatments import Animation
from proxy.transforms.image.content import Content, look_at
from proxy.transforms.image.encode import encode
from proxy.transforms.image.size import TEXT_QUALITY_FLOOR, quality_floor
from proxy.transforms.media.lecture.budget import within
from proxy.transforms.media.lecture.values import Drawn
from proxy.transforms.spec import ImageSpec

_MAX_PIXELS = 80_000_000
# Below the usual quality: nine full lines at 960 px lose a tenth, a fifth, a third, and two fifths of their bytes;
# letters of 34 lines in 720 are as sharp as before to the eye but for the last two, which are softer and read without
# effort.
_COARSEST = TEXT_QUALITY_FLOOR
_SMALLER = (0.87, 0.8)


class Form(Frozen, frozen=True):
    """One way to encode a slide. scale: of its sides."""

    quality: int
    scale: float = 1.0


def slide_name(number: int) -> str:
    """The file of the slide's picture; number from 1."""
    return f"slides/{number:03}.webp"


@dataclass(slots=True)
class Slides:
    """The slides of one lecture: `add` each, then `write` all. expected: how many there will be, about."""

    folder: Path
    quality: int
    budget_bytes: int
    expected: int
    first: int = 1
    _made: dict[int, list[tuple[tuple[int, int], bytes]]] = field(default_factory=dict)

    def add(self, picture: int, image: Image.Image) -> None:
        """Encode it; where it takes more than its share, also coarser."""
        content, share_bytes = look_at(image).content, self.budget_bytes / max(1, self.expected)
        made: list[tuple[tuple[int, int], bytes]] = []
        for form in forms_of(self.quality):
            scaled = _scaled(image, form.scale)
            made.append((scaled.size, _encoded(scaled, content, form)))
            if len(made[-1][1]) <= share_bytes:
                break
        self._made[picture] = made

    def write(self) -> dict[int, Drawn]:
        """The files, by picture."""
        kept = within([[len(body) for _, body in forms] for forms in self._made.values()], self.budget_bytes)
        return {
            picture: _written(self.folder, self.first + number, *forms[kept[number]])
            for number, (picture, forms) in enumerate(self._made.items())
        }


def forms_of(quality: int) -> tuple[Form, ...]:
    """From the usual one to the coarsest that is read with ease."""
    least = min(quality, _COARSEST)
    between = dict.fromkeys((quality, (quality + least) // 2, least))
    return (*(Form(number) for number in between), *(Form(least, scale) for scale in _SMALLER))


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return image
    width, height = (max(2, round(side * scale / 2) * 2) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, content: Content, form: Form) -> bytes:
    spec = ImageSpec(
        max_width_px=None,
        max_bytes=None,
        photo_quality=form.quality,
        text_quality=form.quality,
        accepts=frozenset({"image/webp"}),
        animation=Animation.KEEP,
        max_pixels=_MAX_PIXELS,
        effort="background",
    )
    return encode(image, content, spec, max(form.quality, quality_floor(content))).body


def _written(folder: Path, number: int, size: tuple[int, int], body: bytes) -> Drawn:
    name = slide_name(number)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    return Drawn(file=name, width=size[0], height=size[1], bytes=len(body))
