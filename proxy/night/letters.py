"""Letters about the free hours: to a learner who wants one when her things are ready, to IT staff in the morning.

Laws of this file: a learner gives her address herself, and it is kept until her letter has gone or has been given up,
fourteen days at most; a letter names no address of hers but the site's page of receipts; each goes once. Which nights
owe a report is computed from their hours (`scheduler.mornings`), never from having been seen; how far that is noted is
kept with what it found, in one commit.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from policies.frozen import Frozen
from policies.model import Catalogue, Mail, Territory
from proxy.account.state import Change, DropMarks, Mark, MarkQuery, PutMark, State
from proxy.clock import Clock
from proxy.media.desk import Desk
from proxy.night.hours import NightHours, place_of
from proxy.night.post import Letter, NotSent, send
from proxy.night.report import report
from proxy.night.wishes import Wishes
from proxy.pages.letters import ready_letter, report_letter
from scheduler.mornings import Noted, look
from scheduler.requests import OPEN, RequestState

logger = logging.getLogger("tropa.night")

_TO, _DUE, _NOTED = "letter-to", "letter-due", "letter-noted"
_LIFE = timedelta(days=14)
_DUE_LIFE = timedelta(days=3)
_NOTED_LIFE = timedelta(days=30)
_NOTED_ANEW = timedelta(days=1)  # written down this often where no night begins or ends
MAX_WAITING = 1000
_MAX_TRIES = 6
_AGAIN = timedelta(minutes=5)
EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}", re.ASCII)


class Waiting(Frozen, frozen=True, kw_only=True):
    """A learner who wants a letter. home: the site's own front, as https://lms.example.org."""

    learner: str
    to: str
    language: str
    home: str
    since: datetime
    tries: int = 0
    not_before: datetime | None = None


