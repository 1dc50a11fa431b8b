"""What is wrong with a configuration, said so that whoever wrote it can mend it.

Laws of this file: a fault names its place, what is wrong and the cure; faults are collected and shown together, never
one at a time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from policies.faults_ru import in_russian
from policies.frozen import Frozen


class Fault(Frozen, frozen=True, kw_only=True):
    """One mistake. line and column count from 1; 0 where the file as a whole is meant. cure "" where none is known."""

    file: str
    line: int
    column: int
    key: str
    problem: str
    cure: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        cure = f"; {self.cure}" if self.cure else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.problem}{cure}"

    def told(self, language: str) -> str:
        """The line in Russian ("ru") or in English."""
        if language != "ru":
            return str(self)
        return str(replace(self, problem=in_russian(self.problem), cure=in_russian(self.cure)))


class PolicyFaults(Exception):
    """Everything that keeps a configuration from being used, in the order of files and lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class Wrong(ValueError):
    """A value that can't be read: what is wrong with it and how to write it. Its place is known further out."""

    def __init__(self, problem: str, cure: str = "") -> None:
        self.problem = problem
        self.cure = cure
        super().__init__(f"{problem}; {cure}" if cure else problem)


class FaultList:
    """Collects faults and warnings while a configuration is read; a fault found twice is kept once."""

    def __init__(self) -> None:
        self._faults: dict[Fault, None] = {}
        self._warnings: dict[Fault, None] = {}

    def add(self, fault: Fault) -> None:
        self._faults[fault] = None

    def warn(self, fault: Fault) -> None:
        self._warnings[fault] = None

    def __bool__(self) -> bool:
        return bool(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    @property
    def faults(self) -> tuple[Fault, ...]:
        return _in_reading_order(self._faults)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        return _in_reading_order(self._warnings)


def _in_reading_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    found = list(faults)
    files = {fault.file: index for index, fault in reversed(list(enumerate(found)))}
    return tuple(sorted(found, key=lambda fault: (files[fault.file], fault.line, fault.column)))


# Letters that look alike in both alphabets: who types with the wrong keyboard can't see what is wrong.
_LOOK_ALIKE = str.maketrans("АВЕКМНОРСТУХасеорхуікѕ", "ABEKMHOPCTYXaceopxyiks")


def did_you_mean(wrong: str, known: Iterable[str], *, wish: str = "one of") -> str:
    """A cure for a misspelt name: the nearest known one, or the list of them if it is short. "" if nothing is known."""
    if "\xa0" in wrong:
        return "write plain spaces for the no-break ones in it"
    names = sorted(set(known))
    near = nearest(wrong, names)
    if near is not None:
        return f"{unseen_slip(wrong)}did you mean {near}?"
    if not names:
        return ""
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"{unseen_slip(wrong)}write {wish} {shown}"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name most like the wrong one, upper and lower case alike; None if none is near."""
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(wrong.translate(_LOOK_ALIKE).casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def unseen_slip(text: str) -> str:
    """What the eye doesn't see in a word, as the beginning of a cure: Russian letters in a Latin one; "" for none."""
    if not any("a" <= letter <= "z" for letter in text.casefold()):
        return ""
    found = [letter for letter in dict.fromkeys(text) if letter != letter.translate(_LOOK_ALIKE)]
    if not found:
        return ""
    which = f"letters {', '.join(found)} in it are" if found[1:] else f"letter {found[0]} in it is"
    return f"the {which} Russian: "


def name_cure(text: str) -> str:
    """How to mend what can't be a name."""
    return f"{unseen_slip(text)}write Latin letters, digits, - and _; a title may be Russian"
