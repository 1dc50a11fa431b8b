"""How loud a sound is, and the gain that mends it; of a short file in the same run that tells what is in it.

Laws: loudness is measured over the whole (ITU-R BS.1770) or over the first minutes, where nobody waits for the rest; a
tool's start costs as much processor time as encoding several seconds of speech, so that short files get one start for
both questions.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import ffmpeg

from proxy.transforms.media.jail import LISTENING
from proxy.transforms.media.probe import MediaInfo, probe, probe_beside
from proxy.transforms.media.spec import ToolFailed, Workbench

LOUDNESS_LUFS = -18.0  # one channel heard from both sides is 3 LU louder than it is measured
MAX_GAIN_DB = 20.0  # what is quieter was not meant to be heard
RUMBLE_HZ = 80  # below speech: tables, wind, hum
_SILENCE_LUFS = -60.0
_MEASURED_HZ = 24_000
_SUMMARY = re.compile(r"^\s+I:\s+(-?[\d.]+|-?inf|nan) LUFS", re.MULTILINE)
_MEASURING_SHARE = 0.2
# What may turn out to need no making was listened to in vain: of so much, for some seconds of a core.
_SHORT_BYTES = 32 << 20


async def heard(source: Path, bench: Workbench, *, first_s: float | None = None) -> tuple[MediaInfo, str | None]:
    """What is in a file, and the log of listening to it where that came along; None: it is to be listened to yet.

    first_s: listen to so much of it, None: to all. Raises ToolFailed.
    """
    if (await asyncio.to_thread(source.stat)).st_size > _SHORT_BYTES:
        return await probe(source, bench), None
    args = listening_args(source, "a:0", first_s=first_s)
    try:
        info, log = await probe_beside(source, args, bench)
    except ToolFailed:  # no sound in it, or damage: whoever makes something of it meets that again
        return await probe(source, bench), None
    if info.sound is None or info.sound.index != info.first_sound:
        return (info if info.sound is not None else await probe(source, bench)), None
    return info, log


async def gain_of(
    source: Path, info: MediaInfo, bench: Workbench, log: str | None, *, first_s: float | None = None
) -> float:
    """Decibels that bring its sound to LOUDNESS_LUFS. log: as `heard` gave it. Raises ToolFailed."""
    if log is None:
        deadline_s = bench.limits.deadline_s(info.duration_s, LISTENING)
        log = await bench.ffmpeg(measuring_args(source, info, first_s=first_s), reads=[source], deadline_s=deadline_s)
    bench.progress(_MEASURING_SHARE)
    return gain_for(measured_lufs(log))


def measuring_args(source: Path | str, info: MediaInfo, *, first_s: float | None = None) -> list[str]:
    """ffmpeg's arguments that only listen; first_s: to so much of it, None: to all."""
    assert info.sound is not None
    return listening_args(source, str(info.sound.index), first_s=first_s)


def listening_args(source: Path | str, stream: str, *, first_s: float | None) -> list[str]:
    """The same for a stream by its specifier. The frames' own lines are left out of the log: they would fill it."""
    sound = ffmpeg.input(str(source), **({} if first_s is None else {"t": first_s}))[stream]
    sound = sound.filter("aformat", channel_layouts="mono").filter("aresample", _MEASURED_HZ)
    sound = sound.filter("highpass", f=RUMBLE_HZ).filter("ebur128", framelog="verbose")
    told: Sequence[str] = ffmpeg.output(sound, "-", f="null").global_args("-loglevel", "info").compile(cmd="ffmpeg")
    return list(told)[1:]


def measured_lufs(log: str) -> float | None:
    """The integrated loudness that ebur128 told; None: nothing was heard."""
    found = _SUMMARY.findall(log)
    if not found or found[-1] in ("nan", "inf", "-inf"):
        return None
    return float(found[-1])


def gain_for(loudness_lufs: float | None) -> float:
    """Decibels that bring it to LOUDNESS_LUFS, within MAX_GAIN_DB; silence stays silence."""
    if loudness_lufs is None or loudness_lufs < _SILENCE_LUFS:
        return 0.0
    return round(max(-MAX_GAIN_DB, min(MAX_GAIN_DB, LOUDNESS_LUFS - loudness_lufs)), 1)
