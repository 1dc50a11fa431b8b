"""What is in a file of media: streams, length, texts, chapters. Asked of ffprobe in the jail, else of ffmpeg's log.

Laws of this file: what a hostile file says of itself is a claim: numbers are bounded, texts are cut, and whoever uses
a length checks the result against it. Both ways of asking answer the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from policies.frozen import Frozen
from proxy.transforms.media.containers import file_demuxer
from proxy.transforms.media.ffmpeg_args import MAX_ALLOC_BYTES
from proxy.transforms.media.layout import Layout, mp4_layout
from proxy.transforms.media.spec import ToolFailed, Workbench

MAX_DURATION_S = 7 * 24 * 3600.0
MAX_CHAPTERS = 2000
_MAX_STREAMS = 100
_TEXT_CHARS = 200
_LAYOUT_BYTES = 1 << 20
_MAX_METADATA_BYTES = 1 << 20
_LOGGED = ("-loglevel", "info")


class VideoStream(Frozen, frozen=True, kw_only=True):
    """A film's pictures. width_px, height_px as coded; rotation in degrees 0..359, to be turned by the player."""

    index: int
    codec: str
    width_px: int
    height_px: int
    fps: float | None
    rotation: int = 0
    sample_aspect: float = 1.0
    bitrate_bps: int | None = None

    @property
    def shown_px(self) -> tuple[int, int]:
        """(width, height) as a player shows it: square pixels, turned."""
        width, height = max(1, round(self.width_px * self.sample_aspect)), self.height_px
        return (height, width) if self.rotation % 180 == 90 else (width, height)


class SoundStream(Frozen, frozen=True, kw_only=True):
    index: int
    codec: str
    channels: int
    rate_hz: int
    bitrate_bps: int | None = None


class TextTrack(Frozen, frozen=True, kw_only=True):
    """Subtitles or captions. language: ISO 639-2 as the file has it ("rus"), "" if unsaid."""

    index: int
    codec: str
    language: str


class Chapter(Frozen, frozen=True, kw_only=True):
    start_s: float
    end_s: float
    title: str


class MediaInfo(Frozen, frozen=True, kw_only=True):
    """One file. duration_s, bitrate_bps None: it doesn't say. pictures: indexes of covers. layout: of an MP4.

    first_sound: index of the first stream of sound, which need not be the one that `sound` prefers
    """

    container: str
    length_bytes: int
    duration_s: float | None
    bitrate_bps: int | None
    start_s: float = 0.0
    video: VideoStream | None = None
    sound: SoundStream | None = None
    pictures: tuple[int, ...] = ()
    texts: tuple[TextTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    layout: Layout | None = None
    first_sound: int | None = None


class _AsksFfprobe(Protocol):
    async def ffprobe(self, args: Sequence[str], *, reads: Sequence[Path]) -> str | None: ...


async def probe(source: Path, bench: Workbench, *, length_bytes: int | None = None) -> MediaInfo:
    """What is in the file. length_bytes: of the whole, where only its beginning is there yet.

    Raises ToolFailed: "unknown-container", or what became of the tool.
    """
    demuxer, length = _known(source, length_bytes)
    told = await _ffprobe(source, demuxer, bench)
    if told is None:
        told, _ = await _ffmpeg(source, [*_LOGGED, "-i", str(source)], bench)
    return _info(told, demuxer, length, _layout(source) if demuxer == "mov" else None)


async def probe_beside(source: Path, args: Sequence[str], bench: Workbench) -> tuple[MediaInfo, str]:
    """What is in the file, told by a run of ffmpeg that does something else with it, and the tail of that one's log.

    args: of one input and one output, at the log level "info". Raises ToolFailed as `probe`, and where the run fails.
    """
    demuxer, length = _known(source, None)
    told, log = await _ffmpeg(source, args, bench)
    return _info(told, demuxer, length, _layout(source) if demuxer == "mov" else None), log


def _known(source: Path, length_bytes: int | None) -> tuple[str, int]:
    """Its demuxer and length. Raises ToolFailed."""
    try:
        demuxer, length = file_demuxer(source), length_bytes or _length(source)
    except OSError as error:
        raise ToolFailed("exit", str(error)) from None
    if demuxer is None:
        raise ToolFailed("unknown-container")
    return demuxer, length


def _length(source: Path) -> int:
    return source.stat().st_size


def _layout(source: Path) -> Layout:
    with source.open("rb") as file:
        return mp4_layout(file.read(_LAYOUT_BYTES))


# -- asking ----------------------------------------------------------------------------------------------------


async def _ffprobe(source: Path, demuxer: str, bench: Workbench) -> Mapping[str, Any] | None:
    """ffprobe's own JSON; None where there is no ffprobe."""
    if not hasattr(bench, "ffprobe"):
        return None
    guards = ["-v", "error", "-max_alloc", str(MAX_ALLOC_BYTES), "-protocol_whitelist", "file,pipe", "-f", demuxer]
    wanted = ["-show_format", "-show_streams", "-show_chapters", "-of", "json"]
    answer = await cast(_AsksFfprobe, bench).ffprobe([*guards, *wanted, "-i", str(source)], reads=[source])
    if answer is None:
        return None
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise ToolFailed("exit", f"ffprobe: {error}") from None
    return told if isinstance(told, dict) else {}


async def _ffmpeg(source: Path, args: Sequence[str], bench: Workbench) -> tuple[Mapping[str, Any], str]:
    """The same shape, read from what ffmpeg logs of its one input; chapters come as ffmetadata, an output more."""
    metadata = bytearray()
    behind_input = list(args).index("-i") + 2
    args = [*args[:behind_input], "-f", "ffmetadata", "pipe:1", *args[behind_input:]]
    log = await bench.ffmpeg(args, reads=[source], on_output=lambda piece: _grow(metadata, piece))
    return {**parse_log(log), "chapters": parse_chapters(metadata.decode("utf-8", "replace"))}, log


def _grow(metadata: bytearray, piece: bytes) -> None:
    if len(metadata) < _MAX_METADATA_BYTES:
        metadata += piece


# -- reading ffmpeg's log --------------------------------------------------------------------------------------

# Only lines at the input's own indentation: what a file says of itself in its metadata stands further right.
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)(?:, start: (-?[\d.]+))?(?:, bitrate: (\d+) kb/s)?")
_STREAM = re.compile(r"^  Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\((\w+)\))?: (Video|Audio|Subtitle): (\w+)(.*)$")
_SIZE = re.compile(r", (\d+)x(\d+)(?: \[SAR (\d+):(\d+))?")
_RATE = re.compile(r", (\d+) kb/s")
_FPS = re.compile(r", ([\d.]+)(k?) fps")
_HERTZ = re.compile(r", (\d+) Hz, ([\w.() ]+)")
_ROTATION = re.compile(r"^      (?:displaymatrix|Display Matrix): rotation of (-?[\d.]+) degrees")
_CHANNELS = {"mono": 1, "stereo": 2, "2.1": 3, "quad": 4, "5.0": 5, "5.1": 6, "5.1(side)": 6, "7.1": 8}


