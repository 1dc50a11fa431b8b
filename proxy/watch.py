"""The watch over every way to an origin: what exchanges meet, probes while it is bad, and who is told of a change.

Laws of this file: while all is up, an exchange costs one look at an empty dictionary; while a way is down, requests
don't wait for a time-out; probes are a HEAD of a cheap address, one at a time, bounded, ever more seldom; only listed
origins are watched, so the number of ways is bounded by policy.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from policies.frozen import Frozen
from policies.model import Origin, Outage
from proxy.account.metrics import Metrics
from proxy.clock import Clock
from proxy.errors import ExchangeError, Fault
from proxy.link_state import Link, LinkState, Sign, after, probed_in_vain
from proxy.tasks import TaskKeeper
from proxy.upstream.address import Target

logger = logging.getLogger("tropa.links")

STATE_FILE = "links.json"
MOST_WAYS = 1024  # an origin of many hosts (*.example.org) has as many ways
_UNMET = frozenset({"upstream-unreachable", "upstream-timeout", "upstream-name"})
NO_LINK = frozenset({"link-down", "upstream-truncated", *_UNMET})
"""The codes of errors that a cut or bad link may be the cause of."""


class Way(Frozen, frozen=True, kw_only=True):
    """One way that is not up: whose it is, since when, and how it stands."""

    origin: Origin
    since: datetime
    state: LinkState


# Asks one cheap thing of an origin; raises ExchangeError or TimeoutError where nothing comes within deadline_s.
Probe = Callable[[Origin, Target, float], Awaitable[None]]


def link_down(target: Target, retry_after_s: int) -> ExchangeError:
    """The way is known to be down: nobody waits for a time-out."""
    return ExchangeError("link-down", 503, Fault.LINK, f"{target.authority}: no link", retry_after_s=retry_after_s)


class LinkWatch:
    """One per process. `terms`: the settings in force; `folder`: where IT staff's commands read how the links stand."""

    def __init__(
        self, *, clock: Clock, terms: Callable[[], Outage], keeper: TaskKeeper, folder: Path, metrics: Metrics
    ) -> None:
        self._clock = clock
        self._terms = terms
        self._keeper = keeper
        self._folder = folder
        self._metrics = metrics
        self._random = random.SystemRandom()
        self._probe: Probe | None = None
        self._told: list[Callable[[Origin], None]] = []
        self._hoping: dict[Target, set[asyncio.Future[None]]] = {}
        self.troubled: dict[Target, Way] = {}

    def start(self) -> None:
        """Say that all is up, as it is until somebody meets something else."""
        self._write()

    def probes_by(self, probe: Probe) -> None:
        """How a way is tried; without one it is tried by exchanges alone."""
        self._probe = probe

    def tell(self, is_back: Callable[[Origin], None]) -> None:
        """Call this whenever a way that was down is up again."""
        self._told.append(is_back)

    # -- what exchanges ask and say --------------------------------------------------------------------------

    def check(self, target: Target) -> None:
        """Raises ExchangeError (link-down) at once where the way is down."""
        way = self.troubled.get(target)
        if way is not None and way.state.link is Link.DOWN:
            left_s = max(0.0, way.state.probe_at_s - self._clock.steady_s())
            raise link_down(target, 5 + int(left_s))

    def link(self, target: Target) -> Link:
        way = self.troubled.get(target)
        return Link.UP if way is None else way.state.link

    def hope_ends(self, target: Target) -> asyncio.Future[None]:
        """Done once the way is down; cancel it when nobody waits any more."""
        hope: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.link(target) is Link.DOWN:
            hope.set_result(None)
        else:
            hoping = self._hoping.setdefault(target, set())
            hoping.add(hope)
            hope.add_done_callback(hoping.discard)
        return hope

    def way(self, target: Target) -> Way | None:
        """What is known of a way that is not up."""
        return self.troubled.get(target)

    def answered(self, target: Target) -> None:
        """A head came, in time as far as anybody waited for it."""
        if target in self.troubled:
            self._met(self.troubled[target].origin, target, Sign.ANSWERED)

    def failed(self, origin: Origin | None, target: Target, code: str, *, connected: bool) -> None:
        """An exchange ended in this error of ours before its head. connected: the origin had been reached for it."""
        if origin is not None and code in _UNMET:
            # One request that a server drops says little of the way to it; a probe tells.
            self._met(origin, target, Sign.BROKE if connected else Sign.UNREACHABLE)

    def broke(self, origin: Origin | None, target: Target) -> None:
        """A body stalled or broke off on its way."""
        if origin is not None:
            self._met(origin, target, Sign.BROKE)

    def overdue(self, origin: Origin, target: Target) -> None:
        """No head has come within the deadline."""
        self._met(origin, target, Sign.OVERDUE)

    # -- inside ----------------------------------------------------------------------------------------------

    def _met(self, origin: Origin, target: Target, sign: Sign, *, probed: bool = False) -> None:
        before = self.troubled.get(target)
        if before is None and len(self.troubled) >= MOST_WAYS:
            return
        state = after(before.state if before is not None else None, sign, self._clock.steady_s(), probed=probed)
        if state is None:
            self.troubled.pop(target, None)
        else:
            changed = before is None or before.state.link is not state.link
            since = self._clock.now() if changed or before is None else before.since
            self.troubled[target] = Way(origin=origin, since=since, state=state)
        self._note(origin, target, before, state)
        if before is None and state is not None and self._probe is not None:
            self._keeper.start(self._watch(origin, target), name=f"probe {target.authority}")

    def _note(self, origin: Origin, target: Target, before: Way | None, state: LinkState | None) -> None:
        was, now = (before.state.link if before else Link.UP), (state.link if state else Link.UP)
        if was is now:
            return
        say = logger.info if now is Link.UP else logger.warning
        why = f" ({state.why})" if state is not None else ""
        say("the link to %s (%s) is %s%s", origin.id, target.authority, now, why)
        self._metrics.event("link", now)
        if now is Link.DOWN:
            for hope in self._hoping.pop(target, ()):
                if not hope.done():
                    hope.set_result(None)
        self._write()
        if now is Link.UP and was is Link.DOWN:
            for is_back in self._told:
                is_back(origin)

    def _write(self) -> None:
        """For `tropa doctor`: small, whole or not at all; nothing depends on it."""
        told = [
            {
                "origin": way.origin.id,
                "target": f"{target.scheme}://{target.authority}",
                "link": way.state.link.value,
                "why": way.state.why.value,
                "since": way.since.isoformat(timespec="seconds"),
            }
            for target, way in self.troubled.items()
        ]
        draft = self._folder / f".{STATE_FILE}"
        try:
            draft.write_text(json.dumps(told), "utf-8")
            draft.replace(self._folder / STATE_FILE)
        except OSError as error:
            logger.info("%s isn't written: %s", STATE_FILE, error)

    async def _watch(self, origin: Origin, target: Target) -> None:
        """Try one way until it is up."""
        while (way := self.troubled.get(target)) is not None:
            await asyncio.sleep(max(0.0, way.state.probe_at_s - self._clock.steady_s()))
            if target not in self.troubled:
                return
            sign = await self._tried(origin, target)
            self._met(origin, target, sign, probed=True)
            way = self.troubled.get(target)
            if way is not None:
                jitter = self._random.random()
                later = probed_in_vain(way.state, self._clock.steady_s(), self._terms(), jitter=jitter)
                self.troubled[target] = Way(origin=origin, since=way.since, state=later)

    async def _tried(self, origin: Origin, target: Target) -> Sign:
        assert self._probe is not None, "started only with one"
        deadline_s = self._terms().deadline_s
        timer = asyncio.timeout(deadline_s)
        try:
            async with timer:
                await self._probe(origin, target, deadline_s)
        except ExchangeError as error:
            return Sign.UNREACHABLE if error.code in _UNMET else Sign.ANSWERED  # it was there to say whatever it says
        except TimeoutError:
            return Sign.OVERDUE
        return Sign.ANSWERED
