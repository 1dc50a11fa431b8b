"""Chapters of a film carried into what is made of it, by their names and nothing else of its metadata.

ffmpeg copies a chapter's name only together with everything else that a file says of itself (place, device, times), so
chapters are written down by us and given to it as a second input. Source: ffmpeg-formats(1), "Metadata".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from proxy.transforms.media.probe import Chapter

_NAME = "chapters.ffmetadata"


@contextmanager
def written_chapters(chapters: Sequence[Chapter], folder: Path, *, start_s: float = 0.0) -> Iterator[Path | None]:
    """A file of these chapters for `with_chapters`, while it is needed; None: there are none.

    start_s: where in the film the result begins; earlier chapters are left out.
    """
    told = chapter_text(chapters, start_s)
    if not told:
        yield None
        return
    path = folder / _NAME
    path.write_text(told, encoding="utf-8")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def chapter_text(chapters: Sequence[Chapter], start_s: float = 0.0) -> str:
    """The chapters in ffmpeg's own form; "" if none is left."""
    parts = []
    for chapter in chapters:
        begin, end = round((chapter.start_s - start_s) * 1000), round((chapter.end_s - start_s) * 1000)
        if end <= max(0, begin):
            continue
        title = re.sub(r"([=;#\\\n])", r"\\\1", chapter.title.replace("\0", "").replace("\r", " "))
        parts.append(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={max(0, begin)}\nEND={end}\ntitle={title}\n")
    return ";FFMETADATA1\n" + "".join(parts) if parts else ""


def with_chapters(args: Sequence[str], path: Path | None) -> list[str]:
    """Arguments of one input and one output, by which the output has these chapters and no other metadata."""
    if path is None:
        return [*args[:-1], "-map_metadata", "-1", "-map_chapters", "-1", args[-1]]
    behind_input = list(args).index("-i") + 2
    second = ["-f", "ffmetadata", "-i", str(path)]
    mapped = ["-map_metadata", "1", "-map_metadata:s", "1:g", "-map_chapters", "1"]
    return [*args[:behind_input], *second, *args[behind_input:-1], *mapped, args[-1]]