def parse_log(log: str) -> dict[str, Any]:
    """ffprobe's `format` and `streams` as far as ffmpeg's description of its first input tells them."""
    streams: list[dict[str, Any]] = []
    about: dict[str, Any] = {}
    for line in log.splitlines():
        if line.startswith(("Output #", "Stream mapping")):
            break
        if found := _DURATION.match(line):
            hours, minutes, seconds, start, kbps = found.groups()
            about["duration"] = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            about |= {"start_time": start or 0, "bit_rate": int(kbps or 0) * 1000}
        elif found := _STREAM.match(line):
            streams.append(_logged_stream(found))
        elif streams and (found := _ROTATION.match(line)):
            streams[-1]["side_data_list"] = [{"rotation": found[1]}]
    return {"format": about, "streams": streams}


def _logged_stream(found: re.Match[str]) -> dict[str, Any]:
    index, language, kind, codec, rest = found.groups()
    told: dict[str, Any] = {"index": int(index), "codec_type": kind.lower(), "codec_name": codec}
    told["tags"] = {"language": language or ""}
    told["disposition"] = {"attached_pic": "(attached pic)" in rest, "default": "(default)" in rest}
    if rate := _RATE.search(rest):
        told["bit_rate"] = int(rate[1]) * 1000
    if size := _SIZE.search(rest):
        told |= {"width": size[1], "height": size[2], "sample_aspect_ratio": f"{size[3] or 1}:{size[4] or 1}"}
    if fps := _FPS.search(rest):
        told["avg_frame_rate"] = f"{float(fps[1]) * (1000 if fps[2] else 1)}/1"
    if sound := _HERTZ.search(rest):
        name = sound[2].strip()
        channels = _CHANNELS.get(name) or (int(name.split()[0]) if name[:1].isdigit() and " channels" in name else 2)
        told |= {"sample_rate": sound[1], "channels": channels}
    return told


