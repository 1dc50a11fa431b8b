"""What is fetched in the free hours: which night it is, in what order, how much, and until when.

Laws of this file:
- pure; the clock is an argument; "is it night?" is computed from the windows, never from a job having run;
- an order of fetching is a function of what is wished for and held, so any process may take it up where another ended;
- a night's limit and the window's end are never passed by more than one chunk, whatever the order or the speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from policies.frozen import Frozen
from policies.model import Windows
from policies.windows import current_opening, first_instant, next_opening, open_window

ASSUMED_BYTES = 1_000_000  # of what nobody has told the size; only the plan's look ahead uses it
_LONG = timedelta(hours=36)  # an opening longer than this has a budget for each of its days
_DAY = timedelta(days=1)
_RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))
MAX_TRIES = 12


# -- which night it is -------------------------------------------------------------------------------------------------


class NightSpan(Frozen, frozen=True, kw_only=True):
    """One night's work: half-open [opens, closes). key: its name in the accounts of what was spent."""

    opens: datetime
    closes: datetime

    @property
    def key(self) -> str:
        return self.opens.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def night_at(free: Windows, zone: ZoneInfo, now: datetime) -> NightSpan | None:
    """The night that `now` lies in; None: the free hours are closed.

    Where they are open for days, or always, each local day of the tariff's zone is a night of its own.
    """
    day = now.astimezone(zone).date()
    if free.always:
        return NightSpan(opens=_midnight(day, zone), closes=_midnight(day + _DAY, zone))
    span = current_opening(free, now)
    if span is None:
        return None
    if span[1] - span[0] <= _LONG:
        return NightSpan(opens=span[0], closes=span[1])
    return NightSpan(opens=max(span[0], _midnight(day, zone)), closes=min(span[1], _midnight(day + _DAY, zone)))


def next_night(free: Windows, now: datetime) -> datetime | None:
    """When the free hours begin next; None: they never close, or none are in sight."""
    return next_opening(free, now)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return first_instant(datetime.combine(day, time(0)), zone)


# -- how quick and how much --------------------------------------------------------------------------------------------


class NightLimits(Frozen, frozen=True, kw_only=True):
    """What a night may take. None: no limit, or not known.

    rate_bps  all that is fetched together, at most
    """

    rate_bps: float | None = None
    limit_bytes: int | None = None
    often_bytes: int = 0
    max_file_bytes: int = 1024**3


def rate_of(
    free: Windows, now: datetime, *, link_bps: int | None, share: float, measured_bps: float | None = None
) -> float | None:
    """Bits a second that may be filled now: the share of what the window, else the link, is said to carry.

    A link measured slower than it was sold is believed; measured faster, the contract is. None: nothing is known, and
    then nothing holds it back.
    """
    window = open_window(free.windows, now)
    said = link_bps if window is None or window.down_bps is None else window.down_bps
    if window is not None and window.rate_share is not None:
        share = min(share, window.rate_share)
    known = [value for value in (said, measured_bps) if value]
    return min(known) * share if known else None


# -- what is wished for ------------------------------------------------------------------------------------------------


class Why(IntEnum):
    """Why something is fetched; the lower comes first."""

    QUEUED = 0  # a learner asked for it
    FOLLOWED = 1  # the policy follows its course
    OFTEN = 2  # it is opened often here


class Later(StrEnum):
    """Why something isn't fetched this night."""

    TIME = "time"  # the night is too short for it now
    LIMIT = "limit"  # the night's megabytes are spent
    RETRY = "retry"  # it failed a moment ago
    TOO_LARGE = "too-large"


