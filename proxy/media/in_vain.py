"""What was tried in vain: a recipe that made nothing of some content isn't tried on it again for a while.

Laws: a content's own fault counts for a day, this machine's bad hour for minutes; rows beside the media, bounded by the
store's sweep.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from proxy.clock import Clock
from proxy.exchange import Refused, Unchanged
from proxy.media import store_index as index
from proxy.media.store_values import Negative
from proxy.media.table import Table

NEGATIVE_LIFE = timedelta(hours=24)
PASSING_LIFE = timedelta(minutes=10)
# Why a recipe failed that says something of this machine at this hour and nothing of the source.
PASSING = frozenset(("no-tool", "closed", "lost", "disk-full", "disk", "cancelled"))


class InVain:
    """Rows beside the media, by a medium's key; lives as long as their store."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._index = table
        self._clock = clock

    async def of(self, key: str) -> Negative | None:
        """That this was tried lately; None: it wasn't, or may be tried again."""
        now = self._clock.now().timestamp()
        found = await self._index.ask(lambda base: index.negative(base, key, now))
        if found is None:
            return None
        kind, why, until = found
        return Negative(key=key, kind=kind, why=why, until=datetime.fromtimestamp(until, UTC))

    async def note(self, key: str, outcome: Unchanged | Refused) -> Negative:
        """Remember it for a day, or for minutes where it was the machine's fault."""
        life = PASSING_LIFE if outcome.why in PASSING else NEGATIVE_LIFE
        until = self._clock.now() + life
        kind = "refused" if isinstance(outcome, Refused) else "unchanged"
        await self._index.ask(lambda base: index.put_negative(base, key, kind, outcome.why, until.timestamp()))
        return Negative(key=key, kind=kind, why=outcome.why, until=until)
