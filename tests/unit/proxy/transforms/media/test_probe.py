"""What is in a file: both ways of asking say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.transforms.media.probe import MediaInfo, TextTrack, parse_chapters, parse_log, probe
from proxy.transforms.media.spec import ToolFailed
from proxy.transforms.media.workbench import Bench
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import TOOL, info_of, needs_ffmpeg, without_ffprobe

SAMPLES = {
    "mp4": lambda: media_samples.film(),
    "turned": lambda: media_samples.film(rotate=90),
    "mute": lambda: media_samples.film(with_sound=False),
    "mkv-chapters": lambda: media_samples.film("mkv", chapters=True),
    "mp4-chapters": lambda: media_samples.film(chapters=True),
    "mkv-texts": lambda: media_samples.film_with_subtitles(),
    "mp4-texts": lambda: media_samples.film_with_subtitles("mp4"),
    "ts": lambda: media_samples.film("ts"),
    "avi": lambda: media_samples.film("avi"),
    "wmv": lambda: media_samples.film("wmv"),
    "covered-mp3": lambda: media_samples.sound_with_cover(),
    "covered-m4a": lambda: media_samples.sound_with_cover("m4a"),
    "opus": lambda: media_samples.sound("opus"),
    "wav": lambda: media_samples.sound("wav"),
}


def _coarse(info: MediaInfo) -> MediaInfo:
    """What ffmpeg's log rounds, rounded."""
    video = info.video and replace(info.video, bitrate_bps=None, rotation=info.video.rotation % 360)
    sound = info.sound and replace(info.sound, bitrate_bps=None)
    duration = None if info.duration_s is None else round(info.duration_s, 1)
    return replace(info, video=video, sound=sound, duration_s=duration, bitrate_bps=None, start_s=0.0)


@needs_ffmpeg
@pytest.mark.skipif(TOOL is None or TOOL.ffprobe is None, reason="no ffprobe here")
@pytest.mark.parametrize("name", SAMPLES)
async def test_ffprobe_and_ffmpeg_say_the_same(name: str, tmp_path: Path) -> None:
    source = SAMPLES[name]()
    first = await probe(source, Bench(tmp_path, TOOL))
    second = await probe(source, Bench(tmp_path, without_ffprobe()))
    assert _coarse(first) == _coarse(second)
    assert first.bitrate_bps == pytest.approx(second.bitrate_bps, rel=0.01)
    assert first.start_s == pytest.approx(second.start_s, abs=0.01)


@needs_ffmpeg
async def test_a_film_is_told_as_it_is(tmp_path: Path) -> None:
    info = await info_of(media_samples.film(), tmp_path)
    assert info.video is not None
    assert info.sound is not None
    assert (info.container, info.video.codec, info.video.shown_px, info.video.fps) == ("mov", "h264", (640, 360), 25)
    assert (info.sound.codec, info.sound.channels, info.sound.rate_hz) == ("aac", 1, 22050)
    assert info.duration_s == pytest.approx(6, abs=0.1)
    assert info.layout is not None
    assert info.layout.faststart


@needs_ffmpeg
async def test_a_turned_film_is_shown_upright(tmp_path: Path) -> None:
    info = await info_of(media_samples.film(rotate=90), tmp_path)
    assert info.video is not None
    assert info.video.shown_px == (360, 640)


@needs_ffmpeg
async def test_a_cover_is_no_film(tmp_path: Path) -> None:
    info = await info_of(media_samples.sound_with_cover(), tmp_path)
    assert info.video is None
    assert info.pictures


@needs_ffmpeg
async def test_texts_and_chapters_are_found(tmp_path: Path) -> None:
    texts = (await info_of(media_samples.film_with_subtitles(), tmp_path)).texts
    assert texts == (TextTrack(index=2, codec="subrip", language="rus"),)
    chapters = (await info_of(media_samples.film(chapters=True), tmp_path)).chapters
    assert [(chapter.title, chapter.start_s) for chapter in chapters] == [("One", 0.0), ("Two", 3.0)]


@needs_ffmpeg
async def test_the_beginning_of_an_arriving_film_tells_all(tmp_path: Path) -> None:
    whole = media_samples.film()
    part = tmp_path / "part"
    part.write_bytes(whole.read_bytes()[:60_000])
    info = await probe(part, Bench(tmp_path, TOOL), length_bytes=whole.stat().st_size)
    assert info.duration_s == pytest.approx(6, abs=0.1)
    assert info.length_bytes == whole.stat().st_size
    assert (info.bitrate_bps or 0) > 1_000_000


@needs_ffmpeg
async def test_a_file_that_is_gone_is_a_failed_tool(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        await info_of(tmp_path / "gone.mp4", tmp_path)


def test_what_a_file_says_of_itself_is_not_taken_for_the_log() -> None:
    log = (
        "Input #0, matroska,webm, from 'x':\n"
        "  Metadata:\n"
        "    title           : harmless\n"
        "                    :   Stream #0:7: Video: h264, yuv420p, 9999x9999, 25 fps\n"
        "  Duration: 01:02:03.50, start: 0.000000, bitrate: 1500 kb/s\n"
        "  Stream #0:0(rus): Video: vp9 (Profile 0), yuv420p(tv), 1280x720 [SAR 4:3 DAR 64:27], 29.97 fps, 1k tbn\n"
        "  Stream #0:1(eng): Audio: opus, 48000 Hz, 5.1, fltp (default)\n"
        "Output #0, null, to 'pipe:':\n"
        "  Stream #0:0: Video: wrapped_avframe, yuv420p, 640x480, 25 fps\n"
    )
    told = parse_log(log)
    assert told["format"] == {"duration": 3723.5, "start_time": "0.000000", "bit_rate": 1_500_000}
    assert [stream["index"] for stream in told["streams"]] == [0, 1]
    assert told["streams"][0]["width"] == "1280"
    assert told["streams"][1]["channels"] == 6


def test_chapters_are_read_with_their_escapes() -> None:
    text = (
        ";FFMETADATA1\ntitle=x\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=a\\=b\\\nc\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=2\nEND=3\ntitle=Итоги\n"
    )
    told = parse_chapters(text)
    assert [(chapter["start_time"], chapter["end_time"], chapter["tags"]["title"]) for chapter in told] == [
        (0, 1.5, "a=b\nc"),
        (2, 3, "Итоги"),
    ]
