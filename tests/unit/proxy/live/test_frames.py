"""WebSocket frame boundaries, cut anywhere."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.live.frames import Frames, close_frame


def frame(length: int, *, masked: bool = False, opcode: int = 2) -> bytes:
    """A whole frame of this many payload bytes."""
    flag = 0x80 if masked else 0
    if length < 126:
        head = bytes((0x80 | opcode, flag | length))
    elif length < 65536:
        head = bytes((0x80 | opcode, flag | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, flag | 127)) + length.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + os.urandom(length)


LENGTHS = st.one_of(st.integers(0, 130), st.sampled_from([125, 126, 127, 65535, 65536, 70000]))


@given(
    st.lists(st.tuples(LENGTHS, st.booleans()), min_size=1, max_size=6), st.lists(st.integers(1, 70000), max_size=30)
)
def test_boundaries_are_found_wherever_the_stream_is_cut(kinds: list[tuple[int, bool]], cuts: list[int]) -> None:
    whole = [frame(length, masked=masked) for length, masked in kinds]
    stream = b"".join(whole)
    ends, place = {0}, 0
    for one in whole:
        place += len(one)
        ends.add(place)
    frames, place = Frames(), 0
    while place < len(stream):
        step = cuts.pop() if cuts else len(stream) - place
        frames.feed(stream[place : place + step])
        place = min(place + step, len(stream))
        assert frames.at_boundary == (place in ends)
        rest = stream[place:]
        if frames.at_boundary:
            assert frames.bytes_to_boundary(rest) == 0
        else:
            assert frames.bytes_to_boundary(rest) == min(end for end in ends if end > place) - place


@pytest.mark.parametrize("length", [0, 1, 125, 126, 300, 65535, 65536])
def test_every_single_cut_of_a_frame(length: int) -> None:
    one = frame(length, masked=True)
    for cut in [*range(1, 16), len(one) // 2, len(one) - 1]:
        if not 0 < cut < len(one):
            continue
        frames = Frames()
        frames.feed(one[:cut])
        assert not frames.at_boundary
        assert frames.bytes_to_boundary(one[cut:]) == len(one) - cut
        assert frames.bytes_to_boundary(one[cut:-1]) is None
        frames.feed(one[cut:])
        assert frames.at_boundary


def test_a_close_is_a_whole_frame_with_code_and_reason() -> None:
    assert close_frame(4503, "window", masked=False) == b"\x88\x08\x11\x97window"
    masked = close_frame(1001, "", masked=True)
    assert masked[:2] == b"\x88\x82"
    assert bytes(a ^ b for a, b in zip(masked[6:], masked[2:6], strict=False)) == b"\x03\xe9"


def test_a_long_reason_is_cut_between_letters() -> None:
    closing = close_frame(4503, "ж" * 100, masked=False)
    assert closing[1] <= 125
    assert closing[4:].decode() == "ж" * 61
