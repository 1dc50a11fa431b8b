"""Speech for a thin link."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.loudness import LOUDNESS_LUFS, measured_lufs, measuring_args
from proxy.transforms.media.probe import probe
from proxy.transforms.media.sound import (
    growing_args,
    make_sound,
    make_sound_growing,
    make_sound_simply,
    sound_args,
)
from proxy.transforms.media.spec import MediaMade, SoundCodec, SoundSpec
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import A_MINUTE_OF_SPEECH, bench, needs_ffmpeg


def test_the_compiled_arguments() -> None:
    assert sound_args("in.mp4", A_MINUTE_OF_SPEECH, SoundSpec(), Path("sound.webm"), gain_db=4.5) == [
        "-i", "in.mp4", "-filter_complex",
        "[0:1]aformat=channel_layouts=mono[s0];[s0]aresample=24000:async=1[s1];[s1]highpass=f=80[s2];"
        "[s2]volume=4.5dB[s3];[s3]alimiter=level=0:limit=0.9[s4]",
        "-map", "[s4]", "-application", "voip", "-b:a", "16000", "-c:a", "libopus", "-fflags", "+bitexact",
        "-flags:a", "+bitexact", "-flags:v", "+bitexact", "-frame_duration", "120",
        "-max_muxing_queue_size", "4096", "-threads", "1", "-vbr", "on",
        "-map_metadata", "-1", "-map_chapters", "-1", "sound.webm",
    ]  # fmt: skip


def test_the_compiled_arguments_for_an_old_device() -> None:
    told = " ".join(
        sound_args("in.mp4", A_MINUTE_OF_SPEECH, SoundSpec(codec=SoundCodec.AAC), Path("sound.m4a"), gain_db=0.0)
    )
    assert "aresample=16000" in told
    assert "volume" not in told
    assert "-b:a 16000 -c:a aac" in told
    assert "-movflags +faststart" in told


def test_a_thinner_sound_has_a_narrower_band() -> None:
    told = " ".join(
        sound_args("in.mp4", A_MINUTE_OF_SPEECH, SoundSpec(bitrate_bps=12_000), Path("sound.webm"), gain_db=0.0)
    )
    assert "aresample=16000" in told


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp3", "m4a", "ogg", "opus", "flac", "wav", "aac", "wma"])
async def test_every_kind_of_sound_file(suffix: str, tmp_path: Path) -> None:
    at, source = bench(tmp_path), media_samples.sound(suffix)
    outcome = await make_sound(source, SoundSpec(), at)
    assert isinstance(outcome, MediaMade)
    info = await probe(at.folder / "sound.webm", at)
    assert info.video is None
    assert info.sound is not None
    assert (info.sound.codec, info.sound.channels) == ("opus", 1)
    assert info.duration_s == pytest.approx(20, abs=0.2)
    assert outcome.length_bytes * 8 / 20 < 18_500


@needs_ffmpeg
@pytest.mark.parametrize("source", [media_samples.film, media_samples.sound_with_cover])
@pytest.mark.parametrize("codec", SoundCodec)
async def test_the_sound_of_a_film_and_of_a_file_with_a_cover(source, codec: SoundCodec, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    at = bench(tmp_path)
    outcome = await make_sound(source(), SoundSpec(codec=codec), at)
    assert isinstance(outcome, MediaMade)
    info = await probe(at.folder / outcome.main, at)
    assert info.video is None
    assert not info.pictures
    assert outcome.content_type == ("audio/webm" if codec is SoundCodec.OPUS else "audio/mp4")


@needs_ffmpeg
async def test_chapters_stay(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await make_sound(media_samples.film(chapters=True), SoundSpec(), at)
    assert [mark.title for mark in (await probe(at.folder / "sound.webm", at)).chapters] == ["One", "Two"]


@needs_ffmpeg
@pytest.mark.parametrize("change_db", [-15, 10])
async def test_quiet_and_loud_speech_end_equally_loud(change_db: int, tmp_path: Path) -> None:
    at, source = bench(tmp_path), tmp_path / "source.wav"
    media_samples.run(["-i", str(media_samples.speech()), "-af", f"volume={change_db}dB", str(source)])
    await make_sound(source, SoundSpec(bitrate_bps=24_000), at)
    made = at.folder / "sound.webm"
    heard = await at.ffmpeg(measuring_args(made, await probe(made, at)), reads=[made])
    assert measured_lufs(heard) == pytest.approx(LOUDNESS_LUFS, abs=1.5)


@needs_ffmpeg
async def test_what_is_small_already_is_left_alone(tmp_path: Path) -> None:
    at = bench(tmp_path)
    await make_sound(media_samples.sound("wav"), SoundSpec(), at)
    small = tmp_path / "small.webm"
    (at.folder / "sound.webm").rename(small)
    assert await make_sound(small, SoundSpec(), at) == Unchanged(why="already-small")


@needs_ffmpeg
async def test_a_mute_film_has_no_sound(tmp_path: Path) -> None:
    assert await make_sound(media_samples.film(with_sound=False), SoundSpec(), bench(tmp_path)) == Refused(
        why="no-sound"
    )


@needs_ffmpeg
async def test_the_simpler_way_makes_it_as_loud_as_it_is(tmp_path: Path) -> None:
    outcome = await make_sound_simply(media_samples.sound("mp3"), SoundSpec(), bench(tmp_path))
    assert isinstance(outcome, MediaMade)
    assert outcome.facts["gain_db"] == 0.0


@needs_ffmpeg
async def test_what_is_heard_while_it_is_made_is_what_is_kept(tmp_path: Path) -> None:
    at, heard = bench(tmp_path), bytearray()
    made = await make_sound_growing(media_samples.sound("mp3", 12), SoundSpec(), at, on_output=heard.extend)
    assert isinstance(made, MediaMade) and made.files == ("sound.webm",)
    assert made.duration_s == pytest.approx(12, abs=0.3)
    live = at.folder / "live.webm"
    live.write_bytes(heard)
    played = await probe(live, at)
    assert played.sound is not None and played.sound.codec == "opus"
    assert [path.name for path in at.folder.glob("clusters*")] == []


@needs_ffmpeg
async def test_nothing_is_handed_out_of_what_needs_no_making(tmp_path: Path) -> None:
    at, heard = bench(tmp_path), bytearray()
    small = tmp_path / "small.webm"
    media_samples.run(["-i", str(media_samples.speech()), "-c:a", "libopus", "-b:a", "12k", str(small)])
    outcome = await make_sound_growing(small, SoundSpec(bitrate_bps=16_000), at, on_output=heard.extend)
    assert isinstance(outcome, Unchanged) and not heard


def test_the_compiled_arguments_of_what_grows() -> None:
    args = growing_args("a.mp4", A_MINUTE_OF_SPEECH, SoundSpec(), gain_db=3.0)
    assert args[-1] == "pipe:1" and args[args.index("-f") + 1] == "webm"
    assert "volume=3.0dB" in " ".join(args)
    told = measuring_args("a.mp4", A_MINUTE_OF_SPEECH, first_s=90)
    assert told[told.index("-t") + 1] == "90"
