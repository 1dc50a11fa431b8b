"""Support codes: what a teacher reads out on the phone so that IT staff see the whole decision.

Laws of this file: six signs of Crockford's base32 (no I, L, O, U), read back however they were heard; the same
refusal on the same day has the same code; nothing waits for the disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from policies.memory import remember
from proxy.account.secret import Keyed
from proxy.account.state import Change, Mark, PutMark, State

KEPT = timedelta(days=7)  # as long as the log
MAX_REMEMBERED = 20_000
MAX_A_DAY = 50_000  # new ones; each lies on the disk for a week, and a stranger can ask for what is refused without end
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = {"O": "0", "I": "1", "L": "1", "U": "V"}
_CYRILLIC = dict(zip("АВЕЗКМНОРСТУХ", "ABE3KMH0PCTYX", strict=True))  # typed on a Russian keyboard
_HEARD = str.maketrans(_LOOK_ALIKES | _CYRILLIC | dict.fromkeys(" -_.–—", ""))
_SHAPE = re.compile(f"[{_ALPHABET}]{{6}}")


def normalise(heard: str) -> str | None:
    """`k7q 4m2` and `K7Q4M2` → `K7Q-4M2`; look-alikes and Cyrillic twins are understood; None: can't be a code."""
    signs = heard.strip().upper().translate(_HEARD)
    return f"{signs[:3]}-{signs[3:]}" if _SHAPE.fullmatch(signs) else None


class Codes:
    """Gives out codes and remembers what they stand for."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = Keyed(secret)
        self._given: dict[str, bytes] = {}  # code -> digest of what it is about
        self._pending: list[Change] = []
        self._day, self._of_day = date.min, 0

    def issue(self, about: str, facts: Mapping[str, Any], now: datetime) -> str:
        """A code for one refusal.

        about  tells refusals apart: learner, URL and the reasons' rules, in one string
        facts  plain JSON, shown by `tropa why`; no login and no token in clear

        After MAX_A_DAY of a day all others have one code together, which stands for nothing but the log's lines.
        """
        subject = self._keyed.digest("support-about", about, f"{now:%Y-%m-%d}", size_bytes=16)
        code = self._code(subject)
        if self._given.get(code, subject) != subject:  # another refusal's: take the next
            code = self._code(subject + b"2")
        if self._given.get(code) == subject:
            return code
        if not self._has_room(now.date()):
            return self._code(self._keyed.digest("support-more", f"{now:%Y-%m-%d}", size_bytes=16))
        remember(self._given, code, subject, MAX_REMEMBERED)
        self._pending.append(PutMark(mark=Mark(kind="code", owner="", key=code, until=now + KEPT, facts=facts)))
        return code

    def _has_room(self, today: date) -> bool:
        if today != self._day:
            self._day, self._of_day = today, 0
        self._of_day += 1
        return self._of_day <= MAX_A_DAY

    def changes(self) -> list[Change]:
        """What is to be committed since the last call."""
        pending, self._pending = self._pending, []
        return pending

    def forget(self, codes: Iterable[str]) -> None:
        """These stand for nothing any more; the same refusal gets a code anew."""
        for code in codes:
            self._given.pop(code, None)

    @staticmethod
    def _code(subject: bytes) -> str:
        number = int.from_bytes(blake2b(subject, digest_size=8).digest(), "big")
        signs = "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(6))
        return f"{signs[:3]}-{signs[3:]}"


async def facts_of(state: State, heard: str, now: datetime) -> Mapping[str, Any] | None:
    """What a code stands for; None: not a code, unknown, or older than seven days."""
    code = normalise(heard)
    if code is None:
        return None
    mark = await state.read("code", "", code, now=now)
    return None if mark is None else mark.facts
