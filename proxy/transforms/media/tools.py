"""Which ffmpeg is used: the system's if it is fit, else the one of the package imageio-ffmpeg, else none.

Laws of this file: a tool is fit when it can write everything that the recipes write, by its own word; it is asked
once a process, whoever asks first; each question costs a tenth of a second, so no more are put than it takes. It is
asked outside the jail, for it is the operator's program, and no foreign file is involved.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from policies.frozen import Frozen

SETTING = "TROPA_FFMPEG"  # a path in the environment: that program or none
ENCODERS = frozenset(("libx264", "aac", "libopus", "libwebp"))
FILTERS = frozenset(("loudnorm", "dynaudnorm", "scale", "fps"))
_ASK_S = 20
# What a build's own configuration must name for all of these to be in it (the others are part of every build), and what
# it may say only where some were left out. https://git.ffmpeg.org/gitweb/ffmpeg.git/blob/HEAD:/configure
_ENABLES = frozenset(("--enable-libx264", "--enable-libopus", "--enable-libwebp"))
_LEAVES_OUT = re.compile(r"--disable-(everything|all|encoder|filter|avcodec|avfilter|swscale|swresample)")
_LOOKING = threading.Lock()


class Tool(Frozen, frozen=True, kw_only=True):
    """An ffmpeg that can be used. ffprobe: the one beside it, None where there is none."""

    ffmpeg: Path
    ffprobe: Path | None
    version: str


class Examined(Frozen, frozen=True, kw_only=True):
    """A program and what it said. missing: what the recipes need and it lacks; error: why it doesn't start, else ""."""

    ffmpeg: Path
    version: str = ""
    missing: tuple[str, ...] = ()
    error: str = ""

    @property
    def fit(self) -> bool:
        return not self.missing and not self.error


def find_ffmpeg() -> Tool | None:
    """The first fit program; None: films and sound can't be made smaller here. Takes a tenth of a second, once."""
    with _LOOKING:
        return _chosen(os.environ.get(SETTING, ""), os.environ.get("PATH", ""))


def look_ahead() -> None:
    """Begin to look, so that whoever needs the answer a little later has it."""
    threading.Thread(target=find_ffmpeg, name="ffmpeg", daemon=True).start()


@functools.lru_cache(maxsize=8)
def _chosen(setting: str, path: str) -> Tool | None:
    for found in examined():
        if found.fit:
            return Tool(ffmpeg=found.ffmpeg, ffprobe=_probe_beside(found.ffmpeg), version=found.version)
    return None


def examined() -> tuple[Examined, ...]:
    """Every candidate in the order of preference, asked anew, up to the first that is fit."""
    told: list[Examined] = []
    for path in _candidates():
        told.append(_examine(path))
        if told[-1].fit:
            break
    return tuple(told)


def _candidates() -> Iterator[Path]:
    if setting := os.environ.get(SETTING):
        yield Path(setting)
        return
    if found := shutil.which("ffmpeg"):
        yield Path(found)
    try:
        yield Path(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return


def _probe_beside(ffmpeg: Path) -> Path | None:
    """The ffprobe of the same build: one of another build may say other things."""
    path = ffmpeg.with_name("ffprobe")
    return path if path.is_file() and os.access(path, os.X_OK) else None


def _examine(path: Path) -> Examined:
    try:
        told = _said(path, "-version")
        missing = () if _has_all(told) else _missing(path)
    except (OSError, subprocess.SubprocessError) as error:
        return Examined(ffmpeg=path, error=str(error))
    version = told.partition("\n")[0].removeprefix("ffmpeg version ").partition(" ")[0]
    return Examined(ffmpeg=path, version=version, missing=missing)


def _has_all(told: str) -> bool:
    """Whether the configuration alone says that nothing is missing; where its libraries are of another build
    ("configuration mismatch"), it says nothing."""
    configured = told.partition("configuration: ")[2].partition("\n")[0]
    return set(configured.split()) >= _ENABLES and not _LEAVES_OUT.search(configured) and "mismatch" not in told


def _missing(path: Path) -> tuple[str, ...]:
    encoders, filters = _names(_said(path, "-encoders")), _names(_said(path, "-filters"))
    return tuple(sorted((ENCODERS - encoders) | (FILTERS - filters)))


def _said(path: Path, option: str) -> str:
    done = subprocess.run(  # noqa: S603 - the operator's own program
        [path, "-hide_banner", option] if option != "-version" else [path, option],
        capture_output=True, text=True, errors="replace", timeout=_ASK_S, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def _names(listing: str) -> frozenset[str]:
    """The second word of each line: " V....D libx264   H.264 …"."""
    return frozenset(words[1] for line in listing.splitlines() if len(words := line.split()) > 1)
