"""The arithmetic of the benches: medians, ratios, percentiles, and what wrk and ps say. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

WRK_MARK = "tropa-bench "


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of wrk saw. errors counts answers of 400 and above, broken connections and time-outs."""

    requests: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


def load_of(wrk_output: str) -> Load:
    """The figures that the Lua script printed. Raises ValueError where there are none."""
    for line in wrk_output.splitlines():
        if line.startswith(WRK_MARK):
            said = json.loads(line[len(WRK_MARK) :])
            seconds = said["duration_us"] / 1e6
            return Load(
                requests=said["requests"],
                requests_per_s=said["requests"] / seconds if seconds else 0.0,
                p50_ms=said["p50_us"] / 1e3,
                p95_ms=said["p95_us"] / 1e3,
                p99_ms=said["p99_us"] / 1e3,
                errors=said["errors"],
            )
    raise ValueError("wrk printed no figures: " + wrk_output[-500:])


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile, share in 0..1. Raises ValueError for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ratio(ours: float, theirs: float) -> float | None:
    """ours/theirs; None where theirs is nothing."""
    return ours / theirs if theirs else None


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the rounds' own ratios: what changes from round to round changes both."""
    found = [a / b for a, b in zip(ours, theirs, strict=True) if b]
    return median(found) if found else None


def growth_each(before_bytes: int, during_bytes: Sequence[int], count: int) -> float:
    """How much each of `count` clients adds at the peak, in bytes; never below nothing."""
    return max(0, max(during_bytes) - before_bytes) / count


def verdict(value: float | None, limit: float, *, at_least: bool = False) -> str:
    """`reached` or `missed` for a target; `-` where nothing was measured."""
    if value is None:
        return "-"
    return "reached" if (value >= limit if at_least else value <= limit) else "missed"


def shown(value: object) -> str:
    """A figure with three significant digits, anything else as it is."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
