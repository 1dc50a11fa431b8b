"""HLS segments that are made on demand and join."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import m3u8
import numpy as np
import pytest

from proxy.exchange import Refused
from proxy.transforms.media.fragments import boxes, first_offset, placed, sample_counts, split
from proxy.transforms.media.probe import MediaInfo, SoundStream, VideoStream, probe
from proxy.transforms.media.segments import (
    hls_plan,
    make_hls,
    make_segment,
    make_whole_hls,
    playlist,
    segment_args,
    segment_name,
    segment_number,
)
from proxy.transforms.media.spec import CappedSpec, HlsSpec, MediaMade
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg

INFO = MediaInfo(
    container="mov",
    length_bytes=12_000_000,
    duration_s=61.5,
    bitrate_bps=1_600_000,
    video=VideoStream(index=0, codec="h264", width_px=1280, height_px=720, fps=25.0),
    sound=SoundStream(index=1, codec="aac", channels=2, rate_hz=44_100),
)
SPEC = HlsSpec(segment_s=2.0)


def test_the_cuts_are_whole_frames() -> None:
    plan = hls_plan(INFO, HlsSpec())
    assert (plan.fps, plan.frames, plan.total_frames, plan.count) == (15, 90, 922, 11)
    assert sum(plan.frames_in(number) for number in range(plan.count)) == plan.total_frames
    assert plan.start_s(10) == 60.0
    assert plan.length_s(10) == pytest.approx(1.467, abs=0.001)


@pytest.mark.parametrize("fps", [None, 10.0, 12.5, 14.985, 23.976, 30.0])
@pytest.mark.parametrize("sound_bps", [16_000, 24_000, 64_000])
def test_sound_frames_are_cut_without_gap_or_overlap(fps: float | None, sound_bps: int) -> None:
    assert INFO.video is not None
    info = replace(INFO, video=replace(INFO.video, fps=fps))
    plan = hls_plan(info, HlsSpec(capped=CappedSpec(sound_bitrate_bps=sound_bps), segment_s=3.7))
    assert plan.rate_hz is not None
    assert plan.first_sound_frame(0) == 0
    for number in range(plan.count):
        first, behind = plan.first_sound_frame(number), plan.first_sound_frame(number + 1)
        assert behind > first
        assert 0 <= first * 1024 / plan.rate_hz - plan.start_s(number) < 1024 / plan.rate_hz


def test_the_playlist_is_read_as_it_was_meant() -> None:
    plan = hls_plan(INFO, HlsSpec())
    told = m3u8.loads(playlist(plan))
    assert told.is_endlist
    assert told.playlist_type == "vod"
    assert told.is_independent_segments
    assert told.target_duration == 6
    assert [segment.uri for segment in told.segments] == [segment_name(number) for number in range(11)]
    assert sum(segment.duration for segment in told.segments) == pytest.approx(plan.total_frames / 15, abs=0.001)
    assert told.segments[0].init_section.uri == "init.mp4"
    assert all(round(segment.duration) <= told.target_duration for segment in told.segments)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("segment-00000.m4s", 0), ("segment-00123.m4s", 123), ("segment-123.m4s", None), ("index.m3u8", None),
        ("segment-0012x.m4s", None), ("segment-٠٠٠٠١.m4s", None), ("segment--0001.m4s", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_in_names(name: str, number: int | None) -> None:
    assert segment_number(name) == number


def test_the_compiled_arguments() -> None:
    told = " ".join(segment_args(Path("in.mp4"), INFO, HlsSpec(), 3))
    assert told.startswith("-copyts -noaccurate_seek -ss 17.400 -i in.mp4")
    assert "tpad=stop=-1:stop_mode=clone" in told
    assert "fps=fps=15:start_time=18.000000" in told
    assert "trim=end_frame=90" in told
    assert "noise=drop='lt(n,5)+gte(n,146)'" in told
    assert "-g 90" in told
    assert "-use_editlist 0" in told


def test_a_container_without_an_index_is_entered_earlier() -> None:
    told = segment_args(Path("in.ts"), replace(INFO, container="mpegts", start_s=1.4), HlsSpec(), 3)
    assert told[told.index("-ss") + 1] == "6.000"
    assert "start_time=19.400000" in " ".join(told)


# -- made segments ---------------------------------------------------------------------------------------------


def _clock(tmp_path: Path, suffix: str = "mp4") -> Path:
    """A film of 9 s: in every second second 200 ms of white and of a tone; noise, so that it is worth a segment."""

    def make(path: Path) -> None:
        flash = r"drawbox=c=white:t=fill:enable='lt(mod(t\,2)\,0.2)*gt(t\,1)'"
        video = f"color=black:s=320x180:r=25:d=9,noise=alls=30:allf=t,{flash}"
        tone = "aevalsrc='0.7*sin(2*PI*1000*t)*lt(mod(t,2),0.2)*gt(t,1)':s=44100:d=9"
        codec = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "900k", "-g", "125", "-c:a", "aac"]
        media_samples.run(["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", tone, *codec, str(path)])

    return media_samples.kept(f"clock.{suffix}", make)


def _decoded(path: Path, args: Sequence[str]) -> bytes:
    told = [media_samples.FFMPEG, "-v", "error", "-i", str(path), *args, "-"]
    return subprocess.run(told, capture_output=True, check=True).stdout


def _joined(folder: Path, into: Path) -> Path:
    body = (folder / "init.mp4").read_bytes()
    body += b"".join(path.read_bytes() for path in sorted(folder.glob("segment-*.m4s")))
    into.write_bytes(body)
    return into


def _onsets(loud: np.ndarray, per_second: float) -> list[float]:
    """When something begins after half a second of nothing."""
    at = np.flatnonzero(loud) / per_second
    return [float(at[0]), *(float(b) for a, b in itertools.pairwise(at) if b - a > 0.5)] if len(at) else []


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
async def test_segments_join_in_picture_and_sound(suffix: str, tmp_path: Path) -> None:
    at = bench(tmp_path)
    outcome = await make_whole_hls(_clock(tmp_path, suffix), SPEC, at)
    assert isinstance(outcome, MediaMade)
    assert len(outcome.files) == 2 + 5
    joined = _joined(at.folder, tmp_path / "joined.mp4")

    grey = ["-map", "0:v", "-fps_mode", "passthrough", "-vf", "scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo"]
    film = np.frombuffer(_decoded(joined, grey), np.uint8)
    heard = np.frombuffer(_decoded(joined, ["-map", "0:a", "-ar", "24000", "-ac", "1", "-f", "f32le"]), np.float32)
    assert len(film) == pytest.approx(9 * 15, abs=1)
    assert len(heard) / 24_000 == pytest.approx(9, abs=0.1)
    assert _onsets(film > 128, 15) == pytest.approx([2, 4, 6, 8], abs=0.1)
    assert _onsets(np.abs(heard) > 0.2, 24_000) == pytest.approx([2, 4, 6, 8], abs=0.03)


@needs_ffmpeg
async def test_decode_times_rise_by_even_steps_over_every_join(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await make_whole_hls(_clock(tmp_path), SPEC, at)
    joined = _joined(at.folder, tmp_path / "joined.mp4")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=stream_index,dts", "-of", "csv=p=0", str(joined)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for stream, step in ((0, 90_000 // 15), (1, 1024)):
        times = [int(line.split(",")[1]) for line in told.split() if line.startswith(f"{stream},")]
        assert {b - a for a, b in itertools.pairwise(times)} == {step}


@needs_ffmpeg
async def test_a_tone_has_no_click_at_a_join(tmp_path: Path) -> None:
    at = bench(tmp_path)
    source = tmp_path / "tone.mp4"
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=8"]
    video = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8,noise=alls=20:allf=t"]
    media_samples.run(
        [*video, *tone, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "128k", str(source)]
    )
    await make_whole_hls(source, HlsSpec(segment_s=2.0, capped=CappedSpec(sound_bitrate_bps=32_000)), at)
    joined = _joined(at.folder, tmp_path / "joined.mp4")
    heard = np.frombuffer(_decoded(joined, ["-map", "0:a", "-ar", "24000", "-ac", "1", "-f", "f32le"]), np.float32)
    time_s = np.arange(len(heard)) / 24_000
    waves = np.stack([np.sin(2 * np.pi * 440 * time_s), np.cos(2 * np.pi * 440 * time_s)], 1)
    body = slice(6_000, 7 * 24_000)
    fitted, *_ = np.linalg.lstsq(waves[body], heard[body], rcond=None)
    loud = float(np.hypot(*fitted))
    rest = np.abs(heard - waves @ fitted)
    assert loud > 0.1
    for join_s in (2, 4, 6):
        at_join = rest[join_s * 24_000 - 2_048 : join_s * 24_000 + 2_048].max()
        assert at_join < loud * 0.6, f"a click at {join_s} s"


@needs_ffmpeg
async def test_every_segment_begins_with_a_key_frame_and_has_one_head(tmp_path: Path) -> None:
    at, source = bench(tmp_path), _clock(tmp_path)
    info = await probe(source, at)
    heads = []
    for number in (3, 0, 4):
        path = await make_segment(source, SPEC, number, at, info=info)
        heads.append((at.folder / "init.mp4").read_bytes())
        alone = tmp_path / "alone.mp4"
        alone.write_bytes(heads[-1] + path.read_bytes())
        picture = _decoded(alone, ["-frames:v", "1", "-vf", "scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo"])
        assert len(picture) == 1
    assert heads[0] == heads[1] == heads[2]


@needs_ffmpeg
async def test_a_picture_that_stands_long_is_there_in_every_segment(tmp_path: Path) -> None:
    """A screen recorder writes a frame when something changes; a segment between two changes has none of its own."""
    source = tmp_path / "still.mkv"
    graph = "testsrc2=size=640x360:rate=25:duration=10,select='eq(n,0)+eq(n,225)'"
    sound = ["-f", "lavfi", "-i", "sine=duration=10"]
    media_samples.run(
        [
            "-f",
            "lavfi",
            "-i",
            graph,
            *sound,
            "-c:v",
            "mjpeg",
            "-q:v",
            "2",
            "-fps_mode",
            "vfr",
            "-c:a",
            "flac",
            str(source),
        ]
    )
    at = bench(tmp_path)
    info = replace(await probe(source, at), bitrate_bps=None)
    path = await make_segment(source, SPEC, 2, at, info=info)
    assert sample_counts(path.read_bytes())[1] == 30


@needs_ffmpeg
async def test_a_mute_film_has_segments_too(tmp_path: Path) -> None:
    at, source = bench(tmp_path), media_samples.film(with_sound=False)
    path = await make_segment(source, SPEC, 1, at, info=await probe(source, at))
    assert sample_counts(path.read_bytes()) == {1: 30}


@needs_ffmpeg
async def test_there_is_no_segment_behind_the_last(tmp_path: Path) -> None:
    at, source = bench(tmp_path), media_samples.film()
    info = await probe(source, at)
    for number in (-1, 3):
        with pytest.raises(IndexError):
            await make_segment(source, SPEC, number, at, info=info)


@needs_ffmpeg
async def test_before_anybody_watches_there_is_a_playlist_and_the_head(tmp_path: Path) -> None:
    at, source = bench(tmp_path), media_samples.film()
    outcome = await make_hls(source, SPEC, at)
    assert isinstance(outcome, MediaMade)
    assert outcome.files == ("index.m3u8", "init.mp4")
    assert sorted(path.name for path in at.folder.iterdir()) == ["index.m3u8", "init.mp4"]
    head = (at.folder / "init.mp4").read_bytes()
    await make_segment(source, SPEC, 1, at, info=await probe(source, at))
    assert (at.folder / "init.mp4").read_bytes() == head


@needs_ffmpeg
async def test_the_end_of_twelve_hours_is_made_alone(tmp_path: Path) -> None:
    source, at = media_samples.half_a_day(), bench(tmp_path)
    spec = HlsSpec(capped=CappedSpec(max_height_px=45, video_bitrate_bps=300, sound_bitrate_bps=100))
    made = await make_hls(source, spec, at)
    assert isinstance(made, MediaMade) and made.length_bytes < 500_000
    listed = m3u8.loads((at.folder / made.main).read_text())
    assert sum(one.duration for one in listed.segments) == pytest.approx(43_200, abs=30)
    last = len(listed.segments) - 2
    path = await make_segment(source, spec, last, at, info=await probe(source, at))
    assert 100 < path.stat().st_size < 100_000


@needs_ffmpeg
async def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    assert await make_hls(media_samples.sound("mp3"), SPEC, bench(tmp_path)) == Refused(why="no-video")


# -- fragments as bytes ----------------------------------------------------------------------------------------


def test_bytes_that_are_no_fragments_are_refused() -> None:
    for body in (b"", b"\0\0\0\x08free", b"\0\0\0\x10moovxxxxxxxx", b"\0\0\1\0moof", b"\0\0\0\x04moof"):
        with pytest.raises(ValueError, match=r"fit|fragmented"):
            split(body)


@needs_ffmpeg
async def test_fragments_keep_their_distance_when_they_are_moved(tmp_path: Path) -> None:
    path = tmp_path / "fragments.mp4"
    flags = ["-movflags", "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets", "-g", "25"]
    media_samples.run(["-i", str(media_samples.film()), "-c:v", "libx264", "-preset", "ultrafast", *flags, str(path)])
    head, fragments = split(path.read_bytes())
    assert [kind for kind, _, _ in boxes(head, 0, len(head))] == [b"ftyp", b"moov"]
    moved = placed(fragments, {1: 1_000_000})
    assert len(moved) == len(fragments)
    assert sample_counts(moved) == sample_counts(fragments)
    assert first_offset(moved, 1) == 0
    assert placed(placed(moved, {1: 0}), {1: 1_000_000}) == moved
    assert placed(fragments, {}) == fragments
