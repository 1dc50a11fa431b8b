"""Who may read what a night brought of a course: whom the course's own site let in.

Laws of this file:
- the institute's account proves nothing about a learner; she is let in by the site's own answer to her own request, for
  the course's page or one of its activities, noted as every page that she opens (`proxy.opened`) under the session that
  asked;
- a note counts for so many days as her own pages are kept; it ends at her logout and at an erasure, and where the site
  has refused her that page since;
- it opens what everybody in that course may have, and nothing else.
"""

from __future__ import annotations

from datetime import timedelta

from proxy.keeping import keeps_for_her
from proxy.night.texts.store import Head, TextStore
from proxy.night.texts.told import named_course, named_module
from proxy.opened import OpenedPages
from proxy.stages.context import Exchange


class CourseProofs:
    """One per process."""

    def __init__(self, opened: OpenedPages, store: TextStore) -> None:
        self._opened = opened
        self._store = store

    async def heads(self, exchange: Exchange) -> tuple[Head, ...]:
        """The courses of which there is something to read here, and that she has been let into."""
        origin = exchange.inbound.origin
        if origin is None or not keeps_for_her(exchange):
            return ()
        here = await self._store.heads(origin.id)
        hers = await self._courses(exchange, origin.id) if here else frozenset()
        return tuple(head for head in here if head.texts and head.course in hers)

    async def may_have(self, exchange: Exchange, url: str) -> bool:
        """Whether this stored file is one that everybody has in a course that she has been let into."""
        origin = exchange.inbound.origin
        if origin is None or not keeps_for_her(exchange):
            return False
        named = await self._store.courses_with_file(origin.id, url)
        return bool(named and named & await self._courses(exchange, origin.id))

    async def text_here(self, exchange: Exchange, key: str) -> int | None:
        """The course of hers that has this text; None: none has, or she wasn't let in."""
        origin = exchange.inbound.origin
        if not key or origin is None or not keeps_for_her(exchange):
            return None
        named = await self._store.courses_with_text(origin.id, key)
        hers = named & await self._courses(exchange, origin.id) if named else frozenset()
        return min(hers, default=None)

    async def _courses(self, exchange: Exchange, origin: str) -> frozenset[int]:
        since = exchange.now - timedelta(days=exchange.limits.own_pages_days)
        found: set[int] = set()
        for page in await self._opened.of(exchange.who.learner, origin):
            if page.at < since:
                continue
            course, module = named_course(page.target), named_module(page.target)
            if course is not None:
                found.add(course)
            elif module is not None:
                found |= await self._store.courses_with_module(origin, module)
        return frozenset(found)
