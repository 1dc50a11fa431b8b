"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.transforms.media.containers import demuxer_of, file_demuxer
from tests import media_samples

FILMS = {
    "mp4": "mov", "mov": "mov", "mkv": "matroska", "webm": "matroska", "ts": "mpegts", "avi": "avi", "flv": "flv",
    "mpg": "mpeg", "wmv": "asf",
}  # fmt: skip
SOUNDS = {
    "mp3": "mp3", "m4a": "mov", "ogg": "ogg", "opus": "ogg", "flac": "flac", "wav": "wav", "aac": "aac", "wma": "asf",
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "demuxer"), FILMS.items())
def test_films(suffix: str, demuxer: str) -> None:
    assert file_demuxer(media_samples.film(suffix)) == demuxer


@pytest.mark.parametrize(("suffix", "demuxer"), SOUNDS.items())
def test_sounds(suffix: str, demuxer: str) -> None:
    assert file_demuxer(media_samples.sound(suffix)) == demuxer


def test_a_tag_with_a_cover_is_stepped_over() -> None:
    assert file_demuxer(media_samples.sound_with_cover()) == "mp3"


def test_zeros_behind_a_tag_are_stepped_over(tmp_path: Path) -> None:
    path = tmp_path / "padded.mp3"
    frames = media_samples.sound("mp3").read_bytes()
    frames = frames[frames.index(b"\xff\xfb") :]
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + bytes(300) + frames)
    assert file_demuxer(path) == "mp3"


def test_a_name_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp3"
    path.write_bytes(media_samples.film().read_bytes()[:10_000])
    assert file_demuxer(path) == "mov"


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\0", b"#EXTM3U\n", b"ffconcat version 1.0\n", b"file 'x'\n", b"v=0\no=-", b"<?xml version", b"<MPD",
        b"\xef\xbb\xbf#EXTM3U\n", b"\xff\xfb", b"\xff\xfb\xff\xff\0\0", b"G" * 100, b"RIFF\0\0\0\0XXXX",
        b"\0\0\0\x18ftypavif", b"!<arch>", b"%PDF-1.7", b"PK\3\4", b"rtsp://127.0.0.1/", bytes(4096),
    ],
)  # fmt: skip
def test_what_names_other_files_or_nothing_is_not_known(head: bytes) -> None:
    assert demuxer_of(head) is None