class Letters:
    """`tick` it now and then."""

    def __init__(
        self,
        state: State,
        wishes: Wishes,
        desk: Desk,
        hours: NightHours,
        clock: Clock,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._state = state
        self._wishes = wishes
        self._desk = desk
        self._hours = hours
        self._clock = clock
        self._catalogue = catalogue
        self._waiting: dict[str, Waiting] = {}
        self._due: dict[str, str] = {}  # place -> the night whose report is to be sent
        self._noted: dict[str, Noted] = {}  # place -> how far its nights are accounted for
        self._written: dict[str, Noted] = {}  # the same as the disk has it
        self._tries: dict[str, int] = {}

    @property
    def mail(self) -> Mail | None:
        """Who takes letters; None: none are sent, and none are offered."""
        return self._catalogue().settings.mail

    async def start(self, now: datetime) -> None:
        """What the last process left."""
        for mark in await self._state.list(MarkQuery(kind=_TO, now=now)):
            facts = mark.facts
            self._waiting[mark.owner] = Waiting(
                learner=mark.owner,
                to=str(facts.get("to", "")),
                language=str(facts.get("language", "ru")),
                home=str(facts.get("home", "")),
                since=datetime.fromisoformat(facts["since"]),
            )
        for mark in await self._state.list(MarkQuery(kind=_DUE, now=now)):
            self._due[mark.owner] = mark.key
        for mark in await self._state.list(MarkQuery(kind=_NOTED, now=now)):
            at = datetime.fromisoformat(mark.facts["at"])
            self._noted[mark.owner] = self._written[mark.owner] = Noted(at=at, open=str(mark.facts.get("open", "")))

    def is_waiting(self, learner: str) -> bool:
        return learner in self._waiting

    async def leave(self, waiting: Waiting, now: datetime) -> bool:
        """Write to this address when her things are ready, once; False: it is no address, or too many wait."""
        full = len(self._waiting) >= MAX_WAITING and waiting.learner not in self._waiting
        if self.mail is None or full or not EMAIL.fullmatch(waiting.to):
            return False
        self._waiting[waiting.learner] = waiting
        facts = {
            "to": waiting.to,
            "language": waiting.language,
            "home": waiting.home,
            "since": waiting.since.isoformat(),
        }
        mark = Mark(kind=_TO, owner=waiting.learner, key="", until=now + _LIFE, facts=facts)
        await self._state.commit([PutMark(mark)])
        return True

    async def forget(self, learner: str) -> int:
        """Her address goes; how many were kept."""
        await self._state.commit([DropMarks(kind=_TO, owner=learner)])
        return self._waiting.pop(learner, None) is not None

    async def tick(self) -> None:
        """Send what has become due."""
        now, mail = self._clock.now(), self.mail
        await self._note_nights(now)
        if mail is None:
            return
        for waiting in tuple(self._waiting.values()):
            if now - waiting.since >= _LIFE:
                await self.forget(waiting.learner)
            elif self._is_ready(waiting) and (waiting.not_before is None or waiting.not_before <= now):
                await self._tell(waiting, mail, now)
        for territory in self._hours.places():
            if place_of(territory) in self._due:
                await self._report(territory, mail, now)

    # -- a learner's -------------------------------------------------------------------------------------------

    def _is_ready(self, waiting: Waiting) -> bool:
        """Something of hers is here since she asked, and nothing more is just coming."""
        states = self._states(waiting.learner, waiting.since)
        return RequestState.READY in states and not states & (OPEN - {RequestState.WAITING, RequestState.QUEUED})

    def _states(self, learner: str, since: datetime) -> set[RequestState]:
        told = [(one.state, one.changed) for one in self._wishes.of(learner)]
        told += [(view.state, view.changed) for view in self._desk.deferred(learner)]
        return {state for state, changed in told if changed >= since or state in OPEN}

    async def _tell(self, waiting: Waiting, mail: Mail, now: datetime) -> None:
        subject, text = ready_letter(waiting.language, f"{waiting.home}/.tropa/deferred")
        letter = Letter(to=waiting.to, subject=subject, text=text)
        try:
            await send(letter, mail)
        except NotSent as failed:
            logger.warning("a letter to a learner was not sent: %s", failed)
            again = replace(waiting, tries=waiting.tries + 1, not_before=now + _AGAIN * 2**waiting.tries)
            if failed.lasting or again.tries >= _MAX_TRIES:
                await self.forget(waiting.learner)
            elif self._waiting.get(waiting.learner) is waiting:
                self._waiting[waiting.learner] = again
            return
        if self._waiting.get(waiting.learner) is waiting:  # else she asked anew meanwhile
            await self.forget(waiting.learner)

    # -- the morning's -----------------------------------------------------------------------------------------

    async def _note_nights(self, now: datetime) -> None:
        """Each night that is over owes its report, also to the next process."""
        for territory in self._hours.places():
            if not territory.night.report_to:
                continue
            place, tariff = place_of(territory), territory.tariff
            current = self._hours.night(territory, now)
            found = look(self._noted.get(place), tariff.free, tariff.zone, current, now)
            self._noted[place] = found.noted
            if found.owes:
                self._due[place] = found.owes
                self._tries.pop(place, None)
            if found.owes or self._is_news(place, found.noted):
                await self._write(place, found.noted, found.owes, now)

    def _is_news(self, place: str, noted: Noted) -> bool:
        """Whether the next process would find something else by what the disk has."""
        written = self._written.get(place)
        return written is None or written.open != noted.open or not written.at <= noted.at < written.at + _NOTED_ANEW

    async def _write(self, place: str, noted: Noted, owes: str, now: datetime) -> None:
        facts = {"at": noted.at.isoformat(), "open": noted.open}
        changes: list[Change] = [PutMark(Mark(kind=_NOTED, owner=place, key="", until=now + _NOTED_LIFE, facts=facts))]
        if owes:
            due = Mark(kind=_DUE, owner=place, key=owes, until=now + _DUE_LIFE)
            changes += [DropMarks(kind=_DUE, owner=place), PutMark(due)]
        await self._state.commit(changes)
        self._written[place] = noted

    async def _report(self, territory: Territory, mail: Mail, now: datetime) -> None:
        place = place_of(territory)
        found = await report(self._state, territory, self._catalogue().settings, now)
        subject, text = report_letter(found, territory.language)
        failed = 0
        for address in territory.night.report_to:
            try:
                await send(Letter(to=address, subject=subject, text=text), mail)
            except NotSent as error:
                failed += 1
                logger.warning("%s: the morning's report was not sent: %s", place, error)
        self._tries[place] = self._tries.get(place, 0) + 1
        if failed < len(territory.night.report_to) or self._tries[place] >= _MAX_TRIES:
            self._due.pop(place, None)
            self._tries.pop(place, None)
            await self._state.commit([DropMarks(kind=_DUE, owner=place)])
