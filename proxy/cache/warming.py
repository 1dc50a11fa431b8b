"""Fetching a list of public addresses into the store, without anybody's cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from multidict import CIMultiDict

from policies.model import Catalogue
from policies.place import OriginIndex
from proxy.cache.asked import Asked
from proxy.cache.object_store import ObjectStore
from proxy.cache.origin_cache import OriginCache
from proxy.clock import Clock
from proxy.errors import ExchangeError
from proxy.tasks import TaskKeeper
from proxy.upstream.upstream import Upstream

_CODINGS = "gzip, br, zstd"  # what the browsers of today take, and Tropa reads


async def warm(store: ObjectStore, catalogue: Catalogue, urls: list[str], clock: Clock) -> list[tuple[str, str, int]]:
    """(address, "stored", "fresh" or why not, bytes taken) for each, one after another."""
    upstream, keeper = Upstream(lambda: catalogue), TaskKeeper("warm")
    cache = OriginCache(upstream, store, clock, keeper, lambda: catalogue)
    try:
        return [await _warmed(cache, catalogue, url) for url in urls]
    finally:
        await keeper.close()
        await upstream.close()


async def _warmed(cache: OriginCache, catalogue: Catalogue, url: str) -> tuple[str, str, int]:
    asked = asked_of_nobody(catalogue, url)
    if asked is None:
        return url, "no-origin", 0
    try:
        filled = await cache.fill(asked, _at_once)
    except ExchangeError as error:
        return url, error.code, 0
    if filled.stored:
        return url, "stored" if filled.fetched_bytes else "fresh", filled.fetched_bytes
    return url, filled.why if filled.status == 200 else f"status-{filled.status}", filled.fetched_bytes


def asked_of_nobody(catalogue: Catalogue, url: str) -> Asked | None:
    """A request without cookies for an address of an origin that is listed; None: it is none."""
    parts = urlsplit(url.partition("#")[0])
    host = parts.hostname or ""
    origin = OriginIndex(catalogue).by_host(host)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    if origin is None or parts.scheme not in ("http", "https"):
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = CIMultiDict({"Host": parts.netloc, "User-Agent": "Tropa", "Accept": "*/*", "Accept-Encoding": _CODINGS})
    return Asked(origin=origin, method="GET", scheme=parts.scheme, host=host, port=port, target=target, headers=headers)


async def _at_once(nbytes: int) -> bool:
    return True
