"""A film within limits of height, frames and bits: H.264 and AAC in an MP4 that every phone plays.

Laws of this file: never larger than its source in pixels, frames or bits; the picture keeps its proportions, stands
upright, and has even sides; pixels are square; where and with what it was filmed is left out. A source that is nearly
as small already is left alone.

The settings: veryfast costs a third of medium's time for two per cent more bytes at these sizes; a constant quality
under a cap gives slides fewer bits than the cap and moving pictures no more. docs/how-to has pictures of the sizes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.chapters import with_chapters, written_chapters
from proxy.transforms.media.check import claimed_s, looked_at
from proxy.transforms.media.jail import Limits
from proxy.transforms.media.probe import MediaInfo, VideoStream, probe
from proxy.transforms.media.spec import CappedSpec, MediaMade, MediaOutcome, Workbench

VERSION = 1
WORTH_IT = 1.3  # a source below this many times the target gains less than it loses
CRF = 28  # on x264's scale, at the height and frame rate of the result
# How exactly a player can seek, and how much it fetches before what was sought. A lecture's film with key frames every
# 2 s is 1.6 times as large as with one every 5 s; every 10 s would save another seventh, and a seek would cost 10 s.
KEY_FRAME_EVERY_S = 5
MAIN = "video.mp4"
_MIN_SIDE_PX = 16


async def make_capped(source: Path, spec: CappedSpec, bench: Workbench, *, simply: bool = False) -> MediaOutcome:
    """Make `video.mp4`, index first. simply: over damage, without chapters, where the usual way failed.

    Unchanged: "already-small", "not-smaller". Refused: "no-video", "too-many-pixels", "too-short", "damaged" …
    Raises ToolFailed.
    """
    info = await probe(source, bench)
    if (refused := unfit(info, spec)) is not None:
        return refused
    target = bench.folder / MAIN
    with written_chapters(() if simply else info.chapters, bench.folder, start_s=spec.start_s) as chapters:
        args = capped_args(source, info, spec, target, chapters=chapters, simply=simply)
        await bench.ffmpeg(args, reads=[source], media_s=left_s(info, spec))
    return await made_of(target, info, spec, bench)


async def make_capped_simply(source: Path, spec: CappedSpec, bench: Workbench) -> MediaOutcome:
    """The same, more forgiving of damage."""
    return await make_capped(source, spec, bench, simply=True)


async def made_of(target: Path, info: MediaInfo, spec: CappedSpec, bench: Workbench) -> MediaOutcome:
    """What `video.mp4` became, looked at."""
    assert info.video is not None
    expected_s = left_s(info, spec) if claimed_s(info) else None
    fault, made = await looked_at(target, bench, video=True, sound=info.sound is not None, expected_s=expected_s)
    if made is None:
        return Refused(why=fault)
    if made.length_bytes >= info.length_bytes:
        return Unchanged(why="not-smaller")
    width_px, height_px = capped_size(info.video, spec.max_height_px)
    return MediaMade(
        main=MAIN,
        content_type="video/mp4",
        files=(MAIN,),
        length_bytes=made.length_bytes,
        duration_s=made.duration_s,
        facts={"width_px": width_px, "height_px": height_px, "sound": info.sound is not None},
    )


def unfit(info: MediaInfo, spec: CappedSpec) -> MediaOutcome | None:
    """Why nothing is made of this source; None: it is worth it."""
    if info.video is None:
        return Refused(why="no-video" if info.sound is not None else "no-media")
    if info.video.width_px * info.video.height_px > Limits().max_pixels:
        return Refused(why="too-many-pixels")
    if spec.start_s and info.duration_s is not None and spec.start_s >= info.duration_s:
        return Refused(why="beyond-the-end")
    if not is_worth_it(info, spec):
        return Unchanged(why="already-small")
    return None


def is_worth_it(info: MediaInfo, spec: CappedSpec) -> bool:
    """The source's bit rate is so much above the result's that the loss of quality pays."""
    sound_bps = spec.sound_bitrate_bps if info.sound is not None else 0
    return info.bitrate_bps is None or info.bitrate_bps > WORTH_IT * (spec.video_bitrate_bps + sound_bps)


def left_s(info: MediaInfo, spec: CappedSpec) -> float | None:
    """How long the result is to last."""
    return None if info.duration_s is None else max(0.0, info.duration_s - spec.start_s)


def capped_size(video: VideoStream, max_height_px: int) -> tuple[int, int]:
    """(width, height) of the result: even, never above the source's.

    The limit is on the shorter side, so that a film taken with an upright phone isn't made a third as fine as another.
    """
    width, height = video.shown_px
    scale = min(1.0, max_height_px / min(width, height))
    return _even(width * scale), _even(height * scale)


def _even(side_px: float) -> int:
    return max(_MIN_SIDE_PX, round(side_px / 2) * 2)


def capped_fps(video: VideoStream, max_fps: int) -> float:
    """The result's frames a second; a source that doesn't tell its own gets the limit."""
    return min(float(max_fps), video.fps or max_fps)


def sound_rate_hz(bitrate_bps: int) -> int:
    """A sample rate that AAC has bits enough for: at 24 kbit/s a wider band would only ring."""
    return 16_000 if bitrate_bps <= 16_000 else 24_000 if bitrate_bps <= 40_000 else 44_100


# -- the graph -------------------------------------------------------------------------------------------------


def capped_args(
    source: Path | str,
    info: MediaInfo,
    spec: CappedSpec,
    target: Path,
    *,
    chapters: Path | None = None,
    simply: bool = False,
) -> list[str]:
    """ffmpeg's arguments for a whole file with its index first. chapters: as `written_chapters` wrote them."""
    reading = _forgiving() if simply else {}
    return _compiled(source, info, spec, str(target), {"movflags": "+faststart"}, reading, chapters)