def parse_chapters(metadata: str) -> list[dict[str, Any]]:
    """ffprobe's `chapters` from an ffmetadata file (ffmpeg-formats(1), "Metadata")."""
    chapters: list[dict[str, Any]] = []
    for part in metadata.split("\n[CHAPTER]\n")[1 : MAX_CHAPTERS + 1]:
        lines = re.split(r"(?<!\\)\n", part)
        told = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith((";", "#")))
        base = _fraction(told.get("TIMEBASE")) or 1e-9
        title = re.sub(r"\\(.)", r"\1", told.get("title", ""), flags=re.DOTALL)
        start_s, end_s = (_number(told.get(name)) or 0 for name in ("START", "END"))
        chapters.append({"start_time": start_s * base, "end_time": end_s * base, "tags": {"title": title}})
    return chapters


# -- from claims to values -------------------------------------------------------------------------------------


def _info(told: Mapping[str, Any], demuxer: str, length: int, layout: Layout | None) -> MediaInfo:
    about, streams = told.get("format") or {}, list(told.get("streams") or ())[:_MAX_STREAMS]
    duration_s = _number(about.get("duration"))
    if duration_s is not None and not 0 < duration_s <= MAX_DURATION_S:
        duration_s = None
    covers = tuple(_whole(s.get("index")) for s in streams if (s.get("disposition") or {}).get("attached_pic"))
    films = [s for s in streams if s.get("codec_type") == "video" and _whole(s.get("index")) not in covers]
    sounds = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name") not in (None, "none")]
    bitrate = round(length * 8 / duration_s) if duration_s else _whole(about.get("bit_rate")) or None
    return MediaInfo(
        container=demuxer,
        length_bytes=length,
        duration_s=duration_s,
        bitrate_bps=bitrate,
        start_s=_number(about.get("start_time")) or 0.0,
        video=next((_video(s) for s in _preferred(films) if _whole(s.get("width")) > 0), None),
        sound=next((_sound(s) for s in _preferred(sounds) if _whole(s.get("channels")) > 0), None),
        pictures=covers,
        texts=tuple(_text(s) for s in streams if s.get("codec_type") == "subtitle"),
        chapters=tuple(_chapter(c) for c in list(told.get("chapters") or ())[:MAX_CHAPTERS]),
        layout=layout,
        first_sound=next((_whole(s.get("index")) for s in streams if s.get("codec_type") == "audio"), None),
    )


def _preferred(streams: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What the file marks as default first, else in its own order."""
    return sorted(streams, key=lambda stream: not (stream.get("disposition") or {}).get("default"))


def _video(told: Mapping[str, Any]) -> VideoStream:
    turned = [_number(side.get("rotation")) for side in told.get("side_data_list") or () if "rotation" in side]
    aspect = _fraction(str(told.get("sample_aspect_ratio", "1:1")).replace(":", "/"))
    return VideoStream(
        index=_whole(told.get("index")),
        codec=_short(told.get("codec_name")),
        width_px=_whole(told.get("width")),
        height_px=_whole(told.get("height")),
        fps=_fps(told),
        rotation=round(turned[0] or 0) % 360 if turned else 0,
        sample_aspect=aspect if aspect and 0.1 < aspect < 10 else 1.0,
        bitrate_bps=_whole(told.get("bit_rate")) or None,
    )


def _fps(told: Mapping[str, Any]) -> float | None:
    fps = _fraction(told.get("avg_frame_rate")) or _fraction(told.get("r_frame_rate"))
    return round(fps, 3) if fps and 0 < fps <= 1000 else None


def _sound(told: Mapping[str, Any]) -> SoundStream:
    return SoundStream(
        index=_whole(told.get("index")),
        codec=_short(told.get("codec_name")),
        channels=_whole(told.get("channels")),
        rate_hz=_whole(told.get("sample_rate")),
        bitrate_bps=_whole(told.get("bit_rate")) or None,
    )


def _text(told: Mapping[str, Any]) -> TextTrack:
    language = _short((told.get("tags") or {}).get("language"))
    return TextTrack(
        index=_whole(told.get("index")),
        codec=_short(told.get("codec_name")),
        language="" if language == "und" else language,
    )


def _chapter(told: Mapping[str, Any]) -> Chapter:
    return Chapter(
        start_s=round(_number(told.get("start_time")) or 0.0, 3),
        end_s=round(_number(told.get("end_time")) or 0.0, 3),
        title=_short((told.get("tags") or {}).get("title")),
    )


def _short(value: object) -> str:
    return str(value)[:_TEXT_CHARS] if value is not None else ""


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if abs(number) < 1e18 else None  # NaN and infinity too


def _whole(value: object) -> int:
    return int(_number(value) or 0)


def _fraction(value: object) -> float | None:
    above, _, below = str(value).partition("/")
    top, bottom = _number(above), _number(below or "1")
    return top / bottom if top is not None and bottom else None
