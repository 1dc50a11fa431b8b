"""Rate limits: how long to wait so that a learner's exchanges together stay within their rate."""

from __future__ import annotations

from collections import OrderedDict

_BURST_S = 1.0  # what may go at once: one second's worth, so that small answers never wait


class Pacer:
    """A token bucket per key; bounded; the clock is an argument."""

    def __init__(self, *, max_keys: int = 20_000) -> None:
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._max_keys = max_keys

    def delay_s(self, key: str, nbytes: int, rate_bps: int, steady_s: float) -> float:
        """Book nbytes for `key` and say how long to wait before sending more; 0 while within the burst."""
        free_at = max(self._free_at.pop(key, 0.0), steady_s - _BURST_S)
        free_at += nbytes * 8 / rate_bps
        self._free_at[key] = free_at
        if len(self._free_at) > self._max_keys:
            self._free_at.popitem(last=False)
        return max(0.0, free_at - steady_s)
