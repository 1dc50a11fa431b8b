"""One source on its way: its spool, its download, and those who wait for it.

Law of this file: it ends whole or failed, once; whoever waits is told either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from proxy.media.bell import Bell
from proxy.media.download import Download
from proxy.media.refs import SourceFailed, SourceRef, Whole
from proxy.media.spool import Spool


class Arriving:
    """A source that is fetched, or was when those who hold this began to wait."""

    def __init__(self, ref: SourceRef, spool: Spool, download: Download) -> None:
        self.ref = ref
        self.spool = spool
        self.download = download
        self.sha256 = ""
        self.task: asyncio.Task[None] | None = None
        self._whole: Whole | None = None
        self._failed: SourceFailed | None = None
        self._bell = Bell()

    async def whole(self) -> Whole:
        """The source, once it is whole. Raises SourceFailed."""
        while self._whole is None:
            if self._failed is not None:
                raise self._failed
            await self._bell.wait()
        return self._whole

    async def glimpse(self, head_bytes: int, tail: Coroutine[Any, Any, bool] | None) -> Path:
        """A file with the first bytes, and after `tail` the last ones. Raises SourceFailed."""
        if tail is not None:
            await tail
        await self.spool.wait_for(head_bytes)
        return self.spool.path

    def end(self, ended: Whole | SourceFailed) -> None:
        """Tell those who wait. Who reads goes on reading what there is."""
        if isinstance(ended, Whole):
            self._whole = ended
        else:
            self._failed = ended
            self.spool.fail(ended)
        self._bell.ring()