def capped_stream_args(source: Path | str, info: MediaInfo, spec: CappedSpec) -> list[str]:
    """ffmpeg's arguments for fragments of a second on standard output, to be played while the rest is being made.

    source "pipe:0": what arrives on standard input, of the container that info names.
    """
    more = {
        "f": "mp4",
        "movflags": "+frag_keyframe+empty_moov+default_base_moof",
        "frag_duration": 1_000_000,  # microseconds
        "flush_packets": 1,
    }
    piped = {"f": info.container, "xerror": None} if source == "pipe:0" else {}
    return _compiled(source, info, spec, "pipe:1", more, piped, None)


def _forgiving() -> dict[str, Any]:
    return {"fflags": "+genpts+discardcorrupt", "err_detect": "ignore_err"}


def _compiled(
    source: Path | str,
    info: MediaInfo,
    spec: CappedSpec,
    target: str,
    more: dict[str, Any],
    reading: dict[str, Any],
    chapters: Path | None,
) -> list[str]:
    if spec.start_s:
        reading = {**reading, "ss": f"{spec.start_s:.3f}"}
    film = ffmpeg.input(str(source), **reading)
    streams = [picture_filters(film, info, spec)]
    if info.sound is not None:
        streams.append(sound_filters(film, info, spec))
    settings = {**video_settings(info, spec), **(sound_settings(spec) if info.sound is not None else {})}
    told = ffmpeg.output(*streams, target, **settings, **neutral(), **more)
    return with_chapters(told.compile(cmd="ffmpeg")[1:], chapters)


def picture_filters(film: Any, info: MediaInfo, spec: CappedSpec) -> Any:
    """Frames are dropped before they are scaled: that is half of the scaling's cost."""
    assert info.video is not None
    width_px, height_px = capped_size(info.video, spec.max_height_px)
    picture = film[str(info.video.index)]
    if info.video.fps is None or info.video.fps > spec.max_fps:
        picture = picture.filter("fps", fps=spec.max_fps)
    return picture.filter("scale", width_px, height_px).filter("setsar", 1)


def sound_filters(film: Any, info: MediaInfo, spec: CappedSpec) -> Any:
    """async: gaps that a recorder left are filled with silence, so that lips and words stay together."""
    assert info.sound is not None
    rate_hz = sound_rate_hz(spec.sound_bitrate_bps)
    return film[str(info.sound.index)].filter("aresample", rate_hz, **{"async": 1})


def video_settings(info: MediaInfo, spec: CappedSpec) -> dict[str, Any]:
    assert info.video is not None
    most_bps = min(spec.video_bitrate_bps, info.video.bitrate_bps or spec.video_bitrate_bps)
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "profile:v": "main",
        "pix_fmt": "yuv420p",
        "crf": CRF,
        "maxrate": most_bps,
        "bufsize": 2 * most_bps,
        "g": max(1, round(capped_fps(info.video, spec.max_fps) * KEY_FRAME_EVERY_S)),
        "threads": 1,
    }


def sound_settings(spec: CappedSpec) -> dict[str, Any]:
    return {"c:a": "aac", "ac": 1, "b:a": spec.sound_bitrate_bps}


def neutral() -> dict[str, Any]:
    """No software's name in the result, and nothing that differs from run to run."""
    return {"fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact", "max_muxing_queue_size": 4096}
