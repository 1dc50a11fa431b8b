"""A request's body that is held whole: it can be sent without the client, and it is known whether any of it left."""

from __future__ import annotations

from collections.abc import AsyncIterator


class HeldBody:
    """begun: the connection took the first of it; while it is False, nothing has left."""

    __slots__ = ("begun", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.begun = False

    def __len__(self) -> int:
        return len(self.data)

    async def pieces(self) -> AsyncIterator[bytes]:
        self.begun = True
        yield self.data
