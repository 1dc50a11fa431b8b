"""How many bytes the slides of one lecture may take, and which form of each keeps within that. Pure.

Laws: a slide that takes no more than its share stays as it is; what is over is spared on the largest, all down to
one size, so that nobody's slide is coarse for another's sake; no form is coarser than the coarsest that is still read
with ease, and where that isn't enough the budget is exceeded.
"""

from __future__ import annotations

from collections.abc import Sequence

_LEAST_MINUTES = 10.0  # a short lecture may be as full as it likes


def budget_bytes(bytes_per_minute: int, duration_s: float | None) -> int:
    """Of all slides together. duration_s None: unknown, an hour."""
    minutes = 60.0 if duration_s is None else duration_s / 60
    return round(bytes_per_minute * max(minutes, _LEAST_MINUTES))


def within(sizes: Sequence[Sequence[int]], budget: int) -> list[int]:
    """Of each slide's forms (their bytes, the finest first) the one to keep, as its index."""
    caps = sorted({size for forms in sizes for size in forms})
    low, high = 0, len(caps) - 1
    while low < high:  # the largest cap under which all of them fit
        middle = (low + high + 1) // 2
        if _total(sizes, caps[middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    return [_under(forms, caps[low]) for forms in sizes]


def _total(sizes: Sequence[Sequence[int]], cap: int) -> int:
    return sum(forms[_under(forms, cap)] for forms in sizes)


def _under(forms: Sequence[int], cap: int) -> int:
    """The finest form that isn't larger; the smallest where all are."""
    found = next((index for index, size in enumerate(forms) if size <= cap), None)
    return found if found is not None else min(range(len(forms)), key=lambda index: forms[index])
