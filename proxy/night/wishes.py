"""What is wished for in the free hours, and how far each is: the truth, in the state's own table.

Laws of this file: a wish moves only as `scheduler.requests` lets it; what was under way when the process died waits
again; a learner's own wish is shown to her alone, and its address goes when it is neither open nor ready; everything
is bounded.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from policies.frozen import Frozen
from policies.kinds import kind_of_path
from policies.values import MediaKind
from proxy.account.state import DropJob, JobQuery, JobRow, PutJob, State
from scheduler.night import MAX_TRIES, Why, Wish, again_at
from scheduler.requests import OPEN, RequestState, after_restart, may_move

logger = logging.getLogger("tropa.night")

KIND = "night"
OPEN_LIFE = timedelta(days=14)
KEPT_LIFE = timedelta(days=7)  # after it was answered
MAX_OF_ONE = 50  # open wishes of one learner
_MAX_TITLE_CHARS = 200


class Wanted(Frozen, frozen=True, kw_only=True):
    """One wish.

    place    "region/site" or "region"
    url      as learners ask for it, never with a secret in it
    what     a word of `Followed`, "asked" for a learner's own, "often"
    owner    whose it is; "": the place's
    reason   why it is in this state
    receipt  the media desk's, while a lighter version is made of it
    modified when the file was changed, as its course said when it was wished for; None: it doesn't say
    opened   when somebody first opened it after it came; never whose it was
    """

    id: str
    place: str
    url: str
    title: str
    what: str
    why: Why
    since: datetime
    changed: datetime
    owner: str = ""
    state: RequestState = RequestState.QUEUED
    reason: str = ""
    size_bytes: int | None = None
    held_bytes: int = 0
    tries: int = 0
    not_before: datetime | None = None
    urgent_at: datetime | None = None
    content_type: str = ""
    receipt: str = ""
    modified: datetime | None = None
    opened: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def region(self) -> str:
        return self.place.partition("/")[0]

    def as_wish(self) -> Wish:
        """What the plan is made of."""
        return Wish(
            key=self.id,
            why=self.why,
            since=self.since,
            owner=self.owner,
            urgent_at=self.urgent_at,
            size_bytes=self.size_bytes,
            held_bytes=self.held_bytes,
            tries=self.tries,
            not_before=self.not_before,
        )


def wish_id(place: str, url: str, owner: str) -> str:
    """One wish for one thing: asking again is the same wish."""
    return hashlib.sha256("\n".join((place, url, owner)).encode("utf-8", "surrogateescape")).hexdigest()[:24]


class Wishes:
    """All of them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: dict[str, Wanted] = {}

    async def start(self, now: datetime) -> None:
        """As the last process left them."""
        changed = []
        for wanted in await saved(self._state):
            state = after_restart(wanted.state)
            if state is not wanted.state:
                wanted = replace(wanted, state=state, receipt="")
                changed.append(wanted)
            self._all[wanted.id] = wanted
        await self._save(*changed)
        await self.expire(now)

    def get(self, wish: str) -> Wanted | None:
        return self._all.get(wish)

    def of(self, owner: str) -> tuple[Wanted, ...]:
        """One learner's, the latest first."""
        found = [wanted for wanted in self._all.values() if wanted.owner == owner]
        return tuple(sorted(found, key=lambda one: one.since, reverse=True))

    def at(self, place: str) -> tuple[Wanted, ...]:
        """All of a place."""
        return tuple(wanted for wanted in self._all.values() if wanted.place == place)

    async def add(self, wanted: Wanted, *, max_open: int) -> Wanted | None:
        """A new wish, or the open one for the same; one that is over begins anew. None: too many are open.

        max_open  of those with the same reason
        """
        known = self._all.get(wanted.id)
        if known is not None and known.is_open:
            if wanted.urgent_at is not None and wanted.urgent_at != known.urgent_at:
                known = self._all[known.id] = replace(known, urgent_at=wanted.urgent_at)
            return known
        alike = [one for one in self._all.values() if one.is_open and one.why is wanted.why]
        hers = [one for one in alike if one.owner == wanted.owner]
        if len(alike) >= max_open or (wanted.owner and len(hers) >= MAX_OF_ONE):
            return None
        wanted = replace(wanted, title=" ".join(wanted.title.split())[:_MAX_TITLE_CHARS])
        self._all[wanted.id] = wanted
        await self._save(wanted)
        return wanted

    async def move(self, wish: str, state: RequestState, now: datetime, **changes: Any) -> Wanted | None:
        """Another state, or the same with another reason. None: it is gone, or the table has no such move."""
        known = self._all.get(wish)
        if known is None or not may_move(known.state, state):
            return None
        changes = {"reason": "", **changes}
        moved = replace(known, state=state, changed=now, **changes)
        if moved.owner and not moved.is_open and moved.state is not RequestState.READY:
            moved = replace(moved, url="")
        self._all[wish] = moved
        await self._save(moved)
        return moved

    async def failed(self, wish: str, now: datetime, reason: str, *, retry_s: float | None = None) -> Wanted | None:
        """It couldn't be had this time: tried again later, and rarer each time, until it is given up."""
        known = self._all.get(wish)
        if known is None:
            return None
        tries = known.tries + 1
        again = again_at(tries, now)
        if again is None:
            return await self.move(wish, RequestState.FAILED, now, reason=reason, tries=MAX_TRIES)
        if retry_s is not None:
            again = max(again, now + timedelta(seconds=retry_s))
        return await self.move(wish, RequestState.WAITING, now, reason=reason, tries=tries, not_before=again)

    async def opened(self, wish: str, at: datetime) -> None:
        """Somebody has opened what is here; the first time is kept."""
        known = self._all.get(wish)
        if known is not None and known.state is RequestState.READY and known.opened is None:
            self._all[wish] = replace(known, opened=at)
            await self._save(self._all[wish])

    async def cancel(self, wish: str, owner: str, now: datetime) -> bool:
        """False: it is not hers, or no longer open."""
        known = self._all.get(wish)
        if known is None or known.owner != owner or not known.is_open:
            return False
        return await self.move(wish, RequestState.CANCELLED, now) is not None

    async def expire(self, now: datetime) -> None:
        """Close what waited too long, forget what was answered long ago."""
        for wanted in tuple(self._all.values()):
            if wanted.is_open and now - wanted.since >= OPEN_LIFE:
                await self.move(wanted.id, RequestState.EXPIRED, now, reason=wanted.reason)
            elif not wanted.is_open and now - wanted.changed >= KEPT_LIFE:
                await self._drop(wanted.id)

    async def forget(self, owner: str) -> int:
        """All wishes of one learner; how many they were."""
        hers = [wanted.id for wanted in self._all.values() if wanted.owner == owner]
        for wish in hers:
            await self._drop(wish)
        return len(hers)

    def told(self, owner: str) -> Mapping[str, Any]:
        """What is kept of one learner, with plain field names."""
        rows = [
            _facts(wanted) | {"state": wanted.state, "since": wanted.since.isoformat()} for wanted in self.of(owner)
        ]
        return {"wishes": rows} if rows else {}

    async def _drop(self, wish: str) -> None:
        del self._all[wish]
        await self._state.commit([DropJob(wish)])

    async def _save(self, *changed: Wanted) -> None:
        if changed:
            await self._state.commit([PutJob(_row(wanted)) for wanted in changed])


