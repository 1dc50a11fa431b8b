"""Where log lines for IT staff go, and how a flaky link is kept from flooding them.

Laws of this file: the first few lines of a kind always pass; what is held back is counted and said.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import OrderedDict
from typing import TextIO

PER_MINUTE = 10
_MAX_KINDS = 1000


class Repeats(logging.Filter):
    """Lets PER_MINUTE lines of one kind through a minute; a kind is a logger, a level and an unformatted text."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._seen: OrderedDict[tuple[str, int, str], tuple[int, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, record.levelno, str(record.msg))
        minute = int(record.created // 60)
        since, count = self._seen.pop(kind, (minute, 0))
        held_back = count - self._per_minute
        if since != minute:
            if held_back > 0:
                record.msg = f"{record.msg} (and {held_back} more like it before)"
            since, count = minute, 0
        self._seen[kind] = (since, count + 1)
        if len(self._seen) > _MAX_KINDS:
            self._seen.popitem(last=False)
        return count < self._per_minute


class JsonLines(logging.Formatter):
    """A line of JSON per record, for journald, Loki and the like."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str | int] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "part": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(*, as_json: bool = False, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send everything from `level` up to stderr (or `stream`), as text or JSON, repeats held back.

    Replaces what was set up before. Access lines are not among them: they have files of their own.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(JsonLines() if as_json else plain)
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A client that leaves is an everyday thing on these links, no error of the server's.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
