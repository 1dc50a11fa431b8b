"""Which sources an origin lets anybody have, by address: who may have what was made of them where nobody can ask.

Laws: noted by the origin's own answer alone, which called the source nobody's own and whose validator proves its
content; believed only while there is no link, and for as long as stored names are; no learner is in it, and no
address with a secret.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

from policies.frozen import Frozen
from proxy.account.redact import redacted
from proxy.cache.variant_keys import stable_url
from proxy.clock import Clock
from proxy.media import store_index as index
from proxy.media.refs import SourceRef, facts_of, ref_of
from proxy.media.table import Table

LIFE = timedelta(days=30)
_MOST_NOTED = 4096


class PublicSource(Frozen, frozen=True, kw_only=True):
    """facts: as `facts_of` writes them down, in JSON; names: (an order's name, the key of what was made for it)."""

    url: str
    source: str
    facts: str
    names: tuple[tuple[str, str], ...]


class PublicSources:
    """Rows beside the media; lives as long as their store."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._index = table
        self._clock = clock
        self._noted: dict[str, str] = {}

    async def note(self, ref: SourceRef, content_type: str, *, life: timedelta = LIFE) -> None:
        """The origin gave it just now; once a process is enough."""
        if ref.private or not ref.shared:
            return
        url, source = stable_url(ref.url), ref.key
        if self._noted.get(url) == source or redacted(url) != url:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[url] = source
        facts = json.dumps(facts_of(ref, content_type), sort_keys=True)
        until = (self._clock.now() + life).timestamp()
        await self._index.ask(lambda base: index.put_public_source(base, url, source, facts, until))

    async def of(self, url: str, learner: str) -> tuple[SourceRef, str] | None:
        """What anybody was let have under this address, as this learner's source, and its type; None: nothing."""
        address, now = stable_url(url), self._now()
        facts = await self._index.ask(lambda base: index.public_source(base, address, now))
        return ref_of(json.loads(facts), url, learner) if facts is not None else None

    async def made(self, pattern: str | None = None) -> list[PublicSource]:
        """Those of which something is stored, under addresses that match a shell pattern."""
        now = self._now()
        found = []
        for url, source, facts in await self._index.ask(lambda base: index.public_sources(base, pattern, now)) or []:
            names = await self._index.ask(partial(index.public_names, source=source, now=now)) or []
            if names:
                found.append(PublicSource(url=url, source=source, facts=facts, names=tuple(names)))
        return found

    def _now(self) -> float:
        return self._clock.now().timestamp()
