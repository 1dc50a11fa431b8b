"""Which bytes of a file are there: pure arithmetic on half-open spans.

Law of this file: spans are sorted, never touch and never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

from policies.frozen import Frozen


class Extents(Frozen, frozen=True):
    """Spans [start, end) of bytes that are there."""

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Iterable[int]]) -> Extents:
        """From any spans, as they were told."""
        extents = cls()
        for start, end in spans:
            extents = extents.plus(start, end)
        return extents

    @property
    def total_bytes(self) -> int:
        return sum(end - start for start, end in self.spans)

    def plus(self, start: int, end: int) -> Extents:
        """With [start, end) there as well."""
        if end <= start:
            return self
        apart = [span for span in self.spans if span[1] < start or span[0] > end]
        joined = [span for span in self.spans if span[1] >= start and span[0] <= end]
        merged = (min([start, *(span[0] for span in joined)]), max([end, *(span[1] for span in joined)]))
        return Extents(tuple(sorted([*apart, merged])))

    def end_from(self, offset: int) -> int:
        """Where the unbroken bytes from `offset` on end; `offset` itself where there are none."""
        return next((end for start, end in self.spans if start <= offset < end), offset)

    def covers(self, start: int, end: int) -> bool:
        return end <= start or self.end_from(start) >= end
