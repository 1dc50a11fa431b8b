"""A bounded memory in a plain dict: the oldest entries go first, an eighth of them at once.

Taking them out one by one looks simpler and isn't: a dict keeps the places of what was deleted, and finding its first
entry walks over all of them, which costs more than what most of these memories save.
"""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(memory: dict[K, V], key: K, value: V, most: int) -> None:
    """Put an entry in; at most `most` stay, those put in first are forgotten. One that is there keeps its age."""
    if key not in memory and len(memory) >= most:
        for oldest in list(islice(memory, max(1, most // 8))):
            del memory[oldest]
    memory[key] = value
