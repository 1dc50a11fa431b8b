"""One thing that the doctor looked at, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from policies.frozen import Frozen
from policies.model import Catalogue
from policies.values import Text
from proxy.clock import Clock


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works, but not as well or as safely as it should
    FAIL = "fail"  # learners will notice


class Finding(Frozen, frozen=True, kw_only=True):
    """about: what was looked at, one word; cure: what to do, empty where all is well."""

    level: Level
    about: str
    what: Text
    cure: Text = Text()


class Subject(Frozen, frozen=True, kw_only=True):
    """What is examined. deadline_s: how long to wait for an answer of the network."""

    regions_file: Path
    state_dir: Path
    catalogue: Catalogue
    clock: Clock
    deadline_s: float = 10.0


def fine(about: str, ru: str, en: str) -> Finding:
    return Finding(level=Level.OK, about=about, what=Text(ru=ru, en=en))


def doubtful(about: str, what: tuple[str, str], cure: tuple[str, str]) -> Finding:
    """what and cure as (Russian, English)."""
    return Finding(level=Level.WARN, about=about, what=Text(ru=what[0], en=what[1]), cure=Text(ru=cure[0], en=cure[1]))


def broken(about: str, what: tuple[str, str], cure: tuple[str, str]) -> Finding:
    """what and cure as (Russian, English)."""
    return Finding(level=Level.FAIL, about=about, what=Text(ru=what[0], en=what[1]), cure=Text(ru=cure[0], en=cure[1]))
