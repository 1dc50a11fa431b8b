"""Who used what of a store: noted in memory, and saved with the next sweep.

Laws: bounded between two savings, and what doesn't fit is forgotten, never waited for; of learners only as much is kept
as tells two of one thing apart, and one learner in two things not.
"""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

K = TypeVar("K", str, int)
U = TypeVar("U")

_MOST = 2000


def learner_mark(key: str | int, learner: str) -> bytes:
    """What a store keeps of a learner who had the thing under this key; another thing has another mark of her."""
    return hashlib.sha256(f"{key}\n{learner}".encode()).digest()[:8]


class UseNotes(Generic[K, U]):
    """What was used since it was last saved, by key; what a use is, the store says. At most 2000 of each."""

    def __init__(self) -> None:
        self._uses: dict[K, U] = {}
        self._marks: set[tuple[K, bytes]] = set()

    def use_of(self, key: K) -> U | None:
        return self._uses.get(key)

    def note(self, key: K, use: U) -> None:
        """It was used: this stands for all its uses since."""
        if key in self._uses or len(self._uses) < _MOST:
            self._uses[key] = use

    def note_learner(self, key: K, learner: str) -> None:
        """A learner has had it; the empty one is nobody."""
        if learner and len(self._marks) < _MOST:
            self._marks.add((key, learner_mark(key, learner)))

    def taken(self) -> tuple[dict[K, U], set[tuple[K, bytes]]]:
        """(uses, learners' marks), which are noted no more."""
        uses, self._uses = self._uses, {}
        marks, self._marks = self._marks, set()
        return uses, marks
