"""A rung below the lowest one: a stream's segments made smaller one by one, on their way.

Laws: what comes out stands where the segment stood: the same first instant, the same length, so that it plays between
its neighbours; sound passes as it is, since encoding it in pieces would click at every join; every segment of a rung is
made by the same settings, so that one head (`init.mp4`) serves them all and is made before any; nothing is made of what
is encrypted.

Sources: RFC 8216 section 3 (segments); ISO/IEC 14496-12 sections 8.6.6 (`elst`), 8.8.12 (`tfdt`).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder.made import LEAST_PICTURE_BPS, RungSpec
from proxy.transforms.media.capped import CRF, capped_fps, capped_size, neutral
from proxy.transforms.media.fragments import SOUND_TRACK, VIDEO_TRACK, boxes, placed, split
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import MediaMade, MediaOutcome, ToolFailed, Workbench

INIT, SEGMENT, TS_SEGMENT = "init.mp4", "segment.m4s", "segment.ts"
MAX_SEGMENT_BYTES = 64 << 20
_WHOLE = "whole.mp4"
_TICKS = 90_000
_STEP_BPS = 16_000
_TABLES_EVERY_S = 3600  # a segment begins with them; ten a second, as is usual, are a third of a thin rung
_KEY_FRAME_EVERY_S = 60  # one at the beginning of each segment, and no more
_INSIDE = frozenset((b"moov", b"trak", b"mdia", b"edts", b"moof", b"traf"))


async def make_rung_segment(source: Path, init: Path | None, spec: RungSpec, bench: Workbench) -> MediaOutcome:
    """One segment within the spec: `segment.ts` of MPEG-TS (init None), else `segment.m4s` for the head that
    `make_rung_head` makes of the same init and spec.

    Unchanged: MPEG-TS that wouldn't be smaller; a fragment is made all the same, since its player has another head.
    Refused: no picture in it, encrypted, or damaged. Raises ToolFailed.
    """
    if await asyncio.to_thread(_length, source) > MAX_SEGMENT_BYTES:
        return Refused(why="too-large")
    try:
        return await _ts(source, spec, bench) if init is None else await _fragment(source, init, spec, bench)
    except (ValueError, struct.error, IndexError) as error:
        return Refused(why=f"malformed: {error}")


async def make_rung_head(init: Path, spec: RungSpec, bench: Workbench) -> MediaOutcome:
    """`init.mp4`: what a player needs before any segment that is made of the fragments behind this init.

    Its pictures' settings come from one black picture, coded as the segments are; its sound is the source's own.
    Refused: no picture in it, encrypted, or damaged. Raises ToolFailed.
    """
    head = await asyncio.to_thread(init.read_bytes)
    try:
        if is_encrypted(head):
            return Refused(why="malformed: encrypted")
        info = await probe(init, bench)
        if info.video is None:
            return Refused(why="no-video")
        body = bytearray()
        args = _head_args(init, info, spec)
        await bench.ffmpeg(args, reads=[init], on_output=lambda piece: _take(body, piece))
        made, _ = split(bytes(body))
    except (ValueError, struct.error, IndexError) as error:
        return Refused(why=f"malformed: {error}")
    await asyncio.to_thread((bench.folder / INIT).write_bytes, made)
    return MediaMade(
        main=INIT, content_type="video/mp4", files=(INIT,), length_bytes=len(made), duration_s=None, facts={}
    )


async def _ts(source: Path, spec: RungSpec, bench: Workbench) -> MediaOutcome:
    info = await probe(source, bench)
    if info.video is None:
        return Refused(why="no-video")
    target = bench.folder / TS_SEGMENT
    more = {"f": "mpegts", "mpegts_copyts": 1, "mpegts_flags": "+initial_discontinuity"}
    more |= {"pat_period": _TABLES_EVERY_S, "sdt_period": _TABLES_EVERY_S}
    await bench.ffmpeg(_args(source, info, spec, str(target), more), reads=[source], media_s=info.duration_s)
    length, source_length = _length(target), _length(source)
    if length >= source_length:
        return Unchanged(why="not-smaller")
    return _made(info, TS_SEGMENT, length, source_length, "video/mp2t")


async def _fragment(source: Path, init: Path, spec: RungSpec, bench: Workbench) -> MediaOutcome:
    head, fragments = await asyncio.to_thread(init.read_bytes), await asyncio.to_thread(source.read_bytes)
    starts = first_instants(head, fragments)
    whole = bench.folder / _WHOLE
    await asyncio.to_thread(whole.write_bytes, head + fragments)
    info = await probe(whole, bench)
    if info.video is None:
        return Refused(why="no-video")
    body = bytearray()
    args = _args(whole, info, spec, "pipe:1", _fragmented())
    await bench.ffmpeg(args, reads=[whole], media_s=info.duration_s, on_output=lambda piece: _take(body, piece))
    await asyncio.to_thread(whole.unlink)
    _, made = split(bytes(body))
    at = {VIDEO_TRACK: round(starts["vide"] * _TICKS)}
    if info.sound is not None and "soun" in starts:
        at[SOUND_TRACK] = round(starts["soun"] * info.sound.rate_hz)
    await asyncio.to_thread((bench.folder / SEGMENT).write_bytes, placed(made, at))
    return _made(info, SEGMENT, len(made), len(fragments), "video/mp4")


def _fragmented() -> dict[str, Any]:
    return {
        "f": "mp4",
        "use_editlist": 0,
        "frag_duration": 600_000_000,
        "video_track_timescale": _TICKS,
        "movflags": "+empty_moov+default_base_moof+negative_cts_offsets",
    }


def _made(info: MediaInfo, main: str, length: int, source_bytes: int, content_type: str) -> MediaMade:
    return MediaMade(
        main=main,
        content_type=content_type,
        files=(main,),
        length_bytes=length,
        duration_s=info.duration_s,
        facts={"source_bytes": source_bytes},
    )


def _args(source: Path, info: MediaInfo, spec: RungSpec, target: str, more: dict[str, Any]) -> list[str]:
    """ffmpeg's arguments. Times are the segment's own (copyts); without B-frames they are those of decoding too."""
    assert info.video is not None
    film = ffmpeg.input(str(source))
    picture = film[str(info.video.index)]
    if info.video.fps is None or info.video.fps > spec.fps:
        picture = picture.filter("fps", fps=spec.fps)
    streams = [picture.filter("scale", *_size(info, spec)).filter("setsar", 1)]
    settings = _settings(spec, capped_fps(info.video, spec.fps), _picture_bps(info, spec))
    if info.sound is not None:
        streams.append(film[str(info.sound.index)])
        settings["c:a"] = "copy"
    told = ffmpeg.output(*streams, target, **settings, **neutral(), **more, avoid_negative_ts="disabled")
    return list(told.global_args("-copyts").compile(cmd="ffmpeg"))[1:]


def _head_args(init: Path, info: MediaInfo, spec: RungSpec) -> list[str]:
    width_px, height_px = _size(info, spec)
    black = ffmpeg.input(f"color=black:size={width_px}x{height_px}:rate={spec.fps}:duration=1", f="lavfi")
    streams = [black["v"].filter("setsar", 1)]
    settings = _settings(spec, spec.fps, spec.capped.video_bitrate_bps)
    if info.sound is not None:
        streams.append(ffmpeg.input(str(init))[str(info.sound.index)])
        settings["c:a"] = "copy"
    return list(ffmpeg.output(*streams, "pipe:1", **settings, **neutral(), **_fragmented()).compile(cmd="ffmpeg"))[1:]


def _size(info: MediaInfo, spec: RungSpec) -> tuple[int, int]:
    assert info.video is not None
    return spec.size_px or capped_size(info.video, spec.capped.max_height_px)


def _settings(spec: RungSpec, fps: float, most_bps: int) -> dict[str, Any]:
    """stitchable: nothing of a segment's own gets into what all segments are decoded by."""
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "profile:v": "main",
        "level": f"{spec.level // 10}.{spec.level % 10}",
        "pix_fmt": "yuv420p",
        "crf": CRF,
        "bf": 0,
        "maxrate": most_bps,
        "bufsize": most_bps,
        "g": max(1, round(fps * _KEY_FRAME_EVERY_S)),
        "x264-params": "stitchable=1",
        "threads": 1,
    }


