"""How well a lecture's slides were found."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lecture_plans import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How well slides were found: hits of the labelled changes, and what was found beside them."""

    labelled: int
    hits: int
    extra: int

    @property
    def recall(self) -> float:
        return self.hits / self.labelled if self.labelled else 1.0

    @property
    def extra_share(self) -> float:
        return self.extra / self.labelled if self.labelled else float(self.extra)


def marked(sample: Sample, found_s: list[float], tolerance_s: float = 2.0) -> Mark:
    """Match each labelled change with the nearest free found one within the tolerance."""
    free = sorted(found_s)
    hits = 0
    for change in sample.changes:
        near = [at_s for at_s in free if abs(at_s - change.at_s) <= tolerance_s]
        if near:
            hits += 1
            free.remove(min(near, key=lambda at_s: abs(at_s - change.at_s)))
    return Mark(labelled=len(sample.changes), hits=hits, extra=len(free))
