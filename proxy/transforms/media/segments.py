"""A long film as HLS whose segments are made when they are asked for: nobody encodes what nobody watches.

Laws of this file:
- every segment is made by a run of its own, and yet they join: pictures lie on one grid of frames, sound on one grid
  of AAC frames, both counted from the film's beginning; a segment's place in time is computed, never measured;
- each begins with a key frame, lasts exactly as long as the playlist says, and decodes without its neighbours;
- the head (`init.mp4`) is the same for all of them.

Fragmented MP4 and not MPEG-TS: at these bit rates TS adds a tenth to a fifth of packet heads and stuffing.
How sound joins: the encoder starts WARM_UP frames early, so that its windows are what they would be in one long run,
and those frames are dropped.
Sources: RFC 8216 (playlist; 3.3 fragmented MP4; 6.2.1), Apple's HLS authoring specification.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import ffmpeg

from policies.frozen import Frozen
from proxy.exchange import Refused
from proxy.transforms.media.capped import capped_size, neutral, sound_rate_hz, sound_settings, unfit, video_settings
from proxy.transforms.media.chapters import with_chapters
from proxy.transforms.media.fragments import SOUND_TRACK, VIDEO_TRACK, first_offset, placed, sample_counts, split
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import HlsSpec, MediaMade, MediaOutcome, ToolFailed, Workbench

VERSION = 1
PLAYLIST, INIT = "index.m3u8", "init.mp4"
PLAYLIST_TYPE, SEGMENT_TYPE = "application/vnd.apple.mpegurl", "video/mp4"
WARM_UP = 4  # AAC frames before a segment's first
_AAC_SAMPLES = 1024
_PRIMING = 1  # frames that ffmpeg's AAC encoder puts before the first sample
_TICKS = 90_000  # the video's time scale: every usual frame rate divides it
_LEAD_S = 0.6  # before a segment: a little more than the sound's warming up
_VAGUE_LEAD_S = 12.0  # where a container has no index, a seek may land behind the key frame before
_VAGUE = frozenset(("mpegts", "mpeg", "mpegvideo", "flv", "asf", "avi"))
_MAX_SEGMENT_BYTES = 64 << 20


class HlsPlan(Frozen, frozen=True, kw_only=True):
    """How a film is cut. Everything about time follows from these whole numbers.

    fps, frames    frames a second, and of a whole segment
    total_frames   of the film
    rate_hz        of the sound; None: there is none
    """

    fps: int
    frames: int
    total_frames: int
    rate_hz: int | None

    @property
    def count(self) -> int:
        """How many segments there are."""
        return ceil(self.total_frames / self.frames)

    def frames_in(self, number: int) -> int:
        return min(self.frames, self.total_frames - number * self.frames)

    def start_s(self, number: int) -> float:
        return number * self.frames / self.fps

    def length_s(self, number: int) -> float:
        return self.frames_in(number) / self.fps

    def first_sound_frame(self, number: int) -> int:
        """The first AAC frame that begins within a segment; of number == count: one behind the last."""
        if self.rate_hz is None:
            return 0
        frames = min(number * self.frames, self.total_frames)
        return -(-frames * self.rate_hz // (self.fps * _AAC_SAMPLES))


def hls_plan(info: MediaInfo, spec: HlsSpec) -> HlsPlan:
    """The cuts for this film; info must have a video stream and a length."""
    assert info.video is not None
    assert info.duration_s is not None
    fps = min(spec.capped.max_fps, ceil(info.video.fps or spec.capped.max_fps))
    return HlsPlan(
        fps=fps,
        frames=max(1, round(spec.segment_s * fps)),
        total_frames=max(1, ceil(info.duration_s * fps - 0.5)),
        rate_hz=None if info.sound is None else sound_rate_hz(spec.capped.sound_bitrate_bps),
    )


def playlist(plan: HlsPlan) -> str:
    """The whole film's playlist; every address in it is relative to its own."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{ceil(plan.frames / plan.fps)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{INIT}"',
    ]
    for number in range(plan.count):
        lines += [f"#EXTINF:{plan.length_s(number):.6f},", segment_name(number)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def segment_name(number: int) -> str:
    return f"segment-{number:05d}.m4s"


def segment_number(name: str) -> int | None:
    """The number in a segment's name; None: it isn't one."""
    digits = name.removeprefix("segment-").removesuffix(".m4s")
    return int(digits) if digits.isascii() and digits.isdigit() and segment_name(int(digits)) == name else None


# -- making ----------------------------------------------------------------------------------------------------


async def make_segment(source: Path, spec: HlsSpec, number: int, bench: Workbench, *, info: MediaInfo) -> Path:
    """Make one segment and write it and `init.mp4` into the bench's folder; answer the segment's path.

    Raises ToolFailed, and IndexError for a number that the playlist hasn't.
    """
    plan = hls_plan(info, spec)
    if not 0 <= number < plan.count:
        raise IndexError(number)
    body = bytearray()
    args = segment_args(source, info, spec, number)
    await bench.ffmpeg(args, reads=[source], media_s=plan.length_s(number), on_output=lambda piece: _take(body, piece))
    try:
        head, fragments = _in_place(bytes(body), plan, number)
    except ValueError as error:
        raise ToolFailed("no-output", str(error)) from None
    path = bench.folder / segment_name(number)
    _write(bench.folder / INIT, head)
    _write(path, fragments)
    return path


async def make_hls(source: Path, spec: HlsSpec, bench: Workbench) -> MediaOutcome:
    """Make the playlist and `init.mp4`: all that there is of the film before somebody watches it.

    Refused beside a capped film's: "unknown-length". Raises ToolFailed.
    """
    info = await probe(source, bench)
    if (outcome := _unfit(info, spec)) is not None:
        return outcome
    a_second = replace(info, duration_s=min(1.0, info.duration_s or 1.0))
    (await make_segment(source, spec, 0, bench, info=a_second)).unlink()
    return _written(info, spec, bench, segments=0)


async def make_whole_hls(source: Path, spec: HlsSpec, bench: Workbench) -> MediaOutcome:
    """Make the playlist and every segment. As make_hls in all else."""
    info = await probe(source, bench)
    if (outcome := _unfit(info, spec)) is not None:
        return outcome
    plan = hls_plan(info, spec)
    for number in range(plan.count):
        with bench.until((number + 1) / plan.count):
            await make_segment(source, spec, number, bench, info=info)
    return _written(info, spec, bench, segments=plan.count)


def _unfit(info: MediaInfo, spec: HlsSpec) -> MediaOutcome | None:
    if (outcome := unfit(info, spec.capped)) is not None:
        return outcome
    return None if info.duration_s is not None else Refused(why="unknown-length")


def _written(info: MediaInfo, spec: HlsSpec, bench: Workbench, *, segments: int) -> MediaMade:
    plan = hls_plan(info, spec)
    _write(bench.folder / PLAYLIST, playlist(plan).encode())
    files = (PLAYLIST, INIT, *(segment_name(number) for number in range(segments)))
    width_px, height_px = capped_size(info.video, spec.capped.max_height_px) if info.video else (0, 0)
    return MediaMade(
        main=PLAYLIST,
        content_type=PLAYLIST_TYPE,
        files=files,
        length_bytes=sum(_length(bench.folder / name) for name in files),
        duration_s=plan.total_frames / plan.fps,
        facts={"segments": plan.count, "width_px": width_px, "height_px": height_px, "sound": info.sound is not None},
    )


def _in_place(body: bytes, plan: HlsPlan, number: int) -> tuple[bytes, bytes]:
    """(head, fragments) of what ffmpeg wrote, at the segment's time. Raises ValueError where something is missing."""
    head, fragments = split(body)
    first, behind = plan.first_sound_frame(number), plan.first_sound_frame(number + 1)
    wanted = {VIDEO_TRACK: plan.frames_in(number)}
    starts = {VIDEO_TRACK: number * plan.frames * _TICKS // plan.fps}
    if plan.rate_hz is not None:
        wanted[SOUND_TRACK], starts[SOUND_TRACK] = behind - first, first * _AAC_SAMPLES
    if first_offset(fragments, VIDEO_TRACK):
        raise ValueError("the first picture isn't shown when it is decoded")
    found = sample_counts(fragments)
    if found != {track: samples for track, samples in wanted.items() if samples}:
        raise ValueError(f"{found} samples where {wanted} were to be")
    return head, placed(fragments, starts)


def _take(body: bytearray, piece: bytes) -> None:
    if len(body) + len(piece) > _MAX_SEGMENT_BYTES:
        raise ToolFailed("too-large", "a segment")
    body += piece


def _write(path: Path, body: bytes) -> None:
    path.write_bytes(body)


def _length(path: Path) -> int:
    return path.stat().st_size


# -- the graph -------------------------------------------------------------------------------------------------


def segment_args(source: Path, info: MediaInfo, spec: HlsSpec, number: int) -> list[str]:
    """ffmpeg's arguments for one segment on standard output, as one fragment.

    Times are the file's own (copyts); a film that begins at 1.4 s, as MPEG-TS does, is cut from there on. Decoding
    starts at the key frame before, so that the picture that stands at the segment's first instant is known, however
    long it has been standing.
    """
    plan = hls_plan(info, spec)
    lead_s = _VAGUE_LEAD_S if info.container in _VAGUE else _LEAD_S
    film = ffmpeg.input(str(source), noaccurate_seek=None, ss=f"{max(0.0, plan.start_s(number) - lead_s):.3f}")
    streams = [_picture(film, info, spec, plan, number)]
    settings = {**video_settings(info, spec.capped), **neutral()}
    settings |= {"g": plan.frames, "video_track_timescale": _TICKS}
    if plan.rate_hz is not None and (dropped := _sound_cut(plan, number)):
        streams.append(_sound(film, info, plan, number))
        settings |= {**sound_settings(spec.capped), "bsf:a": f"noise=drop='{dropped}'"}
    settings |= {"f": "mp4", "use_editlist": 0, "frag_duration": 600_000_000}
    # By the last flag a segment's first picture is shown at its very beginning, as CMAF has it: else it would come two
    # frames late, a player that seeks to a segment's beginning would fetch the one before too, and sound would wait.
    settings["movflags"] = "+empty_moov+default_base_moof+negative_cts_offsets"
    told = ffmpeg.output(*streams, "pipe:1", **settings)
    return ["-copyts", *with_chapters(told.compile(cmd="ffmpeg")[1:], None)]


def _origin_s(info: MediaInfo) -> float:
    """When the film begins by its own times. Before zero lies only what a decoder throws away."""
    return max(0.0, info.start_s)


def _picture(film: Any, info: MediaInfo, spec: HlsSpec, plan: HlsPlan, number: int) -> Any:
    assert info.video is not None
    width_px, height_px = capped_size(info.video, spec.capped.max_height_px)
    picture = film[str(info.video.index)].filter("tpad", stop=-1, stop_mode="clone")
    picture = picture.filter("fps", fps=plan.fps, start_time=f"{_origin_s(info) + plan.start_s(number):.6f}")
    picture = picture.filter("trim", end_frame=plan.frames_in(number))  # -frames:v would end the sound too
    return picture.filter("scale", width_px, height_px).filter("setsar", 1)


def _sound(film: Any, info: MediaInfo, plan: HlsPlan, number: int) -> Any:
    """Sound from WARM_UP frames before the segment's first to one behind its last, whatever is missing as silence."""
    assert info.sound is not None
    first, behind = plan.first_sound_frame(number), plan.first_sound_frame(number + 1)
    start = max(0, first - WARM_UP)
    first_pts = start * _AAC_SAMPLES + round(_origin_s(info) * (plan.rate_hz or 0))
    sound = film[str(info.sound.index)].filter("aformat", channel_layouts="mono")
    sound = sound.filter("aresample", plan.rate_hz, **{"async": 1}).filter("atrim", start_pts=first_pts)
    sound = sound.filter("aresample", plan.rate_hz, **{"async": 1, "first_pts": first_pts})
    return sound.filter("apad").filter("atrim", end_sample=(behind - start + 1) * _AAC_SAMPLES)


def _sound_cut(plan: HlsPlan, number: int) -> str:
    """Which of the encoder's packets are dropped, counted from 0; "" where the segment has no sound at all."""
    first, behind = plan.first_sound_frame(number), plan.first_sound_frame(number + 1)
    kept_from = min(WARM_UP, first) + _PRIMING
    return f"lt(n,{kept_from})+gte(n,{kept_from + behind - first})" if behind > first else ""
