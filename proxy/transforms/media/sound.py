"""Speech for a thin link: one channel of Opus (or AAC), at an even loudness, from a film or a sound file.

Laws of this file: the result lasts as long as its source and keeps its chapters; pictures, covers and everything that
says where it was recorded go. A sound file that is nearly as small already is left alone.

How loud it becomes is measured over the whole (ITU-R BS.1770) and mended by one gain before a limiter: `loudnorm` in
one pass would take three times the processor time of all the rest, and a gain that follows the speaker pumps up noise
in every pause.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ffmpeg

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.capped import neutral, sound_rate_hz
from proxy.transforms.media.chapters import with_chapters, written_chapters
from proxy.transforms.media.check import claimed_s, looked_at
from proxy.transforms.media.loudness import RUMBLE_HZ, gain_of, heard
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import MediaMade, MediaOutcome, SoundCodec, SoundSpec, Workbench

VERSION = 2
WORTH_IT = 1.3
_LIMIT = 0.9
# Opus's longest packet (RFC 6716 section 3.2.1): two frames of 60 ms, which sound like two packets of one each and take
# 2.5 kB a minute less in heads of WebM's blocks.
_FRAME_MS = 120
_WIDE_FROM_BPS = 14_000  # below that an 8 kHz band sounds better than a wider one
_FIRST_HEARD_S = 90.0
_CLUSTERS = "clusters.webm"

MAIN = {SoundCodec.OPUS: "sound.webm", SoundCodec.AAC: "sound.m4a"}
CONTENT_TYPE = {SoundCodec.OPUS: "audio/webm", SoundCodec.AAC: "audio/mp4"}


async def make_sound(source: Path, spec: SoundSpec, bench: Workbench) -> MediaOutcome:
    """Make `sound.webm` or `sound.m4a`.

    Unchanged: "already-small", "not-smaller". Refused: "no-sound", "no-media", "too-short", "damaged" …
    Raises ToolFailed.
    """
    info, log = await heard(source, bench)
    if (outcome := _unfit(info, spec)) is not None:
        return outcome
    return await _made(source, info, spec, bench, await gain_of(source, info, bench, log))


async def make_sound_simply(source: Path, spec: SoundSpec, bench: Workbench) -> MediaOutcome:
    """The same at the loudness that it has, more forgiving of damage."""
    info = await probe(source, bench)
    if (outcome := _unfit(info, spec)) is not None:
        return outcome
    return await _made(source, info, spec, bench, None)


async def make_sound_growing(
    source: Path, spec: SoundSpec, bench: Workbench, *, on_output: Callable[[bytes], None]
) -> MediaOutcome:
    """The same, handed out while it is made: WebM clusters, for a spec of Opus alone.

    How loud it is is measured on its first minutes, for nobody waits for the rest. on_output gets nothing where the
    outcome is known before; a refusal after its first output says that what was handed out must not be kept.
    """
    assert spec.codec is SoundCodec.OPUS
    info, log = await heard(source, bench, first_s=_FIRST_HEARD_S)
    if (outcome := _unfit(info, spec)) is not None:
        return outcome
    gain = await gain_of(source, info, bench, log, first_s=_FIRST_HEARD_S)
    raw, target = bench.folder / _CLUSTERS, bench.folder / MAIN[spec.codec]
    with raw.open("wb") as kept:

        def take(piece: bytes) -> None:
            kept.write(piece)
            on_output(piece)

        args = growing_args(source, info, spec, gain_db=gain)
        await bench.ffmpeg(args, reads=[source], media_s=info.duration_s, on_output=take)
    with written_chapters(info.chapters, bench.folder) as chapters:
        copied = ["-i", str(raw), "-map", "0", "-c", "copy", "-fflags", "+bitexact", str(target)]
        await bench.ffmpeg(with_chapters(copied, chapters), reads=[raw])
    raw.unlink()
    return await _looked_at(target, info, spec, bench, gain)


def _unfit(info: MediaInfo, spec: SoundSpec) -> MediaOutcome | None:
    if info.sound is None:
        return Refused(why="no-sound" if info.video is not None else "no-media")
    if info.video is None and (info.bitrate_bps or WORTH_IT * spec.bitrate_bps + 1) <= WORTH_IT * spec.bitrate_bps:
        return Unchanged(why="already-small")
    return None


# -- encoding --------------------------------------------------------------------------------------------------


async def _made(
    source: Path, info: MediaInfo, spec: SoundSpec, bench: Workbench, gain_db: float | None
) -> MediaOutcome:
    name = MAIN[spec.codec]
    target = bench.folder / name
    with written_chapters(info.chapters, bench.folder) as chapters:
        args = sound_args(source, info, spec, target, gain_db=gain_db, chapters=chapters)
        await bench.ffmpeg(args, reads=[source], media_s=info.duration_s)
    return await _looked_at(target, info, spec, bench, gain_db)


async def _looked_at(
    target: Path, info: MediaInfo, spec: SoundSpec, bench: Workbench, gain_db: float | None
) -> MediaOutcome:
    """What the sound file became."""
    fault, made = await looked_at(target, bench, video=False, sound=True, expected_s=claimed_s(info))
    if made is None:
        return Refused(why=fault)
    if made.length_bytes >= info.length_bytes:
        return Unchanged(why="not-smaller")
    return MediaMade(
        main=target.name,
        content_type=CONTENT_TYPE[spec.codec],
        files=(target.name,),
        length_bytes=made.length_bytes,
        duration_s=made.duration_s,
        facts={"gain_db": gain_db or 0.0, "chapters": len(made.chapters)},
    )


def growing_args(source: Path | str, info: MediaInfo, spec: SoundSpec, *, gain_db: float) -> list[str]:
    """ffmpeg's arguments for WebM on its standard output, a cluster every second."""
    heard = _heard(source, info, spec, gain_db)
    live = {"f": "webm", "cluster_time_limit": 1000, "flush_packets": 1}
    told = ffmpeg.output(heard, "pipe:1", **_codec(spec), **neutral(), **live, threads=1)
    return list(told.compile(cmd="ffmpeg"))[1:]


