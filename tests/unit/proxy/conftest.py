"""What many parts stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.account.sqlite import SqliteState


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[SqliteState]:
    """A state of the test's own, open."""
    opened = SqliteState(tmp_path / "s.db")
    await opened.start()
    yield opened
    await opened.close()
