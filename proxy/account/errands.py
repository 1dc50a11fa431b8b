"""What commands ask of the running process, and its answers: marks in State, since both read the same file.

Laws of this file: an errand is done within seconds while a process runs, else at its next start before anybody is
served; one that must not be done twice is dropped before it is done, any other after; an answer lives minutes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from policies.frozen import Frozen
from proxy.account.state import Change, DropMarks, Mark, MarkQuery, PutMark, State
from proxy.clock import Clock

logger = logging.getLogger("tropa.account")

CORRECTION, EXPORT, ERASE = "correction", "learner-export", "learner-erase"
ANSWER = "answer"
EVERY = timedelta(seconds=1)
_ANSWER_LIFE = timedelta(minutes=5)
_LOOK_EVERY_S = 0.1


class Errand(Frozen, frozen=True, kw_only=True):
    """One kind of wish. do: (owner, facts, now) -> the answer. once: doing it twice would be wrong."""

    kind: str
    do: Callable[[str, Mapping[str, Any], datetime], Awaitable[Mapping[str, Any]]]
    once: bool = False


class Errands:
    """Done by the running process."""

    def __init__(self, state: State, clock: Clock, known: Sequence[Errand]) -> None:
        self._state = state
        self._clock = clock
        self._known = tuple(known)

    async def run(self) -> None:
        """Do what waits. One that fails is told of and not tried again."""
        now = self._clock.now()
        for errand in self._known:
            for mark in await self._state.list(MarkQuery(kind=errand.kind, now=now)):
                await self._done(errand, mark, now)

    async def _done(self, errand: Errand, mark: Mark, now: datetime) -> None:
        drop = DropMarks(kind=mark.kind, owner=mark.owner, key=mark.key)
        if errand.once:
            await self._state.commit([drop])
        try:
            answer = await errand.do(mark.owner, mark.facts, now)
        except Exception as error:  # a wish that can't be read must not keep the others waiting for ever
            logger.exception("a command's wish (%s) could not be done", mark.kind)
            answer = {"failed": repr(error)}
        told = Mark(kind=ANSWER, owner="", key=mark.key, until=now + _ANSWER_LIFE, facts=answer)
        changes: list[Change] = [PutMark(told)]
        await self._state.commit(changes if errand.once else [drop, *changes])


async def ask(
    state: State, kind: str, owner: str, facts: Mapping[str, Any], *, now: datetime, life: timedelta, patience_s: float
) -> Mapping[str, Any] | None:
    """Leave a wish and wait for the answer, which is forgotten as soon as it is read. None: nobody answers (yet).

    life  how long the wish may wait for a process that will do it
    """
    key = secrets.token_hex(8)
    await state.commit([PutMark(Mark(kind=kind, owner=owner, key=key, until=now + life, facts=facts))])
    for _ in range(round(patience_s / _LOOK_EVERY_S)):
        answer = await state.read(ANSWER, "", key, now=now)
        if answer is not None:
            await state.commit([DropMarks(kind=ANSWER, owner="", key=key)])
            return answer.facts
        await asyncio.sleep(_LOOK_EVERY_S)
    return None


async def withdraw(state: State, kind: str, owner: str) -> None:
    """Nobody needs to do it any more."""
    await state.commit([DropMarks(kind=kind, owner=owner)])
