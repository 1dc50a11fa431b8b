"""Whether a film's first bytes are enough to begin with it."""

from __future__ import annotations

import struct

from proxy.transforms.media.layout import mp4_layout, needs_tail, prefix_to_begin
from tests import media_samples


def box(kind: bytes, length: int) -> bytes:
    return struct.pack(">I", length) + kind + bytes(length - 8)


FTYP = box(b"ftyp", 24)


def test_an_index_before_the_frames_needs_no_tail() -> None:
    prefix = FTYP + box(b"moov", 100) + box(b"free", 8) + struct.pack(">I", 9999) + b"mdat"
    layout = mp4_layout(prefix)
    assert (layout.moov_at, layout.moov_end, layout.mdat_at, layout.faststart) == (24, 124, 132, True)
    assert needs_tail(prefix) is False


def test_frames_before_the_index_need_the_tail() -> None:
    prefix = FTYP + struct.pack(">I", 9_999_999) + b"mdat"
    assert mp4_layout(prefix).faststart is False
    assert needs_tail(prefix) is True
    assert prefix_to_begin(prefix) is None


def test_frames_of_more_than_four_gigabytes_are_frames_too() -> None:
    prefix = FTYP + struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 5 << 30)
    assert needs_tail(prefix) is True


def test_a_prefix_that_ends_in_the_first_box_tells_nothing_yet() -> None:
    assert needs_tail(FTYP[:20]) is None
    assert needs_tail(FTYP) is None


def test_an_index_that_is_announced_is_known_by_its_head() -> None:
    prefix = FTYP + struct.pack(">I", 500_000) + b"moov"
    assert mp4_layout(prefix).faststart is True
    assert prefix_to_begin(prefix) == 24 + 500_000 + 16


def test_real_films_are_as_they_were_made() -> None:
    first, last = media_samples.film(), media_samples.film(faststart=False)
    assert needs_tail(first.read_bytes()[:64_000]) is False
    assert needs_tail(last.read_bytes()[:64_000]) is True
    for suffix in ("mkv", "webm", "ts", "flv"):
        prefix = media_samples.film(suffix).read_bytes()[:64_000]
        assert needs_tail(prefix) is False
        assert (prefix_to_begin(prefix) or 0) > 0


def test_boxes_that_lie_about_their_length_end_the_reading() -> None:
    for length in (0, 1, 2, 7):
        layout = mp4_layout(FTYP + struct.pack(">I", length) + b"free" + bytes(100))
        assert layout.faststart is None
    assert mp4_layout(FTYP + struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 3)).mdat_at is None


def test_an_index_beyond_all_measure_is_not_waited_for() -> None:
    assert prefix_to_begin(FTYP + struct.pack(">I", 0xFFFFFFF0) + b"moov") is None
