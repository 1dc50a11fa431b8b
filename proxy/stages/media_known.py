"""What the media book says, kept over a restart: cards go on telling what is ready, and what can't be made.

Laws: a note is for telling, never for letting anybody have anything; what it calls ready is told again only if the
store has it still; no address is in it, but a digest of one; a private file's note is its learner's, and goes with her.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from proxy.account.state import Mark, MarkQuery, State
from proxy.clock import Clock
from proxy.media.in_vain import NEGATIVE_LIFE
from proxy.media.names import NAME_LIFE
from proxy.media.queue_state import Rows
from proxy.media.store import PRIVATE_LIFE
from proxy.pages.versions import MediaKnown

logger = logging.getLogger("tropa.media")

_KIND = "media-known"
_RENEWED_AFTER = timedelta(hours=6)  # what is used stays known, without a write at each use

# Names of orders -> those for which something is stored.
Standing = Callable[[Collection[str]], Awaitable[frozenset[str]]]


class KnownMedia:
    """Notes by owner ("": anybody's) and digest of the address."""

    def __init__(self, state: State, rows: Rows, clock: Clock) -> None:
        self._state = state
        self._rows = rows
        self._clock = clock
        self._written: dict[tuple[str, str], tuple[dict[str, Any], datetime]] = {}

    def put(self, owner: str, digest: str, known: MediaKnown) -> None:
        """This is known now."""
        now = self._clock.now()
        facts = _facts(known)
        told, at = self._written.get((owner, digest), ({}, now))
        if told == facts and now - at < _RENEWED_AFTER:
            return
        self._written[owner, digest] = facts, now
        life = PRIVATE_LIFE if owner else NAME_LIFE
        noted = {**facts, "at": now.isoformat()}
        self._rows.mark(Mark(kind=_KIND, owner=owner, key=digest, until=now + life, facts=noted))

    def drop(self, owner: str, digest: str) -> None:
        """It isn't known any more."""
        if self._written.pop((owner, digest), None) is not None:
            self._rows.unmark(_KIND, owner, digest)

    async def left(self, standing: Standing, now: datetime) -> list[tuple[str, str, MediaKnown]]:
        """(owner, digest, what is still true) of what the last process knew, the latest last."""
        marks = await self._state.list(MarkQuery(kind=_KIND, now=now))
        names = {str(name) for mark in marks for name in mark.facts.get("names", {}).values()}
        stored = await standing(names)
        found = []
        for mark in sorted(marks, key=lambda one: str(one.facts.get("at"))):
            try:
                known = _known(mark.facts, stored, now)
                self._written[mark.owner, mark.key] = _facts(known), datetime.fromisoformat(mark.facts["at"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                logger.warning("what was known of a medium is left out: %r", error)
                continue
            found.append((mark.owner, mark.key, known))
        return found


def _facts(known: MediaKnown) -> dict[str, Any]:
    return {
        "duration_s": known.duration_s,
        "ready": dict(known.ready),
        "names": dict(known.names),
        "impossible": sorted(known.impossible),
    }


def _known(facts: Mapping[str, Any], stored: frozenset[str], now: datetime) -> MediaKnown:
    names = {form: name for form, name in facts["names"].items() if name in stored}
    tried_lately = now - datetime.fromisoformat(facts["at"]) < NEGATIVE_LIFE
    return MediaKnown(
        duration_s=facts["duration_s"],
        ready={form: int(nbytes) for form, nbytes in facts["ready"].items() if form in names},
        names=names,
        impossible=frozenset(facts["impossible"]) if tried_lately else frozenset(),
    )
