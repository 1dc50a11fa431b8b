"""What every ffmpeg command gets before it runs."""

from __future__ import annotations

import pytest

from proxy.transforms.media.ffmpeg_args import UnknownContainerError, guarded, is_progress, progress_s


def known(source: str) -> str | None:
    return {"film.mp4": "mov", "sound.mp3": "mp3"}.get(source)


def guarded_in(*args: str) -> str:
    return " ".join(guarded(args, known, max_pixels=1000))


def test_an_input_is_opened_by_its_own_demuxer_over_files_alone() -> None:
    told = guarded_in("-ss", "3", "-i", "film.mp4", "-c", "copy", "out.mp4")
    assert "-ss 3 -protocol_whitelist file,pipe -f mov -max_pixels 1000 -threads 1 -i film.mp4 -c copy" in told


def test_each_input_has_guards_of_its_own() -> None:
    told = guarded_in("-i", "film.mp4", "-i", "sound.mp3", "-map", "0", "out.mp4")
    assert told.count("-protocol_whitelist file,pipe") == 2
    assert told.index("-f mov") < told.index("-i film.mp4") < told.index("-f mp3") < told.index("-i sound.mp3")


def test_a_demuxer_that_stands_there_is_kept_and_guarded() -> None:
    told = guarded_in("-f", "mov", "-i", "pipe:0", "pipe:1")
    assert "-f mov -protocol_whitelist file,pipe -max_pixels" in told
    assert told.count("-f ") == 1


def test_what_is_made_here_needs_no_guards() -> None:
    assert "-protocol_whitelist" not in guarded_in("-f", "lavfi", "-i", "testsrc2", "out.mp4")


def test_what_is_not_known_is_not_opened() -> None:
    with pytest.raises(UnknownContainerError):
        guarded_in("-i", "http://example.org/x.m3u8", "out.mp4")


@pytest.mark.parametrize(
    ("line", "seconds", "progress"),
    [
        ("out_time_us=1500000", 1.5, True),
        ("out_time_us=N/A", None, True),
        ("progress=continue", None, True),
        ("stream_0_0_q=28.0", None, True),
        ("[mov @ 0x1] moov atom not found", None, False),
        ("lavfi.silence_start=3.2", None, False),
    ],
)
def test_lines_of_progress_are_told_from_the_log(line: str, seconds: float | None, progress: bool) -> None:
    assert progress_s(line) == seconds
    assert is_progress(line) is progress
