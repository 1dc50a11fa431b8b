"""Is it a lecture of slides at all? Judged by what the whole film did, never by one frame.

Laws of this file: pure; in doubt it is slides: sound with a few pictures too many serves a learner better than none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.frozen import Frozen
from proxy.transforms.media.lecture.values import Shot

_MAX_PER_MIN = 8.0  # people turn pages, they don't turn eight a minute throughout
_MIN_FOR_RATE = 12
_ALL_MOVING = 0.45  # of the picture, on average
_MUCH_MOVING = 0.1
_LARGE = 0.12  # of the picture: a slide's arrival changes that much
_WANDER_SHARE = 0.1
_LOST_SHARE = 0.3
_RARE_S = 600.0


class Why(StrEnum):
    """Why a film is not shown as slides."""

    FILMED = "filmed"
    TALKING_HEAD = "talking-head"
    TOO_MANY_CHANGES = "too-many-changes"
    NO_CHANGES = "no-changes"


@dataclass(slots=True)
class Course:
    """What the film did, summed over its frames."""

    frames: int = 0
    moving: float = 0.0  # sum of the shares of the picture that moved
    wandered: int = 0  # frames whose camera pointed elsewhere than the slide's first frames
    lost: int = 0  # frames that lay on nothing seen before, though the picture didn't come to rest
    unsettled: float = 0.0

    @property
    def moving_share(self) -> float:
        return self.moving / max(self.frames, 1)

    @property
    def unsettled_share(self) -> float:
        return self.unsettled / max(self.frames, 1)

    @property
    def wander_share(self) -> float:
        return self.wandered / max(self.frames, 1)

    @property
    def lost_share(self) -> float:
        return self.lost / max(self.frames, 1)


class Detected(Frozen, frozen=True, kw_only=True):
    """What was found. why None: slides; else why not. shaken_px: how far the camera moved, of a 256 wide picture."""

    why: Why | None
    shots: tuple[Shot, ...]
    duration_s: float
    course: Course
    shaken_px: float


def judge(course: Course, shots: list[Shot], duration_s: float, *, too_many: bool = False) -> Why | None:
    """None: it is slides; else why not."""
    if course.wander_share > _WANDER_SHARE or course.lost_share > _LOST_SHARE:
        return Why.FILMED
    per_min = len(shots) / max(duration_s / 60, 0.1)
    if too_many or (len(shots) >= _MIN_FOR_RATE and per_min > _MAX_PER_MIN):
        return Why.TOO_MANY_CHANGES
    large = [shot for shot in shots[1:] if shot.share >= _LARGE]
    few = len(large) < max(1.0, duration_s / _RARE_S)
    if few and course.moving_share > _MUCH_MOVING:
        return Why.TALKING_HEAD
    if course.moving_share > _ALL_MOVING and len(large) < len(shots) / 2:
        return Why.TALKING_HEAD
    if few and len(shots) - 1 < max(1.0, duration_s / _RARE_S):
        return Why.NO_CHANGES
    return None
