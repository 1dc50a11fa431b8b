"""The index in a thread of its own, so that no disk wait reaches the event loop.

Laws of this file: asking never raises; a question that can't be answered is answered by None and counted. A damaged
index is set aside and begun anew: it holds nothing that can't be made again. A full or locked disk is waited out.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from proxy.cache.variant_index import VariantIndex

logger = logging.getLogger("tropa.variants")
T = TypeVar("T")


class IndexThread:
    """One thread, one connection, questions in the order they are asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index: VariantIndex | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="variant-index")
        self.faults = 0

    async def open(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def close(self) -> None:
        """Answer what was asked before, then let go of the file."""
        await self.ask(lambda index: index.close())
        self._index = None
        self._thread.shutdown(wait=True)

    async def ask(self, question: Callable[[VariantIndex], T]) -> T | None:
        """The answer; None where the index is closed or can't give one."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)
        except RuntimeError:  # asked after close
            return None
        except (sqlite3.Error, OSError) as error:
            if self.faults == 0:
                logger.warning("the index of variants doesn't answer, pages go on without: %s", error)
            self.faults += 1
            return None

    def _answer(self, question: Callable[[VariantIndex], T]) -> T | None:
        if self._index is None:
            return None
        try:
            return question(self._index)
        except sqlite3.OperationalError:  # disk full, locked, read-only: may pass
            raise
        except sqlite3.DatabaseError:
            self._begin_anew()
            raise

    def _open(self) -> None:
        try:
            self._index = VariantIndex(self._path)
            self._index.totals()
        except sqlite3.OperationalError as error:
            logger.warning("the index of variants can't be opened, pages go on without: %s", error)
            self.faults += 1
        except sqlite3.DatabaseError:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The old one is kept as `.broken` for whoever wonders; its files become orphans that the sweep removes."""
        logger.error("the index of variants is damaged and begun anew")
        self.faults += 1
        if self._index is not None:
            self._index.close()
            self._index = None
        self._path.replace(self._path.with_suffix(".broken"))
        for companion in ("-wal", "-shm"):
            self._path.with_name(self._path.name + companion).unlink(missing_ok=True)
        self._index = VariantIndex(self._path)
