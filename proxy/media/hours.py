"""When a source that somebody asked for later may be fetched, and how quickly: told to the desk from outside.

Law: the desk fetches for later only within these hours; what is cut by their end goes on when they come again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from proxy.media.refs import Fetch, SourceRef

OVER = "window"  # why of a source whose hours ended before it was whole
SPENT = "allowance"  # why of one that an allowance has no room for until it renews
CUT_SHORT = frozenset((OVER, SPENT))  # it goes on when the hours come again


class Hours(Protocol):
    """The hours of the regions that this installation serves."""

    def opens_at(self, region: str, now: datetime) -> datetime | None:
        """When fetching for later may begin; None: now."""
        ...

    def within(self, source: SourceRef, region: str, fetch: Fetch) -> Fetch:
        """The same source, at the pace of these hours. Raises SourceFailed(OVER) at their end, SourceFailed(SPENT)."""
        ...


class AnyHour:
    """No hours are kept."""

    def opens_at(self, region: str, now: datetime) -> datetime | None:
        return None

    def within(self, source: SourceRef, region: str, fetch: Fetch) -> Fetch:
        return fetch