class Wish(Frozen, frozen=True, kw_only=True):
    """Something to be fetched.

    key         names it; two wishes of one key are one
    owner       whose wish it is, for turns between learners; "": nobody's in particular
    since       when it was asked for or found
    urgent_at   when it will be needed; None: not known
    size_bytes  None: not known
    held_bytes  of it are here already, and go on where they end
    tries       how often it failed; not_before: not tried again earlier
    """

    key: str
    why: Why
    since: datetime
    owner: str = ""
    urgent_at: datetime | None = None
    size_bytes: int | None = None
    held_bytes: int = 0
    tries: int = 0
    not_before: datetime | None = None

    @property
    def left_bytes(self) -> int:
        """What is still to come, a guess where the size isn't known."""
        whole = ASSUMED_BYTES if self.size_bytes is None else self.size_bytes
        return max(whole - self.held_bytes, 0)


def in_order(wishes: Iterable[Wish]) -> tuple[Wish, ...]:
    """Learners' own come first, in turns between them; then what is followed, soonest needed first; then the rest.

    What was begun goes on before what wasn't, within a learner's or a course's own.
    """
    unique: dict[str, Wish] = {}
    for wish in sorted(wishes, key=lambda one: (one.why, one.since, one.key)):
        unique.setdefault(wish.key, wish)
    turns: dict[tuple[Why, str], int] = {}
    ranked: list[tuple[Why, int, int, Wish]] = []
    for wish in sorted(unique.values(), key=_within_owner):
        turn = turns.get((wish.why, wish.owner), 0)
        turns[wish.why, wish.owner] = turn + 1
        ranked.append((wish.why, turn if wish.why is Why.QUEUED else 0, len(ranked), wish))
    return tuple(wish for *_, wish in sorted(ranked))


def _within_owner(wish: Wish) -> tuple[bool, float, bool, datetime, str]:
    urgent = wish.urgent_at.timestamp() if wish.urgent_at is not None else 0.0
    return wish.urgent_at is None, urgent, wish.held_bytes == 0, wish.since, wish.key


def again_at(tries: int, now: datetime) -> datetime | None:
    """When something that failed so often is tried again; None: no more."""
    return None if tries >= MAX_TRIES else now + _RETRIES[min(tries, len(_RETRIES)) - 1]


# -- the plan ----------------------------------------------------------------------------------------------------------


class Planned(Frozen, frozen=True, kw_only=True):
    """A wish with its place in the night.

    bytes         of it this night, by what is known of its size
    starts, ends  on a link as quick as it is known to be; None: not this night, or the speed isn't known
    later         why not, or not all of it, this night
    """

    wish: Wish
    bytes: int = 0
    starts: datetime | None = None
    ends: datetime | None = None
    later: Later | None = None

    @property
    def is_due(self) -> bool:
        """Whether any of it is fetched this night."""
        return self.bytes > 0 or self.later is None


def plan(
    wishes: Iterable[Wish],
    night: NightSpan,
    limits: NightLimits,
    now: datetime,
    *,
    spent_bytes: int = 0,
    spent_often_bytes: int = 0,
) -> tuple[Planned, ...]:
    """What this night brings, in order, one after the other. What doesn't fit is named with its reason.

    The first thing that doesn't fit is begun all the same, once all that does has its place: a file larger than a night
    comes in several.
    """
    room = _Room(limits, spent_bytes, spent_often_bytes, max(now, night.opens), night.closes)
    whole: list[Planned] = []
    cut: list[Wish] = []
    never: list[Planned] = []
    for wish in in_order(wishes):
        later = _never_now(wish, limits, now)
        if later is not None:
            never.append(Planned(wish=wish, later=later))
        elif room.holds(wish):
            whole.append(room.take(wish))
        else:
            cut.append(wish)
    return (*whole, *map(room.take, cut), *never)


def _never_now(wish: Wish, limits: NightLimits, now: datetime) -> Later | None:
    if wish.size_bytes is not None and wish.size_bytes > limits.max_file_bytes:
        return Later.TOO_LARGE
    return Later.RETRY if wish.not_before is not None and wish.not_before > now else None


