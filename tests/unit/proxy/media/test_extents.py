"""Spans of bytes add up as sets of bytes do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.media.extents import Extents

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


@given(SPANS, st.integers(0, 45), st.integers(0, 45))
def test_spans_say_what_a_set_of_bytes_says(spans: list[tuple[int, int]], start: int, end: int) -> None:
    extents = Extents.of(spans)
    there = {byte for low, high in spans for byte in range(low, high)}
    assert extents.total_bytes == len(there)
    assert extents.covers(start, end) == (set(range(start, end)) <= there)
    assert all(low < high for low, high in extents.spans)
    assert all(before[1] < after[0] for before, after in zip(extents.spans, extents.spans[1:], strict=False))
    broken = next(byte for byte in range(start, 100) if byte not in there)
    assert extents.end_from(start) == broken
