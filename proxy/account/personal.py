"""What is kept about one learner, wherever it is kept: exported as JSON, erased as a whole.

Laws of this file: whoever stores something under a learner's id is a holder in the one explicit tuple of
`proxy.app_personal`; a holder speaks of that learner alone and leaves everybody else's data as it is; erasing twice is
harmless; a holder that fails doesn't keep the others from answering, and the failure is said.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from policies.frozen import Frozen

logger = logging.getLogger("tropa.account")

JSON = Any  # what json.dumps takes


class Holder(Protocol):
    """A place where something lies under a learner's id. name: a plain word, the section's name in an export."""

    @property
    def name(self) -> str: ...

    async def export(self, learner: str) -> Mapping[str, JSON]:
        """Everything it holds of this learner, with plain field names; empty where there is nothing."""
        ...

    async def erase(self, learner: str) -> int:
        """Forget this learner, in memory and on disk. Returns how many things are gone; idempotent."""
        ...


class Holding(Frozen, frozen=True):
    """A holder made of two functions."""

    name: str
    exporting: Callable[[str], Awaitable[Mapping[str, JSON]]]
    erasing: Callable[[str], Awaitable[int]]

    async def export(self, learner: str) -> Mapping[str, JSON]:
        return await self.exporting(learner)

    async def erase(self, learner: str) -> int:
        return await self.erasing(learner)


def in_memory(name: str, told: Callable[[str], Mapping[str, JSON]], forget: Callable[[str], int]) -> Holding:
    """A holder whose both functions answer at once."""

    async def export(learner: str) -> Mapping[str, JSON]:
        return told(learner)

    async def erase(learner: str) -> int:
        return forget(learner)

    return Holding(name, export, erase)


class Erased(Frozen, frozen=True, kw_only=True):
    """What an erasure did. counts: things gone by holder; failed: holders that couldn't, to be asked again."""

    counts: Mapping[str, int]
    failed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class PersonalData:
    """All holders as one. settled: brings to the holders what still waits on its way to them."""

    def __init__(self, holders: Iterable[Holder], settled: Callable[[], Awaitable[None]]) -> None:
        self._holders = tuple(holders)
        self._settled = settled
        names = [holder.name for holder in self._holders]
        if len(set(names)) != len(names):
            raise ValueError(f"two holders of one name: {', '.join(sorted(names))}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(holder.name for holder in self._holders)

    async def export(self, learner: str, *, but: frozenset[str] = frozenset()) -> dict[str, JSON]:
        """By holder's name, without those that hold nothing; "unanswered" names those that failed.

        but: names of holders that aren't asked.
        """
        await self._settled()
        found: dict[str, JSON] = {}
        failed = []
        for holder in self._holders:
            if holder.name in but:
                continue
            try:
                held = await holder.export(learner)
            except Exception:  # whatever it is, she gets the rest
                logger.exception("%s could not say what it keeps of a learner", holder.name)
                failed.append(holder.name)
            else:
                if held:
                    found[holder.name] = dict(held)
        return {**found, "unanswered": failed} if failed else found

    async def erase(self, learner: str, *, but: frozenset[str] = frozenset()) -> Erased:
        """Forget this learner everywhere. but: names of holders that keep what they have."""
        await self._settled()
        counts, failed = {}, []
        for holder in self._holders:
            if holder.name in but:
                continue
            try:
                counts[holder.name] = await holder.erase(learner)
            except Exception:  # whatever it is, the others forget her
                logger.exception("%s could not forget a learner", holder.name)
                failed.append(holder.name)
        return Erased(counts={name: count for name, count in counts.items() if count}, failed=tuple(failed))

    # -- asked for by a command ------------------------------------------------------------------------------

    async def export_asked(self, learner: str, facts: Mapping[str, JSON], now: datetime) -> Mapping[str, JSON]:
        """facts may name holders that the command asks by itself."""
        return {"export": await self.export(learner, but=frozenset(facts.get("but", ())))}

    async def erase_asked(self, learner: str, facts: Mapping[str, JSON], now: datetime) -> Mapping[str, JSON]:
        erased = await self.erase(learner)
        logger.warning("a learner was forgotten by command: %d things", erased.total)
        return {"counts": dict(erased.counts), "failed": list(erased.failed)}
