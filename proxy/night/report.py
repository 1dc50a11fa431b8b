"""The morning's report: what is here now, what is still missing and why, for a place. Read from what is written down.

Laws of this file: nothing of one learner stands here but a count; a forum's attachments are counted and not named.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from policies.frozen import Frozen
from policies.model import Followed, Settings, Territory
from policies.night import Idle, idle_because
from policies.values import Text
from proxy.account.state import JobQuery, MarkQuery, State
from proxy.night.hours import SPENT, place_of
from proxy.night.looking import LOOKED
from proxy.night.used import Use, use_of
from proxy.night.wishes import Wanted, saved
from scheduler.night import next_night, night_at
from scheduler.requests import RequestState

_DESK = "deferred"  # learners' own requests for lighter versions


class Line(Frozen, frozen=True, kw_only=True):
    """One thing that the place follows. title "": it isn't named; opened: by anybody, since it came."""

    title: str
    what: str
    state: str
    reason: str = ""
    size_bytes: int | None = None
    held_bytes: int = 0
    opened: bool = False


class PlaceReport(Frozen, frozen=True, kw_only=True):
    """One place's morning.

    idle         why nothing is fetched here; None: it is of use
    open_until   of the free hours, None: they are closed; opens_at: when they begin next
    spent_bytes  of the last night that is known
    asked        learners' own requests by state, without saying whose or for what
    trouble      why the followed courses couldn't be looked at; ""
    lacks        web services that the institute's account may not call and should
    use          how much of what is here was opened
    """

    place: str
    title: Text
    idle: Idle | None
    open_until: datetime | None
    opens_at: datetime | None
    spent_bytes: int
    here: tuple[Line, ...]
    missing: tuple[Line, ...]
    asked: Mapping[str, int]
    trouble: str = ""
    lacks: tuple[str, ...] = ()
    use: Use = Use()

    @property
    def here_bytes(self) -> int:
        return sum(line.size_bytes or 0 for line in self.here)


async def report(state: State, territory: Territory, settings: Settings, now: datetime) -> PlaceReport:
    """How a place stands."""
    place = place_of(territory)
    wishes = [wanted for wanted in await saved(state) if wanted.place == place]
    lines = [(wanted.state, _line(wanted)) for wanted in wishes if not wanted.owner]
    night = night_at(territory.tariff.free, territory.tariff.zone, now)
    looked = await state.list(MarkQuery(kind=LOOKED, now=now, owner=place))
    return PlaceReport(
        place=place,
        title=territory.title,
        idle=idle_because(territory, settings),
        open_until=night.closes if night is not None else None,
        opens_at=next_night(territory.tariff.free, now),
        spent_bytes=await _spent(state, place, now),
        here=tuple(line for kept, line in lines if kept is RequestState.READY),
        missing=tuple(line for kept, line in lines if kept is not RequestState.READY),
        asked=await _asked(state, territory, wishes),
        trouble=next((str(mark.facts.get("why", "")) for mark in looked), ""),
        use=use_of(wishes),
        lacks=tuple(str(name) for mark in looked for name in mark.facts.get("lacks", ())),
    )


async def _spent(state: State, place: str, now: datetime) -> int:
    marks = await state.list(MarkQuery(kind=SPENT, now=now, owner=place))
    latest = max(marks, key=lambda mark: mark.key, default=None)
    return int(latest.facts.get("bytes", 0)) if latest is not None else 0


async def _asked(state: State, territory: Territory, wishes: list[Wanted]) -> Mapping[str, int]:
    states = [wanted.state.value for wanted in wishes if wanted.owner]
    own = f"night {place_of(territory)}"
    rows = await state.list(JobQuery(kind=_DESK))
    states += [row.state for row in rows if row.region == territory.region and row.owner != own]
    return {name: states.count(name) for name in RequestState if name in states}


def _line(wanted: Wanted) -> Line:
    return Line(
        title="" if wanted.what == Followed.FORUMS else wanted.title,
        what=wanted.what,
        state=wanted.state,
        reason=wanted.reason,
        size_bytes=wanted.size_bytes,
        held_bytes=wanted.held_bytes,
        opened=wanted.opened is not None,
    )
