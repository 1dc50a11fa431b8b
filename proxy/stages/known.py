"""What is known before a byte is fetched: a stored variant whose source the origin may confirm with a 304."""

from __future__ import annotations

from policies.frozen import Frozen
from proxy.cache.sources import Source
from proxy.cache.variant_values import Variant
from proxy.obtain import Wish


class Known(Frozen, frozen=True, kw_only=True):
    """variant None: only the way is known (a client's tag of that way may be mapped), nothing is stored."""

    way: str
    source: Source | None = None
    variant: Variant | None = None

    @property
    def wish(self) -> Wish:
        etag = self.source.etag if self.source is not None and self.variant is not None else None
        return Wish(if_none_match=etag, way=self.way)
