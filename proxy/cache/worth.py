"""What a stored response is worth here: GreedyDual-Size-Frequency with this link's own cost of having it again.

Law: pure. A response's worth is the store's age when it was last used, plus how often it was used times what fetching
it again costs, by each byte it takes. The store's age is the worth of what was evicted last, so that what is never used
again sinks however dear it was (Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency
Caching", HP Labs 1998). The cost is waiting and money on the way that pays: seconds of transfer, and a rouble counted
as a minute of somebody's waiting.
"""

from __future__ import annotations

from decimal import Decimal

_UNKNOWN_BPS = 2_000_000
_ROUND_TRIP_S = 0.5  # asking at all, on a link that this store is for
_HEAD_BYTES = 1000  # what asking moves beside the body
_S_PER_ROUBLE = 60.0
_MB = 1_000_000


def refetch_s(length_bytes: int, *, link_bps: int | None, price: Decimal) -> float:
    """What having it again costs, in seconds. price: of a megabyte."""
    nbytes = length_bytes + _HEAD_BYTES
    waiting = _ROUND_TRIP_S + nbytes * 8 / (link_bps or _UNKNOWN_BPS)
    return waiting + nbytes / _MB * float(price) * _S_PER_ROUBLE


def worth(store_age: float, *, uses: int, cost_s: float, disk_bytes: int) -> float:
    """The worth now, in seconds a megabyte above the store's age."""
    return store_age + uses * cost_s * _MB / max(1, disk_bytes)
