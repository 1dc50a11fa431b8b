"""How loud a sound is, told together with what is in its file where that is short."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.transforms.media.loudness import (
    LOUDNESS_LUFS,
    gain_for,
    gain_of,
    heard,
    listening_args,
    measured_lufs,
    measuring_args,
)
from proxy.transforms.media.probe import probe
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import A_MINUTE_OF_SPEECH, bench, needs_ffmpeg


def test_the_compiled_arguments_of_measuring() -> None:
    told = " ".join(measuring_args("in.mp4", A_MINUTE_OF_SPEECH))
    assert "ebur128=framelog=verbose" in told
    assert told.endswith("-f null - -loglevel info")


@pytest.mark.parametrize(
    ("loudness", "gain"),
    [(LOUDNESS_LUFS, 0.0), (-23.0, 5.0), (-9.5, -8.5), (-50.0, 20.0), (-70.0, 0.0), (None, 0.0)],
)
def test_gains(loudness: float | None, gain: float) -> None:
    assert gain_for(loudness) == gain


def test_the_summary_is_read_and_not_a_frame() -> None:
    log = "[x] t: 1 I: -70.0 LUFS\n  Integrated loudness:\n    I:         -21.4 LUFS\n    Threshold: -31.6 LUFS\n"
    assert measured_lufs(log) == -21.4
    assert measured_lufs("    I:         -inf LUFS\n") is None
    assert measured_lufs("") is None


def test_a_short_listening_has_its_limit_before_its_input() -> None:
    told = " ".join(listening_args("in.mp4", "a:0", first_s=90))
    assert told.startswith("-t 90 -i in.mp4") and "[0:a:0]aformat" in told


SAMPLES = {
    "film": lambda: media_samples.film(),
    "chapters": lambda: media_samples.film(chapters=True),
    "mute": lambda: media_samples.film(with_sound=False),
    "sound": lambda: media_samples.sound("mp3"),
}


@needs_ffmpeg
@pytest.mark.parametrize("sample", SAMPLES)
async def test_one_run_tells_what_two_would(sample: str, tmp_path: Path) -> None:
    source, at = SAMPLES[sample](), bench(tmp_path)
    info, log = await heard(source, at)
    alone = await probe(source, at)
    assert (log is None) == (alone.sound is None)
    assert (info.container, info.texts, info.chapters) == (alone.container, alone.texts, alone.chapters)
    assert info.duration_s == pytest.approx(alone.duration_s, abs=0.06)
    if alone.sound is not None:
        assert info.sound is not None and info.sound.index == alone.sound.index
        assert await gain_of(source, info, at, log) == await gain_of(source, alone, at, None)


@needs_ffmpeg
async def test_another_track_that_the_file_prefers_is_listened_to_by_itself(tmp_path: Path) -> None:
    source = tmp_path / "two.mkv"
    quiet, loud = ("-f", "lavfi", "-i", "sine=d=4,volume=-30dB"), ("-f", "lavfi", "-i", "sine=frequency=600:d=4")
    prefers = ("-disposition:a:0", "0", "-disposition:a:1", "default")
    media_samples.run([*quiet, *loud, "-map", "0", "-map", "1", "-c:a", "flac", *prefers, str(source)])
    at = bench(tmp_path)
    info, log = await heard(source, at)
    assert info.sound is not None and info.sound.index == 1 and log is None
    assert await gain_of(source, info, at, log) < 12
