"""Everything heavy that the sample course serves, made once and kept.

Laws: deterministic (seeded, no dates in files); a part is made again only when the source that makes it changed;
two processes that build into one folder wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.demo.course.assets import diagrams, documents, photos, screens, shell, slides, video

_HERE = Path(__file__).parent
_STATIC = _HERE.parent / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One folder of assets: what makes it, and the sources whose change makes it stale."""

    name: str
    title: str
    make: Callable[[Path], None]
    sources: tuple[str, ...]


PARTS: tuple[Part, ...] = (
    Part(
        name="shell",
        title="scripts, styles and font of the shell",
        make=lambda root: shell.build(root / "shell"),
        sources=("shell.py", "filler.py", "../static/js/*.js", "../static/css/*.css", "../static/fonts/*.woff2"),
    ),
    Part(
        name="diagrams",
        title="diagrams and faces",
        make=lambda root: diagrams.build(root / "diagrams"),
        sources=("diagrams.py", "drawing.py"),
    ),
    Part(
        name="screens",
        title="screenshots",
        make=lambda root: screens.build(root / "screens"),
        sources=("screens.py", "drawing.py"),
    ),
    Part(
        name="slides",
        title="slides",
        make=lambda root: slides.build(root / "slides"),
        sources=("slides.py", "drawing.py"),
    ),
    Part(
        name="photos",
        title="photographs of 12 megapixels",
        make=lambda root: photos.build(root / "photos"),
        sources=("photos.py", "scenes.py", "drawing.py"),
    ),
    Part(
        name="documents",
        title="documents",
        make=lambda root: documents.build(root / "slides", root / "photos", root / "documents"),
        sources=("documents.py", "slides.py", "photos.py", "scenes.py", "drawing.py"),
    ),
    Part(
        name="video",
        title="the lecture and its HLS ladder",
        make=lambda root: video.build(root / "slides", root / "video"),
        sources=("video.py", "slides.py", "drawing.py"),
    ),
)


def version() -> str:
    """A short digest of everything that assets are made from; names a folder that can be shared."""
    return hashlib.sha256("".join(_stamp(part) for part in PARTS).encode()).hexdigest()[:12]


def build_assets(data_dir: Path, *, progress: Callable[[str], None] | None = None) -> None:
    """Make in `data_dir` whatever is missing or stale; about half a minute from nothing, at once when all is there.

    Raises video.FfmpegMissing when a video has to be made and there is no ffmpeg.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir / ".lock"):
        for part in PARTS:
            mark = data_dir / f".{part.name}.stamp"
            if mark.exists() and mark.read_text() == _stamp(part):
                continue
            if progress is not None:
                progress(f"making {part.title}")
            shutil.rmtree(data_dir / part.name, ignore_errors=True)
            (data_dir / part.name).mkdir()
            part.make(data_dir)
            mark.write_text(_stamp(part))


def _stamp(part: Part) -> str:
    digest = hashlib.sha256()
    for pattern in part.sources:
        base, name = (_STATIC, pattern.removeprefix("../static/")) if pattern.startswith("../") else (_HERE, pattern)
        for path in sorted(base.glob(name)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
