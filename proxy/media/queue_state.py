"""Open jobs and deferred requests as rows of `State`, and back.

Laws of this file: an address is written down only where a restarted Tropa could fetch it without anybody's
credentials, and only while the work is open; whatever a row doesn't say right is left out, never guessed; rows are
written in the order in which things happened, and nobody waits for the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from policies.frozen import Frozen
from proxy.account.redact import redacted
from proxy.account.state import (
    Change,
    DropJob,
    DropMarks,
    JobQuery,
    JobRow,
    Mark,
    MarkQuery,
    PutJob,
    PutMark,
    State,
)
from proxy.media.estimate import Pace, Paces
from proxy.media.jobs import Lane
from proxy.media.refs import SourceRef
from proxy.media.views import DEFERRED_OPEN, DeferredState, DeferredView, Order
from proxy.tasks import TaskKeeper
from proxy.transforms.media.spec import (
    AnimationSpec,
    CappedSpec,
    HlsSpec,
    MediaSpec,
    OfficeSpec,
    PdfSpec,
    Recipe,
    SlidecastSpec,
    SoundCodec,
    SoundSpec,
)

logger = logging.getLogger("tropa.media")

MEDIA, DEFERRED, _PACE = "media", "deferred", "media-pace"
_PACE_LIFE = timedelta(days=90)


class SavedJob(Frozen, frozen=True, kw_only=True):
    """A job as it was when the process ended."""

    id: str
    orders: tuple[Order, ...]
    lane: Lane
    learner: str


def job_row(job_id: str, orders: tuple[Order, ...], *, state: str, lane: Lane, learner: str, since: datetime) -> JobRow:
    facts = {"orders": [_order_facts(order) for order in orders], "lane": int(lane)}
    return JobRow(
        id=job_id,
        kind=MEDIA,
        state=state,
        owner=learner,
        region=orders[0].region,
        since=since,
        facts=facts,
    )


def deferred_row(view: DeferredView, learner: str, order: Order, *, until: datetime) -> JobRow:
    """The address goes when the request is no longer open."""
    told = _order_facts(order)
    if view.state not in DEFERRED_OPEN:
        told = {**told, "source": {**told["source"], "url": ""}}
    facts = {
        "order": told,
        "key": view.key,
        "when": None if view.when is None else view.when.isoformat(),
        "changed": view.changed.isoformat(),
        "why": view.why,
    }
    return JobRow(
        id=view.id,
        kind=DEFERRED,
        state=view.state,
        owner=learner,
        region=order.region,
        since=view.since,
        until=until,
        facts=facts,
    )


async def saved_jobs(state: State) -> tuple[SavedJob, ...]:
    found = []
    for row in await state.list(JobQuery(kind=MEDIA)):
        try:
            orders = tuple(_order(facts, row.region) for facts in row.facts["orders"])
            found.append(SavedJob(id=row.id, orders=orders, lane=Lane(row.facts["lane"]), learner=row.owner))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("a stored media job is left out: %r", error)
    return tuple(found)


async def saved_requests(state: State) -> tuple[tuple[DeferredView, str, Order], ...]:
    """View, learner, order of every deferred request."""
    found = []
    for row in await state.list(JobQuery(kind=DEFERRED)):
        try:
            order = _order(row.facts["order"], row.region)
            when = row.facts["when"]
            view = DeferredView(
                id=row.id,
                key=row.facts["key"],
                title=order.title,
                recipe=order.recipe,
                state=DeferredState(row.state),
                since=row.since,
                changed=datetime.fromisoformat(row.facts["changed"]),
                when=None if when is None else datetime.fromisoformat(when),
                why=row.facts["why"],
            )
            found.append((view, row.owner, order))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("a stored request is left out: %r", error)
    return tuple(found)


async def saved_paces(state: State, now: datetime) -> Paces:
    """How long making takes here, as it was learned."""
    marks = await state.list(MarkQuery(kind=_PACE, now=now))
    known = {mark.key: Pace(mark.facts.get("per_media_s"), mark.facts.get("per_source_mb")) for mark in marks}
    return Paces(known)


def pace_changes(paces: Paces, now: datetime) -> list[Change]:
    return [
        PutMark(Mark(kind=_PACE, owner="", key=recipe, until=now + _PACE_LIFE, facts=asdict(pace)))
        for recipe, pace in paces.known.items()
    ]


class Rows:
    """Writes rows and marks behind whoever says them, the last word on each."""

    def __init__(self, state: State, keeper: TaskKeeper) -> None:
        self._state = state
        self._keeper = keeper
        self._waiting: dict[str, Change] = {}
        self._writing = False

    def put(self, row: JobRow) -> None:
        self._add(row.id, PutJob(row))

    def drop(self, row_id: str) -> None:
        self._add(row_id, DropJob(row_id))

    def mark(self, mark: Mark) -> None:
        self._add(f"{mark.kind} {mark.owner} {mark.key}", PutMark(mark))

    def unmark(self, kind: str, owner: str, key: str) -> None:
        self._add(f"{kind} {owner} {key}", DropMarks(kind=kind, owner=owner, key=key))

    def learned(self, changes: list[Change]) -> None:
        for number, change in enumerate(changes):
            self._add(f"pace-{number}", change)

    async def flush(self) -> None:
        """Everything that was said so far is kept, or waits in the state's own memory."""
        while self._waiting:
            changes, self._waiting = self._waiting, {}
            try:
                await self._state.commit(list(changes.values()))
            except asyncio.CancelledError:  # perhaps not kept: said again, unless something newer was
                self._waiting = {**changes, **self._waiting}
                raise

    def _add(self, row_id: str, change: Change) -> None:
        self._waiting[row_id] = change
        if not self._writing:
            self._writing = True
            self._keeper.start(self._write(), name="rows")

    async def _write(self) -> None:
        try:
            await self.flush()
        finally:
            self._writing = False