def sound_args(
    source: Path | str,
    info: MediaInfo,
    spec: SoundSpec,
    target: Path,
    *,
    gain_db: float | None = None,
    chapters: Path | None = None,
) -> list[str]:
    """ffmpeg's arguments for the sound alone. gain_db None: as loud as it is, and over damage."""
    heard = _heard(source, info, spec, gain_db)
    told = ffmpeg.output(heard, str(target), **_codec(spec), **neutral(), threads=1)
    return with_chapters(told.compile(cmd="ffmpeg")[1:], chapters)


def _heard(source: Path | str, info: MediaInfo, spec: SoundSpec, gain_db: float | None) -> Any:
    assert info.sound is not None
    reading = {"fflags": "+genpts+discardcorrupt", "err_detect": "ignore_err"} if gain_db is None else {}
    heard = ffmpeg.input(str(source), **reading)[str(info.sound.index)]
    heard = heard.filter("aformat", channel_layouts="mono").filter("aresample", _rate_hz(spec), **{"async": 1})
    heard = heard.filter("highpass", f=RUMBLE_HZ)
    if gain_db:
        heard = heard.filter("volume", f"{gain_db}dB").filter("alimiter", limit=_LIMIT, level=0)
    return heard


def _rate_hz(spec: SoundSpec) -> int:
    if spec.codec is SoundCodec.AAC:
        return sound_rate_hz(spec.bitrate_bps)
    return 24_000 if spec.bitrate_bps >= _WIDE_FROM_BPS else 16_000


def _codec(spec: SoundSpec) -> dict[str, Any]:
    if spec.codec is SoundCodec.AAC:
        return {"c:a": "aac", "b:a": spec.bitrate_bps, "movflags": "+faststart"}
    return {"c:a": "libopus", "application": "voip", "b:a": spec.bitrate_bps, "vbr": "on", "frame_duration": _FRAME_MS}
