"""A web service's answer read safely: whatever shape it has, what makes sense comes out and nothing raises."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

JSON = Any
_LAST_SECOND = 32503680000  # the year 3000


def mapping(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def mappings(value: JSON) -> Iterable[dict[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else ()


def whole(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def instant(value: JSON) -> datetime | None:
    """Of seconds since 1970; None: none is told, or it makes no sense."""
    stamp = whole(value)
    return datetime.fromtimestamp(stamp, UTC) if stamp and stamp < _LAST_SECOND else None
