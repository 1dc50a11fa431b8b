"""One learner's lines in the access log: told, and taken out.

Laws of this file: a line is hers if its "learner" is her id; every other line stays byte for byte; a file is replaced
by one rename, so that a killed process leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_LINES = 20_000  # of one export: about 10 MB of JSON


def lines_of(folder: Path, learner: str, most: int = MOST_LINES) -> list[dict[str, Any]]:
    """Her lines as values, the oldest first, at most `most` of the latest. Lines that are torn are left out."""
    found: list[dict[str, Any]] = []
    for file in files(folder):
        with file.open("rb") as lines:
            for line in lines:
                if _marks(line, learner):
                    found += _value(line)
                    del found[:-most]
    return found


def take_out(folder: Path, learner: str) -> int:
    """Rewrite the log's files without her lines. Returns how many lines that were. Raises OSError."""
    return sum(_rewritten(file, learner) for file in files(folder))


def files(folder: Path) -> list[Path]:
    """The log's files, the oldest first."""
    return sorted(folder.glob("access-*.jsonl"))


def _rewritten(file: Path, learner: str) -> int:
    count = sum(1 for _ in _hers(file, learner))
    if count == 0:
        return 0
    draft = file.with_suffix(".draft")
    try:
        with file.open("rb") as lines, draft.open("wb") as kept:
            draft.chmod(0o600)
            kept.writelines(line for line in lines if not _marks(line, learner))
            kept.flush()
            os.fsync(kept.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _hers(file: Path, learner: str) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from (line for line in lines if _marks(line, learner))


def _marks(line: bytes, learner: str) -> bool:
    return bool(learner) and f'"learner":"{learner}"'.encode() in line


def _value(line: bytes) -> list[dict[str, Any]]:
    try:
        value = json.loads(line)
    except ValueError:
        return []
    return [value] if isinstance(value, dict) else []