class _Room:
    """What is left of a night while its plan is made."""

    def __init__(self, limits: NightLimits, spent: int, often: int, now: datetime, closes: datetime) -> None:
        self._left = None if limits.limit_bytes is None else max(limits.limit_bytes - spent, 0)
        self._often_left = max(limits.often_bytes - often, 0)
        self._rate_bps = limits.rate_bps
        self._at, self._closes = now, closes

    def _most(self, wish: Wish) -> tuple[int, Later | None]:
        """How many bytes of it may still come, and what would cut it short."""
        most, cut = wish.left_bytes, None
        if self._rate_bps:
            by_time = int(max((self._closes - self._at).total_seconds(), 0.0) * self._rate_bps / 8)
            most, cut = (by_time, Later.TIME) if by_time < most else (most, cut)
        if self._left is not None and self._left < most:
            most, cut = self._left, Later.LIMIT
        if wish.why is Why.OFTEN and self._often_left < most:
            most, cut = self._often_left, Later.LIMIT
        return most, cut

    def holds(self, wish: Wish) -> bool:
        return self._at < self._closes and self._most(wish)[1] is None

    def take(self, wish: Wish) -> Planned:
        most, cut = self._most(wish) if self._at < self._closes else (0, Later.TIME)
        if cut is not None and (most == 0 or wish.why is Why.OFTEN):
            return Planned(wish=wish, later=cut)
        starts = self._at
        if self._rate_bps:
            self._at = min(self._at + timedelta(seconds=most * 8 / self._rate_bps), self._closes)
        if self._left is not None:
            self._left -= most
        if wish.why is Why.OFTEN:
            self._often_left -= most
        timed = self._rate_bps is not None
        return Planned(
            wish=wish, bytes=most, starts=starts if timed else None, ends=self._at if timed else None, later=cut
        )


# -- while it runs -----------------------------------------------------------------------------------------------------


class Stop(StrEnum):
    """Why a fetch ends before its end."""

    CLOSED = "closed"  # the window is over
    LIMIT = "limit"


class Flow(Frozen, frozen=True, kw_only=True):
    """What the fetches of one night share: how much they have taken, and when the link is free for more.

    free_at  the instant at which all that was granted has passed a link of the given rate; None: nothing yet
    """

    night: NightSpan
    limit_bytes: int | None = None
    spent_bytes: int = 0
    free_at: datetime | None = None


def grant(flow: Flow, nbytes: int, now: datetime, rate_bps: float | None) -> tuple[Flow, float | Stop]:
    """May nbytes more be taken? The seconds to wait before them, or why not; the flow counts what is granted.

    Nothing is granted that would have to wait beyond the window's end. The last chunk may pass the limit by its length.
    """
    if not flow.night.opens <= now < flow.night.closes:
        return flow, Stop.CLOSED
    if flow.limit_bytes is not None and flow.spent_bytes >= flow.limit_bytes:
        return flow, Stop.LIMIT
    begins = now if flow.free_at is None else max(flow.free_at, now)
    if begins >= flow.night.closes:
        return flow, Stop.CLOSED
    takes = timedelta(seconds=nbytes * 8 / rate_bps) if rate_bps else timedelta(0)
    granted = replace(flow, spent_bytes=flow.spent_bytes + nbytes, free_at=begins + takes)
    return granted, (begins - now).total_seconds()


# -- the morning -------------------------------------------------------------------------------------------------------


class Tally(Frozen, frozen=True, kw_only=True):
    """How the wishes of a place stand: those here, and the rest by their reason."""

    here: int
    here_bytes: int
    missing: Mapping[str, int]


def tally(states: Sequence[tuple[str, int, str]]) -> Tally:
    """states: (state, bytes, reason) of each; what isn't "ready" is missing for its reason, else for its state."""
    here = [nbytes for state, nbytes, _ in states if state == "ready"]
    missing: dict[str, int] = {}
    for state, _, reason in states:
        if state != "ready":
            missing[reason or state] = missing.get(reason or state, 0) + 1
    return Tally(here=len(here), here_bytes=sum(here), missing=missing)
