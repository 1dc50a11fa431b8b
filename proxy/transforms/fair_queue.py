"""Whose job is next: what somebody waits for before what nobody waits for, and the parties in turn.

Law of this file: a party that asks for two hundred pictures doesn't keep another's first one waiting.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class FairQueue(Generic[T]):
    """Round robin over parties, in two lanes; within a party first come, first served."""

    def __init__(self) -> None:
        self._lanes: tuple[OrderedDict[str, deque[T]], OrderedDict[str, deque[T]]] = (OrderedDict(), OrderedDict())
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, item: T, *, party: str, background: bool) -> None:
        self._lanes[background].setdefault(party, deque()).append(item)
        self._length += 1

    def pop(self) -> T | None:
        """The next item; None if there is none."""
        for lane in self._lanes:
            if lane:
                party, items = lane.popitem(last=False)
                item = items.popleft()
                if items:
                    lane[party] = items  # behind the others
                self._length -= 1
                return item
        return None

    def promote(self, item: T, *, party: str) -> None:
        """Somebody waits for this now: move it from the background lane to the front lane, if it is there."""
        for name, items in self._lanes[True].items():
            if item in items:
                items.remove(item)
                self._length -= 1
                if not items:
                    del self._lanes[True][name]
                self.push(item, party=party, background=False)
                return
