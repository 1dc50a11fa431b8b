"""Where the outbox keeps its messages: the interface, and the base in its thread behind it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from proxy.base_thread import BaseThread
from proxy.outbox.base import OutboxBase, open_base
from proxy.outbox.item import Item

logger = logging.getLogger("tropa.outbox")


class Store(Protocol):
    """Keeps messages. False: not kept, and then nobody may be told that it is."""

    async def put(self, item: Item) -> bool: ...

    async def drop(self, ids: Iterable[str]) -> bool: ...

    async def all(self) -> list[Item]: ...


class DiskStore:
    """The base on disk; every answer waits for the disk and none of them blocks the loop."""

    def __init__(self, path: Path) -> None:
        self._base: BaseThread[OutboxBase] = BaseThread(
            path, open_base, name="the outbox", logger=logger, check=lambda base: base.all()
        )

    async def open(self) -> None:
        await self._base.open()

    async def close(self) -> None:
        await self._base.close()

    async def put(self, item: Item) -> bool:
        return await self._base.ask(lambda base: base.put(item)) or False

    async def drop(self, ids: Iterable[str]) -> bool:
        gone = tuple(ids)
        return await self._base.ask(lambda base: base.drop(gone)) or False

    async def all(self) -> list[Item]:
        return await self._base.ask(lambda base: base.all()) or []
