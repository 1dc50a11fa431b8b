"""Which content an address had when it was last seen, so that the origin can be asked "is it still that?".

Laws: what an origin's validator doesn't prove to be the content's own digest is remembered per learner; nothing here
lets anybody see anything: the origin answers 304 to her own request or she gets nothing.
"""

from __future__ import annotations

from collections import OrderedDict

from policies.frozen import Frozen
from proxy.cache.variant_keys import is_content_hash, stable_url


class Source(Frozen, frozen=True, kw_only=True):
    """etag as the origin sent it (strong); length_bytes as stored at the origin, in its coding there."""

    etag: str
    sha256: str
    length_bytes: int


_MOST_CHARS = 2048


class SourceBook:
    """(origin, address, learner or nobody) -> Source; bounded, and nothing of overlong addresses."""

    def __init__(self, *, max_entries: int = 50_000) -> None:
        self._sources: OrderedDict[tuple[str, str, str], Source] = OrderedDict()
        self._max_entries = max_entries

    def remember(self, origin: str, url: str, learner: str, source: Source, *, private: bool) -> None:
        """private: the response belongs to one learner, unless its validator is the content's digest."""
        if not source.etag.startswith('"') or len(url) > _MOST_CHARS:
            return
        shared = not private or is_content_hash(source.etag)
        key = (origin, stable_url(url), "" if shared else learner)
        self._sources.pop(key, None)
        self._sources[key] = source
        if len(self._sources) > self._max_entries:
            self._sources.popitem(last=False)

    def forget(self, learner: str) -> int:
        """What is remembered for this learner alone goes. Returns how many addresses that were."""
        hers = [key for key in self._sources if key[2] == learner != ""]
        for key in hers:
            del self._sources[key]
        return len(hers)

    def find(self, origin: str, url: str, learner: str) -> Source | None:
        address = stable_url(url)
        return self._sources.get((origin, address, learner)) or self._sources.get((origin, address, ""))