def _picture_bps(info: MediaInfo, spec: RungSpec) -> int:
    """What the sound, which passes as it is, leaves of the whole; in steps, so that segments don't differ by a hair."""
    sound_bps = info.sound.bitrate_bps if info.sound is not None else 0
    if sound_bps is None:
        sound_bps = spec.capped.sound_bitrate_bps
    more_bps = -(-max(0, sound_bps - spec.capped.sound_bitrate_bps) // _STEP_BPS) * _STEP_BPS
    return max(LEAST_PICTURE_BPS, spec.capped.video_bitrate_bps - more_bps)


# -- when a fragment begins ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Track:
    kind: str = ""
    ticks_per_s: int = 1
    skipped: int = 0


def first_instants(head: bytes, fragments: bytes) -> dict[str, float]:
    """When the first sample of each kind of track ("vide", "soun") is shown, in seconds. Raises ValueError."""
    if is_encrypted(head):
        raise ValueError("encrypted")
    tracks: dict[int, _Track] = {}
    number = 0
    for kind, start, end in _deep(head, 0, len(head)):
        body = head[start + 8 : end]
        if kind == b"tkhd":
            number = _number(body, 20 if body[0] else 12)
            tracks[number] = _Track()
        elif kind == b"mdhd":
            tracks[number].ticks_per_s = _number(body, 20 if body[0] else 12) or 1
        elif kind == b"hdlr" and number in tracks:
            tracks[number].kind = body[8:12].decode("latin-1")
        elif kind == b"elst":
            tracks[number].skipped = _media_time(body)
    return _instants(tracks, fragments)


def is_encrypted(head: bytes) -> bool:
    """Whether a track of this head can't be read without a key."""
    return any(kind in (b"encv", b"enca") for kind in _sample_entries(head))


def _instants(tracks: dict[int, _Track], fragments: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    track, time = _Track(), 0
    for kind, start, end in _deep(fragments, 0, len(fragments)):
        body = fragments[start + 8 : end]
        if kind == b"tfhd":
            track = tracks.get(_number(body, 4), _Track())
        elif kind == b"tfdt":
            time = struct.unpack_from(">Q" if body[0] else ">I", body, 4)[0]
        elif kind == b"trun" and track.kind not in found:
            shown = time + _first_offset(body) - track.skipped
            found[track.kind] = max(0, shown) / track.ticks_per_s
    if "vide" not in found:
        raise ValueError("no pictures")
    return found


def _deep(body: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, at, behind in boxes(body, start, end):
        yield kind, at, behind
        if kind in _INSIDE:
            yield from _deep(body, at + 8, behind)


def _sample_entries(head: bytes) -> Iterator[bytes]:
    """The four letters of every sample entry: they stand behind the fixed part of `stsd`."""
    at = head.find(b"stsd")
    while at >= 0:
        yield head[at + 16 : at + 20]
        at = head.find(b"stsd", at + 4)


def _number(body: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", body, at)[0])


def _media_time(body: bytes) -> int:
    """Of the first edit that shows something: how much of the media lies before it."""
    long, count = body[0] == 1, _number(body, 4)
    step = 20 if long else 12
    for place in range(min(count, 64)):
        time = int(struct.unpack_from(">q" if long else ">i", body, 8 + place * step + (8 if long else 4))[0])
        if time >= 0:
            return time
    return 0


def _first_offset(body: bytes) -> int:
    """How much later than decoded a `trun`'s first sample is shown."""
    flags = int.from_bytes(body[1:4])
    if not flags & 0x800:
        return 0
    before = 4 * sum(1 for bit in (0x1, 0x4, 0x100, 0x200, 0x400) if flags & bit)
    return int(struct.unpack_from(">i" if body[0] else ">I", body, 8 + before)[0])


def _take(body: bytearray, piece: bytes) -> None:
    if len(body) + len(piece) > MAX_SEGMENT_BYTES:
        raise ToolFailed("too-large", "a segment")
    body += piece


def _length(path: Path) -> int:
    return path.stat().st_size
