"""What the media desk keeps in SQLite: one small base per file, its statements and transactions.

Law of this file: statements commit by themselves or `together`; each is whole or not there after kill -9.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from proxy.base_thread import BaseThread

logger = logging.getLogger("tropa.media")
Table = BaseThread[sqlite3.Connection]


def table(path: Path, schema: str) -> Table:
    """The base at `path` with this schema, not yet open."""
    return BaseThread(path, partial(_connected, schema=schema), name=path.name, logger=logger)


def _connected(path: Path, *, schema: str) -> sqlite3.Connection:
    path.touch(mode=0o600)
    base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.executescript(schema)
    except BaseException:
        base.close()
        raise
    return base


@contextmanager
def together(base: sqlite3.Connection) -> Iterator[None]:
    """One transaction of several statements."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")
