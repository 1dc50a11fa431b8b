"""How long a film is, from its first bytes."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transforms.media.glance import duration_s


@pytest.mark.parametrize(
    ("name", "extra"),
    [("a.mp4", ["-movflags", "+faststart"]), ("a.mov", ["-movflags", "+faststart"]), ("a.webm", []), ("a.mkv", [])],
)
def test_the_head_of_a_film_tells_its_length(tmp_path: Path, name: str, extra: list[str]) -> None:
    path = tmp_path / name
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=7"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *extra, str(path)], check=True)
    assert duration_s(path.read_bytes()[:65536]) == pytest.approx(7, abs=0.3)


def test_an_index_at_the_end_tells_nothing_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=5:duration=7"]
    subprocess.run(["ffmpeg", "-v", "error", *source, str(path)], check=True)
    body = path.read_bytes()
    assert duration_s(body[: body.index(b"moov") - 4]) is None


def test_a_length_that_nobody_would_film_is_not_believed() -> None:
    mvhd = b"mvhd" + bytes(12) + struct.pack(">II", 1, 0xFFFFFFF0)
    assert duration_s(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x20moov" + b"\0\0\0\x18" + mvhd) is None


@given(st.binary(max_size=400), st.sampled_from([b"\x1aE\xdf\xa3\x15I\xa9f*\xd7\xb1", b"\0\0\0\x10ftypmoov\0\0mvhd"]))
def test_no_bytes_raise(tail: bytes, head: bytes) -> None:
    found = duration_s(head + tail)
    assert found is None or 0 < found <= 48 * 3600
