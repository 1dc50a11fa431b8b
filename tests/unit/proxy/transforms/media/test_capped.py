"""A film within limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.capped import (
    capped_args,
    capped_fps,
    capped_size,
    capped_stream_args,
    is_worth_it,
    make_capped,
    make_capped_simply,
    sound_rate_hz,
)
from proxy.transforms.media.growing import WholeFile, make_capped_growing
from proxy.transforms.media.probe import MediaInfo, SoundStream, VideoStream, probe
from proxy.transforms.media.spec import CappedSpec, MediaMade
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import bench, info_of, needs_ffmpeg

VIDEO = VideoStream(index=0, codec="h264", width_px=1280, height_px=720, fps=25.0, bitrate_bps=1_500_000)
SOUND = SoundStream(index=1, codec="aac", channels=2, rate_hz=44_100)
INFO = MediaInfo(
    container="mov", length_bytes=12_000_000, duration_s=60.0, bitrate_bps=1_600_000, video=VIDEO, sound=SOUND
)


def test_the_compiled_arguments() -> None:
    assert capped_args("in.mp4", INFO, CappedSpec(), Path("out.mp4")) == [
        "-i", "in.mp4", "-filter_complex",
        "[0:0]fps=fps=15[s0];[s0]scale=426:240[s1];[s1]setsar=1[s2];[0:1]aresample=24000:async=1[s3]",
        "-map", "[s2]", "-map", "[s3]",
        "-ac", "1", "-b:a", "24000", "-bufsize", "220000", "-c:a", "aac", "-c:v", "libx264", "-crf", "28",
        "-fflags", "+bitexact", "-flags:a", "+bitexact", "-flags:v", "+bitexact", "-g", "75",
        "-max_muxing_queue_size", "4096", "-maxrate", "110000", "-movflags", "+faststart", "-pix_fmt", "yuv420p",
        "-preset", "veryfast", "-profile:v", "main", "-threads", "1",
        "-map_metadata", "-1", "-map_chapters", "-1", "out.mp4",
    ]  # fmt: skip


def test_chapters_are_a_second_input() -> None:
    told = " ".join(capped_args("in.mp4", INFO, CappedSpec(), Path("out.mp4"), chapters=Path("marks")))
    assert told.startswith("-i in.mp4 -f ffmetadata -i marks -filter_complex")
    assert told.endswith("-map_metadata 1 -map_metadata:s 1:g -map_chapters 1 out.mp4")


def test_the_compiled_arguments_of_a_film_without_sound_that_is_asked_for_later() -> None:
    spec = CappedSpec(start_s=12.5, max_fps=30)
    told = capped_args("in.mp4", replace(INFO, sound=None), spec, Path("out.mp4"))
    assert told[:4] == ["-ss", "12.500", "-i", "in.mp4"]
    assert "[0:0]scale=426:240[s0];[s0]setsar=1[s1]" in told  # 25 frames a second are within 30
    assert "-c:a" not in told


def test_the_compiled_arguments_of_fragments_from_a_pipe() -> None:
    told = " ".join(capped_stream_args("pipe:0", INFO, CappedSpec()))
    assert told.startswith("-f mov -xerror -i pipe:0")
    assert "-movflags +frag_keyframe+empty_moov+default_base_moof" in told
    assert "-frag_duration 1000000" in told
    assert told.endswith("pipe:1")


@pytest.mark.parametrize(
    ("width", "height", "rotation", "aspect", "limit", "expected"),
    [
        (1280, 720, 0, 1.0, 240, (426, 240)),
        (1920, 1080, 0, 1.0, 360, (640, 360)),
        (640, 480, 0, 1.0, 240, (320, 240)),
        (1920, 1080, 90, 1.0, 240, (240, 426)),  # filmed upright: the shorter side counts
        (720, 576, 0, 64 / 45, 288, (512, 288)),  # not square pixels
        (320, 180, 0, 1.0, 240, (320, 180)),  # never enlarged
        (641, 361, 0, 1.0, 720, (640, 360)),  # even
        (2000, 40, 0, 1.0, 240, (2000, 40)),
        (16, 9, 0, 1.0, 240, (16, 16)),
    ],
)
def test_sizes(width: int, height: int, rotation: int, aspect: float, limit: int, expected: tuple[int, int]) -> None:
    video = replace(VIDEO, width_px=width, height_px=height, rotation=rotation, sample_aspect=aspect)
    assert capped_size(video, limit) == expected


def test_frames_and_sample_rates() -> None:
    assert capped_fps(VIDEO, 15) == 15
    assert capped_fps(replace(VIDEO, fps=10.0), 15) == 10
    assert capped_fps(replace(VIDEO, fps=None), 15) == 15
    assert [sound_rate_hz(rate) for rate in (12_000, 16_000, 24_000, 64_000)] == [16_000, 16_000, 24_000, 44_100]


def test_a_source_that_is_nearly_as_small_is_not_worth_it() -> None:
    assert is_worth_it(INFO, CappedSpec())
    assert not is_worth_it(replace(INFO, bitrate_bps=170_000), CappedSpec())
    assert is_worth_it(replace(INFO, bitrate_bps=180_000), CappedSpec())
    assert not is_worth_it(replace(INFO, bitrate_bps=140_000, sound=None), CappedSpec())
    assert is_worth_it(replace(INFO, bitrate_bps=None), CappedSpec())


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi", "ts", "flv", "wmv", "mpg"])
async def test_every_container_becomes_a_film_that_every_phone_plays(suffix: str, tmp_path: Path) -> None:
    at, source = bench(tmp_path), media_samples.film(suffix)
    outcome = await make_capped(source, CappedSpec(), at)
    assert isinstance(outcome, MediaMade)
    assert outcome.length_bytes < source.stat().st_size / 5
    info = await probe(at.folder / "video.mp4", at)
    assert info.video is not None
    assert info.sound is not None
    assert (info.video.codec, info.sound.codec, info.sound.channels) == ("h264", "aac", 1)
    assert (info.video.width_px, info.video.height_px, info.video.fps) == (426, 240, 15)
    assert info.duration_s == pytest.approx(6, abs=0.3)
    assert info.layout is not None
    assert info.layout.faststart


@needs_ffmpeg
async def test_a_turned_film_comes_out_upright(tmp_path: Path) -> None:
    at = bench(tmp_path)
    outcome = await make_capped(media_samples.film(rotate=90), CappedSpec(), at)
    assert isinstance(outcome, MediaMade)
    info = await probe(at.folder / "video.mp4", at)
    assert info.video is not None
    assert (info.video.width_px, info.video.height_px, info.video.rotation) == (240, 426, 0)


@needs_ffmpeg
async def test_chapters_stay_and_nothing_else_is_told(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await make_capped(media_samples.film(chapters=True), CappedSpec(), at)
    assert [path.name for path in at.folder.iterdir()] == ["video.mp4"]
    made = at.folder / "video.mp4"
    assert [chapter.title for chapter in (await probe(made, at)).chapters] == ["One", "Two"]
    assert b"Lavf" not in made.read_bytes()


@needs_ffmpeg
async def test_the_same_film_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    bodies = []
    for _ in range(2):
        at = bench(tmp_path)
        await make_capped(media_samples.film(), CappedSpec(), at)
        bodies.append((at.folder / "video.mp4").read_bytes())
    assert bodies[0] == bodies[1]


@needs_ffmpeg
async def test_a_player_that_begins_later_gets_the_rest(tmp_path: Path) -> None:
    outcome = await make_capped(media_samples.film(), CappedSpec(start_s=4.0), bench(tmp_path))
    assert isinstance(outcome, MediaMade)
    assert outcome.duration_s == pytest.approx(2, abs=0.2)
    beyond = await make_capped(media_samples.film(), CappedSpec(start_s=7.0), bench(tmp_path))
    assert beyond == Refused(why="beyond-the-end")


@needs_ffmpeg
async def test_what_is_small_already_is_left_alone(tmp_path: Path) -> None:
    small = media_samples.film(seconds=3, width=160, height=90, kbps=60)
    assert await make_capped(small, CappedSpec(), bench(tmp_path)) == Unchanged(why="already-small")


@needs_ffmpeg
async def test_half_a_film_and_one_that_claims_hours_are_refused(tmp_path: Path) -> None:
    half = media_samples.truncated(media_samples.film(), tmp_path)
    assert await make_capped_simply(half, CappedSpec(), bench(tmp_path)) == Refused(why="too-short")
    hours = media_samples.claiming_hours(tmp_path)
    outcome = await make_capped(hours, CappedSpec(video_bitrate_bps=100, sound_bitrate_bps=100), bench(tmp_path))
    assert outcome in (Refused(why="too-short"), Unchanged(why="already-small"))


@needs_ffmpeg
async def test_frames_beyond_measure_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    huge = media_samples.hostile(tmp_path / "hostile")["huge.mp4"]
    assert await make_capped(huge, CappedSpec(), bench(tmp_path)) == Refused(why="too-many-pixels")


# -- played while it is made -----------------------------------------------------------------------------------


class Arriving(WholeFile):
    """A file that comes in pieces, each when it is waited for; breaks off where it is told to. ranges: and its end."""

    complete = False

    def __init__(self, source: Path, target: Path, *, breaks_at: int | None = None, ranges: bool = False) -> None:
        super().__init__(source)
        self._body = source.read_bytes()
        self._path = target
        self._there = 0
        self._breaks_at = breaks_at
        self._ranges = ranges
        target.write_bytes(b"")

    async def wait_for(self, nbytes: int) -> int:
        while self._there < min(nbytes, len(self._body)):
            await asyncio.sleep(0.005)
            if self._breaks_at is not None and self._there >= self._breaks_at:
                raise OSError("broken off")
            piece = self._body[self._there : self._there + 100_000]
            self._write(self._there, piece)
            self._there += len(piece)
        return self._there

    async def have_tail(self, nbytes: int) -> bool:
        if self._ranges:
            self._write(len(self._body) - nbytes, self._body[-nbytes:])
        return self._ranges

    def _write(self, at: int, data: bytes) -> None:
        with self._path.open("r+b") as file:
            file.seek(at)
            file.write(data)


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "faststart"), [("mp4", True), ("mkv", True), ("ts", True), ("mp4", False)])
async def test_a_film_plays_before_its_source_is_there(suffix: str, faststart: bool, tmp_path: Path) -> None:
    source = media_samples.film(suffix, seconds=12, faststart=faststart)
    feed, made = Arriving(source, tmp_path / "arriving", ranges=True), bytearray()
    at_first: list[int] = []

    def take(piece: bytes) -> None:
        made.extend(piece)
        if b"moof" in made and not at_first:
            at_first.append(feed._there)

    at = bench(tmp_path)
    outcome = await make_capped_growing(feed, CappedSpec(), at, on_output=take)
    assert isinstance(outcome, MediaMade)
    assert at_first[0] < source.stat().st_size
    assert outcome.duration_s == pytest.approx(12, abs=0.5)
    assert [path.name for path in at.folder.iterdir()] == ["video.mp4"]
    (tmp_path / "played.mp4").write_bytes(made)
    played = await info_of(tmp_path / "played.mp4", tmp_path)
    assert played.duration_s == pytest.approx(12, abs=0.5)


@needs_ffmpeg
async def test_chapters_stay_in_what_was_played_meanwhile(tmp_path: Path) -> None:
    at, source = bench(tmp_path), WholeFile(media_samples.film(chapters=True))
    await make_capped_growing(source, CappedSpec(start_s=1.0), at, on_output=lambda piece: None)
    chapters = (await probe(at.folder / "video.mp4", at)).chapters
    assert [(chapter.title, chapter.start_s) for chapter in chapters] == [("One", 0.0), ("Two", 2.0)]


@needs_ffmpeg
async def test_what_was_handed_out_is_playable_wherever_it_ends(tmp_path: Path) -> None:
    made = bytearray()
    await make_capped_growing(WholeFile(media_samples.film()), CappedSpec(), bench(tmp_path), on_output=made.extend)
    half = tmp_path / "half.mp4"
    half.write_bytes(made[: made.rindex(b"moof", 0, len(made) * 2 // 3) - 4])
    info = await info_of(half, tmp_path)
    assert info.video is not None
    assert 1 < (info.duration_s or 0) < 5.5


@needs_ffmpeg
async def test_an_index_at_the_end_is_waited_for_where_it_cannot_be_had_ahead(tmp_path: Path) -> None:
    feed, made = Arriving(media_samples.film(faststart=False), tmp_path / "arriving"), bytearray()
    outcome = await make_capped_growing(feed, CappedSpec(), bench(tmp_path), on_output=made.extend)
    assert isinstance(outcome, MediaMade)
    assert made


@needs_ffmpeg
async def test_a_source_that_breaks_off_is_refused(tmp_path: Path) -> None:
    feed = Arriving(media_samples.film(seconds=12), tmp_path / "arriving", breaks_at=900_000)
    outcome = await make_capped_growing(feed, CappedSpec(), bench(tmp_path), on_output=lambda piece: None)
    assert outcome == Refused(why="source-broke-off")


@needs_ffmpeg
async def test_a_small_source_hands_out_nothing(tmp_path: Path) -> None:
    small, made = media_samples.film(seconds=3, width=160, height=90, kbps=60), bytearray()
    outcome = await make_capped_growing(
        Arriving(small, tmp_path / "arriving"), CappedSpec(), bench(tmp_path), on_output=made.extend
    )
    assert outcome == Unchanged(why="already-small")
    assert not made