async def saved(state: State) -> tuple[Wanted, ...]:
    """All that is written down; a row that makes no sense is left out."""
    found = []
    for row in await state.list(JobQuery(kind=KIND)):
        try:
            found.append(_wanted(row))
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("a stored wish is left out: %r", error)
    return tuple(found)


_INSTANTS = ("changed", "not_before", "urgent_at", "modified", "opened")
_IN_ROW = ("id", "state", "owner", "since")


def _facts(wanted: Wanted) -> dict[str, Any]:
    told = {name: value for name, value in asdict(wanted).items() if name not in _IN_ROW}
    for name in _INSTANTS:
        told[name] = told[name].isoformat() if told[name] is not None else None
    return {**told, "why": int(wanted.why)}


def _row(wanted: Wanted) -> JobRow:
    life = OPEN_LIFE + KEPT_LIFE if wanted.is_open else KEPT_LIFE
    return JobRow(
        id=wanted.id,
        kind=KIND,
        state=wanted.state,
        owner=wanted.owner,
        region=wanted.region,
        since=wanted.since,
        until=wanted.changed + life,
        facts=_facts(wanted),
    )


def _wanted(row: JobRow) -> Wanted:
    facts = dict(row.facts)
    for name in _INSTANTS:
        told = facts.get(name)  # a row of an older version lacks the last two
        facts[name] = datetime.fromisoformat(told) if told is not None else None
    facts["why"] = Why(facts["why"])
    return Wanted(id=row.id, state=RequestState(row.state), owner=row.owner, since=row.since, **facts)


def kind_of(wanted: Wanted) -> MediaKind | None:
    """What it is by what is told of it; None: that isn't known."""
    if "/playback/presentation/" in wanted.url:
        return MediaKind.VIDEO
    if wanted.content_type:
        family = wanted.content_type.partition("/")[0]
        return {"video": MediaKind.VIDEO, "audio": MediaKind.AUDIO, "image": MediaKind.IMAGE}.get(family)
    return kind_of_path(wanted.url.partition("?")[0])