# -- orders as JSON ------------------------------------------------------------------------------------------------


def _order_facts(order: Order) -> dict[str, Any]:
    source = order.source
    told = {**asdict(source), "known_key": source.key}
    if not source.shared or redacted(source.url) != source.url:
        told["url"] = ""
    return {
        "source": told,
        "recipe": order.recipe,
        "version": order.version,
        "spec": asdict(order.spec),
        "segment": order.segment,
        "title": order.title,
        "media_s": order.media_s,
    }


def _order(facts: Mapping[str, Any], region: str) -> Order:
    recipe = Recipe(facts["recipe"])
    return Order(
        source=SourceRef(**facts["source"]),
        recipe=recipe,
        version=int(facts["version"]),
        spec=spec_of(recipe, facts["spec"]),
        region=region,
        segment=facts["segment"],
        title=str(facts["title"]),
        media_s=facts["media_s"],
    )


def spec_of(recipe: Recipe, facts: Mapping[str, Any]) -> MediaSpec:
    """A recipe's spec from its JSON form. Raises TypeError, KeyError or ValueError where it is another's."""
    match recipe:
        case Recipe.CAPPED:
            return CappedSpec(**facts)
        case Recipe.AUDIO:
            return _sound(facts)
        case Recipe.HLS:
            return replace(HlsSpec(**facts), capped=CappedSpec(**facts["capped"]))
        case Recipe.SLIDECAST:
            return replace(SlidecastSpec(**facts), sound=_sound(facts["sound"]))
        case Recipe.PDF:
            return PdfSpec(**facts)
        case Recipe.OFFICE:
            film, sound = CappedSpec(**facts["film"]), _sound(facts["sound"])
            return replace(OfficeSpec(**facts), film=film, sound=sound)
        case Recipe.ANIMATION:
            return AnimationSpec(**facts)


def _sound(facts: Mapping[str, Any]) -> SoundSpec:
    return replace(SoundSpec(**facts), codec=SoundCodec(facts["codec"]))
