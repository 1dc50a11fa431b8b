"""How much of what nights brought was opened since, by the access log: whether the megabytes were well spent.

Laws of this file: nothing is told of who opened it; a file counts once, however many opened it; lines that are torn are
left out; what a night fetched itself is no opening. Films are left out: their versions have no address of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from policies.values import MediaKind
from proxy.account.log_of_one import files
from proxy.night.wishes import Wanted, kind_of
from scheduler.requests import RequestState

_GIVEN = frozenset((200, 206, 304))
_PLAYED = (MediaKind.VIDEO, MediaKind.AUDIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Files that are here, and those of them that somebody opened after they came."""

    files: int = 0
    bytes: int = 0
    opened_files: int = 0
    opened_bytes: int = 0


def use_of(wishes: Iterable[Wanted], lines: Iterable[dict[str, Any]]) -> Use:
    """lines: of the access log, as far back as it goes."""
    here = {
        urlsplit(one.url).path: one
        for one in wishes
        if one.state is RequestState.READY and one.url and kind_of(one) not in _PLAYED
    }
    opened = {path for line in lines if (path := _opened(line, here)) is not None}
    return Use(
        files=len(here),
        bytes=sum(one.size_bytes or 0 for one in here.values()),
        opened_files=len(opened),
        opened_bytes=sum(here[path].size_bytes or 0 for path in opened),
    )


def _opened(line: dict[str, Any], here: dict[str, Wanted]) -> str | None:
    """Which of these a line of the log gave to somebody."""
    if line.get("treatment") == "night" or line.get("status") not in _GIVEN:
        return None
    try:
        path = urlsplit(str(line.get("url"))).path
        at = datetime.fromisoformat(str(line.get("at")))
    except ValueError:
        return None
    wanted = here.get(path)
    return path if wanted is not None and at >= wanted.changed else None


def lines_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The log's lines, one after another."""
    for file in files(folder):
        with file.open("rb") as lines:
            for line in lines:
                try:
                    value = json.loads(line)
                except ValueError:
                    continue
                if isinstance(value, dict):
                    yield value
