"""What memory knows of stored responses, so that most look-ups ask no disk.

Laws: awaits nothing; bounded; "nothing is stored" is said only where it is known, "ask the disk" otherwise.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable

from proxy.cache.known_keys import KnownKeys
from proxy.cache.stored import StoredResponse

_MOST_KEYS = 4096
_NOTHING: tuple[StoredResponse, ...] = ()


class HotResponses:
    """The responses of the keys that were asked for last, and which keys have none at all."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, tuple[StoredResponse, ...]] = OrderedDict()
        self._known = KnownKeys()

    def find(self, key: bytes) -> tuple[StoredResponse, ...] | None:
        """What is stored under a key; None: the disk must be asked."""
        found = self._found.get(key)
        if found is not None:
            self._found.move_to_end(key)
            return found
        return None if self._known.may_have(key) else _NOTHING

    def may_have(self, key: bytes) -> bool:
        """Whether anything can be stored under a key."""
        return self._known.may_have(key)

    def learn(self, keys: array[int]) -> None:
        """These are all keys that anything is stored under, by their first eight bytes."""
        self._known.load(keys)

    def note(self, key: bytes) -> None:
        """Something is stored under this key from now on."""
        self._known.note(key)

    def remember(self, key: bytes, found: tuple[StoredResponse, ...]) -> None:
        """What the disk said."""
        self._found[key] = found
        if len(self._found) > _MOST_KEYS:
            self._found.popitem(last=False)

    def forget(self, keys: Iterable[bytes]) -> None:
        """What is under these keys has changed."""
        for key in keys:
            self._found.pop(key, None)

    def forget_all(self) -> None:
        """Anything may have changed."""
        self._found.clear()
