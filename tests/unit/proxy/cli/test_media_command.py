"""`tropa media`: what the operator types, gets and sees."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.cli.media_report import Tried, clock, progress_bar
from proxy.transforms.media.tools import find_ffmpeg
from tests import documents, media_samples
from tests.bbb_recordings import write_recording
from tests.clocks import HandClock
from tests.pictures import photo, saved
from tests.unit.proxy.cli.commands import NOON, regions_file, tropa

needs_ffmpeg = pytest.mark.skipif(find_ffmpeg() is None, reason="there is no ffmpeg here")


@needs_ffmpeg
def test_a_film_becomes_smaller_and_the_report_says_by_how_much(tmp_path: Path) -> None:
    output = tmp_path / "small.mp4"
    ran = tropa("media", "capped", media_samples.film(), output)
    assert (ran.code, ran.err) == (0, "")
    assert output.stat().st_size < media_samples.film().stat().st_size / 5
    assert "small.mp4" in ran.out
    assert "lasts 0:06" in ran.out
    assert "height_px: 240" in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.mp4"]


@needs_ffmpeg
def test_the_report_for_programs(tmp_path: Path) -> None:
    ran = tropa("media", "audio", media_samples.sound("mp3"), tmp_path / "sound.webm", "--json")
    told = json.loads(ran.out)
    assert (told["recipe"], told["outcome"], told["main"]) == ("audio", "made", "sound.webm")
    assert told["length_bytes"] == (tmp_path / "sound.webm").stat().st_size
    assert told["ratio"] == pytest.approx(told["length_bytes"] / told["source_bytes"], abs=0.001)
    assert told["spec"]["bitrate_bps"] == 16_000


@needs_ffmpeg
def test_a_film_in_segments_is_a_folder(tmp_path: Path) -> None:
    ran = tropa("media", "hls", media_samples.film(), tmp_path / "film")
    assert ran.code == 0
    names = sorted(path.name for path in (tmp_path / "film").iterdir())
    assert names == ["index.m3u8", "init.mp4", "segment-00000.m4s"]
    assert (tmp_path / "film" / "index.m3u8").stat().st_mode & 0o044


@needs_ffmpeg
def test_a_recording_is_a_folder_of_files(tmp_path: Path) -> None:
    recording, output = tmp_path / "recording", tmp_path / "lecture"
    recording.mkdir()
    write_recording(recording)
    ran = tropa("media", "slidecast", recording, output)
    assert ran.code == 0 and "Методика, занятие 3" in ran.out
    assert (output / "lecture.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lecture", "recording"]


@needs_ffmpeg
def test_the_region_s_policy_says_how_small(tmp_path: Path) -> None:
    words = ("media", "capped", media_samples.film(), tmp_path / "x.mp4", "--json", "--regions", regions_file(tmp_path))
    told = json.loads(tropa(*words, "--region", "koryak").out)
    usual = json.loads(tropa(*words[:5]).out)
    assert (told["spec"]["max_fps"], usual["spec"]["max_fps"]) == (12, 15)
    assert tropa(*words, "--region", "koryak/tigil").code == 0


def test_a_document_needs_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPA_FFMPEG", str(tmp_path / "nothing"))
    source = documents.pdf_of_photos(tmp_path / "photos.pdf", 1)
    ran = tropa("media", "pdf", source, tmp_path / "light.pdf")
    assert ran.code == 0
    assert (tmp_path / "light.pdf").read_bytes().startswith(b"%PDF")
    ran = tropa("media", "audio", media_samples.sound("wav"), tmp_path / "x.webm")
    assert ran.code == 1
    assert "tropa doctor" in ran.err


def test_a_picture(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(saved(photo(), "JPEG", quality=90))
    ran = tropa("media", "image", source, tmp_path / "photo.webp", "--json")
    told = json.loads(ran.out)
    assert told["outcome"] == "made"
    assert told["content_type"].startswith("image/")
    assert told["length_bytes"] == (tmp_path / "photo.webp").stat().st_size


@needs_ffmpeg
def test_what_is_small_already_is_left_alone(tmp_path: Path) -> None:
    small = media_samples.film(seconds=3, width=160, height=90, kbps=60)
    ran = tropa("media", "capped", small, tmp_path / "x.mp4")
    assert (ran.code, ran.out.strip()) == (0, "left as it is: already-small")
    assert not list(tmp_path.iterdir())


@needs_ffmpeg
@pytest.mark.parametrize("name", ["text.mp4", "playlist.mp4", "no-index.mp4", "empty.mp4", "huge.mp4"])
def test_a_broken_or_hostile_file_is_one_line_and_no_stack_trace(name: str, tmp_path: Path) -> None:
    source = media_samples.hostile(tmp_path / "hostile")[name]
    ran = tropa("media", "capped", source, tmp_path / "x.mp4")
    assert ran.code == 1
    assert ran.out.startswith("it couldn't be done: ")
    assert "Traceback" not in ran.out + ran.err
    assert not (tmp_path / "x.mp4").exists()


def test_what_is_typed_wrong_is_told(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    full = tmp_path / "full"
    full.mkdir()
    (full / "something").write_bytes(b"x")
    for words, told in (
        (("capped", tmp_path / "gone.mp4", tmp_path / "x.mp4"), "there is no such file"),
        (("capped", film, film), "the input itself"),
        (("capped", film, full), "name the file"),
        (("hls", film, full), "a new or an empty one"),
        (("capped", film, tmp_path / "no" / "x.mp4"), "there is no such folder"),
        (("shrink", film, tmp_path / "x.mp4"), "shrink"),
    ):
        ran = tropa("media", *words)
        assert ran.code == 2, words
        assert told in ran.err
    regions = regions_file(tmp_path)
    ran = tropa("media", "capped", film, tmp_path / "x.mp4", "--regions", regions, "--region", "koriak")
    assert ran.code == 2
    assert "koryak" in ran.err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@needs_ffmpeg
def test_a_terminal_sees_a_bar_that_goes_away(tmp_path: Path) -> None:
    err = _Terminal()
    words = ["--lang", "en", "media", "audio", str(media_samples.sound("mp3")), str(tmp_path / "x.webm")]
    assert main(words, clock=HandClock(NOON), out=io.StringIO(), err=err) == 0
    assert "[##############################] 100 %" in err.getvalue()
    assert err.getvalue().endswith("\r")


def test_no_terminal_sees_no_bar() -> None:
    class Quiet:
        err = io.StringIO()

    with progress_bar(Quiet()) as told:  # type: ignore[arg-type]
        assert told is None


def test_times_are_read_as_a_player_shows_them() -> None:
    assert [clock(seconds) for seconds in (0, 59.6, 61, 3723)] == ["0:00", "1:00", "1:01", "1:02:03"]


def test_the_ratio_of_nothing_is_nothing() -> None:
    tried = Tried(
        recipe="pdf", outcome="refused", source=Path("a"), output=Path("b"), source_bytes=0, took_s=0.0, spec={}
    )
    assert tried.ratio is None
    assert tried.slides == ()
