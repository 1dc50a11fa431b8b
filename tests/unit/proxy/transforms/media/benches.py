"""Benches for tests: a folder of their own, the machine's ffmpeg, and what is left running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from proxy.transforms.media.jail import Limits
from proxy.transforms.media.probe import MediaInfo, SoundStream, probe
from proxy.transforms.media.tools import Tool, find_ffmpeg
from proxy.transforms.media.workbench import Bench

TOOL = find_ffmpeg()
_others: set[int] = set()  # what ran before: servers that other tests share
A_MINUTE_OF_SPEECH = MediaInfo(
    container="mov", length_bytes=1_000_000, duration_s=60.0, bitrate_bps=130_000,
    sound=SoundStream(index=1, codec="aac", channels=2, rate_hz=44_100),
)  # fmt: skip
needs_ffmpeg = pytest.mark.skipif(TOOL is None, reason="there is no ffmpeg here")


def bench(tmp_path: Path, *, limits: Limits | None = None, on_progress: Callable[[float], None] | None = None) -> Bench:
    """A bench in a new folder under tmp_path."""
    _others.update(child.pid for child in psutil.Process().children())
    folder = tmp_path / "bench"
    folder.mkdir(exist_ok=True)
    return Bench(folder, TOOL, limits=limits, on_progress=on_progress)


def without_ffprobe() -> Tool:
    assert TOOL is not None
    return replace(TOOL, ffprobe=None)


async def info_of(path: Path, tmp_path: Path) -> MediaInfo:
    return await probe(path, bench(tmp_path))


async def tools_running() -> list[str]:
    """What was started since the bench was made and is still there, a moment after the last was told to go."""
    await asyncio.sleep(0.05)
    return [
        inner.name()
        for child in psutil.Process().children()
        if child.pid not in _others
        for inner in (child, *child.children(recursive=True))
        if inner.name() != "resource_tracker"
    ]
