"""What the media desk is asked and what it answers: plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from policies.frozen import Frozen
from proxy.media.refs import Fetch, SourceRef
from proxy.media.store_values import media_key, segment_key
from proxy.transforms.media.growing import SourceFeed
from proxy.transforms.media.spec import CappedSpec, HlsSpec, MediaOutcome, MediaSpec, Recipe, fingerprint
from scheduler.requests import OPEN as REQUEST_OPEN
from scheduler.requests import RequestState


class Runner(Protocol):
    """Runs recipes, each in a folder of its own, with all the processes they need.

    progress gets 0..1, rising; both callbacks are called on the event loop. A tool's failure is a Refused. Cancelling
    stops everything that was started.
    """

    async def run(
        self,
        recipe: Recipe,
        source: Path,
        spec: MediaSpec,
        folder: Path,
        progress: Callable[[float], None],
        on_output: Callable[[bytes], None] | None,
    ) -> MediaOutcome:
        """Make it from a whole source. on_output gets what can be played while the rest is made."""
        ...

    async def run_growing(
        self,
        feed: SourceFeed,
        spec: CappedSpec,
        folder: Path,
        progress: Callable[[float], None],
        on_output: Callable[[bytes], None],
    ) -> MediaOutcome:
        """Make a capped film of a source that is still arriving."""
        ...

    async def segment(self, source: Path, spec: HlsSpec, number: int, folder: Path) -> MediaOutcome:
        """Make one segment, counted from 0; its one file is the main one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted, of what source.

    version   the recipe's
    segment   one segment of it, counted from 0; None: the whole
    title     how the learner calls the file; shown on her receipt
    media_s   how long it lasts, if that is known
    fetch     how the asking learner's own request gets the source; None: only what is on disk
    """

    source: SourceRef
    recipe: Recipe
    version: int
    spec: MediaSpec
    region: str
    segment: int | None = None
    title: str = ""
    media_s: float | None = None
    fetch: Fetch | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The name of what is wanted, before its content is known; bound to its source."""
        piece = "" if self.segment is None else str(self.segment)
        told = f"order\n{self.source.key}\n{fingerprint(self.recipe, self.version, self.spec)}\n{piece}"
        return hashlib.sha256(told.encode()).hexdigest()

    def content_key(self, source_sha256: str) -> str:
        """The key of what is wanted, once the content is known."""
        key = media_key(source_sha256, fingerprint(self.recipe, self.version, self.spec))
        return key if self.segment is None else segment_key(key, self.segment)


class Watcher(Frozen, frozen=True, kw_only=True):
    """Who waits. id: one page or player of hers; stays: how long she is thought to wait (None: until `leave`)."""

    learner: str
    id: str
    stays: timedelta | None = None

    @property
    def name(self) -> str:
        return f"{self.learner}/{self.id}"


class State(StrEnum):
    QUEUED = "queued"
    FETCHING = "fetching"
    WAITING = "waiting"  # for an encoder
    MAKING = "making"
    READY = "ready"
    UNCHANGED = "unchanged"  # the source is as good as it gets
    REFUSED = "refused"  # it can't be made; `why` says whether that may pass
    FULL = "full"  # too much is being made; ask again later
    CANCELLED = "cancelled"  # everybody had left


OPEN = frozenset((State.QUEUED, State.FETCHING, State.WAITING, State.MAKING))


class JobView(Frozen, frozen=True, kw_only=True):
    """How far something is.

    progress      of the making, 0..1
    fetched       of the source, 0..1; None: unknown
    ready_in_s    None: nothing alike was measured yet
    position      how many are begun before it
    length_bytes  of what is ready
    growing       what is made so far can be had from `Desk.growing`
    """

    state: State
    progress: float = 0.0
    fetched: float | None = None
    ready_in_s: float | None = None
    position: int | None = None
    why: str = ""
    length_bytes: int | None = None
    growing: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Ticket(Frozen, frozen=True, kw_only=True):
    """key: the order's name, good for every question to the desk, also after a restart."""

    key: str
    view: JobView


DeferredState = RequestState  # QUEUED: its time hasn't come, or too much is being made
DEFERRED_OPEN = REQUEST_OPEN


class DeferredView(Frozen, frozen=True, kw_only=True):
    """A deferred request as its receipt tells it.

    key      the order's name, for `Desk.ready`
    when     not before; None: as soon as it is its turn
    changed  when it came into this state
    why      "needs-visit": the origin wants the learner herself; else as JobView.why
    """

    id: str
    key: str
    title: str
    recipe: Recipe
    state: DeferredState
    since: datetime
    changed: datetime
    when: datetime | None = None
    why: str = ""
    progress: float = 0.0


class DeskStats(Frozen, frozen=True, kw_only=True):
    """How busy the desk is, and what it did since its start."""

    running: int = 0
    queued: int = 0
    fetching: int = 0
    deferred: int = 0
    made: int = 0
    unchanged: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    turned_away: int = 0
    source_bytes: int = 0
    stored_bytes: int = 0
