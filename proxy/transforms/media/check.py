"""What a recipe made is looked at before anybody gets it.

Laws of this file: exit status 0 proves nothing (ffmpeg ends well on half a file); a result has the streams that it
must have, lasts as long as its source, isn't empty, and is smaller than its source.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterable
from pathlib import Path

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import MediaMade, MediaOutcome, ToolFailed, Workbench
from proxy.transforms.media.webm import sound_in

TOLERANCE_S, TOLERANCE_SHARE = 2.0, 0.02
# Containers that don't say how long they last: ffmpeg guesses by the bit rate of what it has seen.
_GUESSED = frozenset(("mp3", "aac", "amr", "mpegts", "mpeg", "mpegvideo"))


def claimed_s(info: MediaInfo) -> float | None:
    """How long the source says that it lasts; None where nothing may be held against that."""
    return None if info.container in _GUESSED else info.duration_s


async def looked_at(
    path: Path, bench: Workbench, *, video: bool, sound: bool, expected_s: float | None
) -> tuple[str, MediaInfo | None]:
    """("", what is in it) of a film or a sound that was made and is as it must be; else (what is wrong, None).

    "empty", "no-video", "no-sound", "too-short", "too-long", or "unreadable". expected_s None: any length will do.
    """
    try:
        info = await asyncio.to_thread(sound_in, path) or await probe(path, bench)
    except ToolFailed:
        return "unreadable", None
    fault = ""
    if info.length_bytes == 0 or not info.duration_s:
        fault = "empty"
    elif video and info.video is None:
        fault = "no-video"
    elif sound and info.sound is None:
        fault = "no-sound"
    elif expected_s is not None:
        fault = _of_length(info.duration_s, expected_s)
    return fault, None if fault else info


def _of_length(found_s: float, expected_s: float) -> str:
    tolerance_s = max(TOLERANCE_S, expected_s * TOLERANCE_SHARE)
    if found_s < expected_s - tolerance_s:
        return "too-short"
    return "too-long" if found_s > expected_s + tolerance_s else ""


def checked_files(made: MediaMade, folder: Path, below_bytes: int | None) -> MediaOutcome:
    """The outcome itself if its files are there as it says, and smaller together than below_bytes (None: any size).

    Unchanged("not-smaller"), or Refused("incomplete") where a file is missing, strange or of another length.
    """
    try:
        lengths = [_file_bytes(folder / name) for name in made.files if _is_inside(name)]
    except (OSError, ValueError):
        return Refused(why="incomplete")
    if len(lengths) != len(made.files) or made.main not in made.files or sum(lengths) != made.length_bytes:
        return Refused(why="incomplete")
    if below_bytes is not None and made.length_bytes >= below_bytes:
        return Unchanged(why="not-smaller")
    return made


def _file_bytes(path: Path) -> int:
    """Length of a plain file. Raises OSError, and ValueError for a link, a folder or an empty file."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
        raise ValueError(path)
    return found.st_size


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and not name.startswith("/") and ".." not in parts and "" not in parts


def remove_strays(folder: Path, keep: Iterable[str]) -> None:
    """Take away everything under the folder that isn't named; links are removed, never followed."""
    wanted = {folder / name for name in keep}
    for path in sorted(folder.rglob("*"), key=lambda found: -len(found.parts)):
        if path in wanted and not path.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)
