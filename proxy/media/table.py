"""What the media desk keeps in SQLite: one small base per file.

Law of this file: statements commit by themselves or `together`; each is whole or not there after kill -9.
"""

from __future__ import annotations

import logging
import sqlite3
from functools import partial
from pathlib import Path

from proxy.base_thread import BaseThread, connected

logger = logging.getLogger("tropa.media")
Table = BaseThread[sqlite3.Connection]


def table(path: Path, schema: str) -> Table:
    """The base at `path` with this schema, not yet open."""
    return BaseThread(path, partial(connected, schema=schema), name=path.name, logger=logger)
