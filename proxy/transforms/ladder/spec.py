"""What the capping of a ladder is told, and what it answers: plain values.

Laws of this package: a manifest is text in, text out: no socket, policy or clock; renditions are only ever taken away,
never added, moved or changed; what is not understood stays as it is; capping a capped manifest changes nothing.
"""

from __future__ import annotations

from enum import StrEnum

from policies.frozen import Frozen
from proxy.exchange import Refused, Unchanged

LADDER_VERSION = 2


class LadderSpec(Frozen, frozen=True, kw_only=True):
    """Which rungs may stay. None: no limit.

    nothing_fits_lowest  where no rung fits the lowest one stays; False: the answer is `NothingFits`
    language             the sound to prefer with sound_only, a primary subtag ("ru"); "": the manifest's own choice
    """

    max_height_px: int | None = None
    max_bitrate_bps: int | None = None
    max_fps: int | None = None
    sound_only: bool = False
    nothing_fits_lowest: bool = True
    language: str = ""

    @property
    def limits_nothing(self) -> bool:
        limits = (self.max_height_px, self.max_bitrate_bps, self.max_fps)
        return not self.sound_only and all(limit is None for limit in limits)

    def fingerprint(self) -> str:
        """Equal specs, and only they, have equal fingerprints."""
        fits = "lowest" if self.nothing_fits_lowest else "nothing"
        form = f"sound:{self.language}" if self.sound_only else "picture"
        limits = f"h{self.max_height_px or 0}-b{self.max_bitrate_bps or 0}-f{self.max_fps or 0}"
        return f"{limits}-{form}-{fits}-v{LADDER_VERSION}"


class Part(StrEnum):
    """What a rendition carries."""

    PICTURE = "picture"  # with or without its sound
    SOUND = "sound"
    TEXT = "text"
    STILLS = "stills"  # for seeking: I-frame lists, trick-mode sets, thumbnails


class Rendition(Frozen, frozen=True, kw_only=True):
    """One rung, or one alternative of a rung.

    addresses    as the manifest gives them, relative to it, variables filled in; of DASH also with `$Number$` and
                 `$Time$` still in them
    height_px, bitrate_bps  as judged; None: not told
    """

    addresses: tuple[str, ...]
    part: Part = Part.PICTURE
    height_px: int | None = None
    bitrate_bps: int | None = None
    language: str = ""


class Capped(Frozen, frozen=True, kw_only=True):
    """The manifest with what may stay. locations: where a live one will be asked for again, if it says so."""

    body: bytes
    kept: tuple[Rendition, ...]
    removed: tuple[Rendition, ...]
    locations: tuple[str, ...] = ()


class NothingFits(Frozen, frozen=True, kw_only=True):
    """No rung is within the limits (with sound_only: there is no sound by itself). lowest: the rung that asks least."""

    lowest: Rendition


LadderOutcome = Capped | Unchanged | NothingFits | Refused
