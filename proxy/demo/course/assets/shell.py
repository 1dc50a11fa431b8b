"""The weight that every page of an LMS drags along: scripts, styles and a font, each packed once with gzip.

Targets are gzip sizes measured on a stock Moodle 4.5; what a person wrote stands first in each file and works,
the rest is filler.
"""

from __future__ import annotations

import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path

from proxy.demo.course.assets import filler
from proxy.demo.course.assets.drawing import FONT_FILE

STATIC = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellPart:
    """One static file of the shell: its name, the written sources it begins with, its weight under gzip -6."""

    name: str
    sources: tuple[str, ...]
    seed: int
    gzip_bytes: int


PARTS: tuple[ShellPart, ...] = (
    ShellPart(
        name="first.js",
        sources=("js/amd.js", "js/ui.js", "js/players.js", "js/hls.js", "js/quiz.js", "js/chat.js", "js/upload.js"),
        seed=11,
        gzip_bytes=675_000,
    ),
    ShellPart(
        name="all.css", sources=("css/theme.css", "css/course.css", "css/activities.css"), seed=12, gzip_bytes=158_000
    ),
    ShellPart(name="yui.js", sources=("js/yui.js",), seed=13, gzip_bytes=84_000),
    ShellPart(name="mathjax.js", sources=("js/mathjax.js",), seed=14, gzip_bytes=64_000),
    ShellPart(name="polyfill.js", sources=("js/polyfill.js",), seed=15, gzip_bytes=61_000),
)


def make(part: ShellPart) -> bytes:
    """The file's bytes before packing."""
    head = b"\n".join((STATIC / source).read_bytes() for source in part.sources)
    build_one = filler.styles if part.name.endswith(".css") else filler.script
    return build_one(head, seed=part.seed, gzip_bytes=part.gzip_bytes)


def build(folder: Path) -> None:
    """Write each file twice: as it is and packed."""
    for part in PARTS:
        data = make(part)
        (folder / part.name).write_bytes(data)
        (folder / f"{part.name}.gz").write_bytes(gzip.compress(data, 6, mtime=0))
    shutil.copyfile(FONT_FILE, folder / "course-sans.woff2")
