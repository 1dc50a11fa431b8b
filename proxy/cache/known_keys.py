"""Which keys may be stored at all, in eight bytes each, so that a page that isn't asks no disk.

Law: a key that is stored is never denied; one that is gone may still be affirmed until the next load.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left


class KnownKeys:
    """Until `load`, everything may be there."""

    def __init__(self) -> None:
        self._sorted: array[int] | None = None
        self._later: set[int] = set()

    def load(self, keys: array[int]) -> None:
        """All that is stored. Those noted since the last load stay: they may have come while this was read."""
        self._sorted = array("Q", sorted(keys))
        if len(self._later) > len(self._sorted):
            self._later.clear()

    def note(self, key: bytes) -> None:
        self._later.add(int.from_bytes(key[:8], "big"))

    def may_have(self, key: bytes) -> bool:
        if self._sorted is None:
            return True
        number = int.from_bytes(key[:8], "big")
        if number in self._later:
            return True
        at = bisect_left(self._sorted, number)
        return at < len(self._sorted) and self._sorted[at] == number
