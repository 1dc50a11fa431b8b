"""A rung that is made here: how large, how heavy and in what coding it is, told before a byte of it exists.

Laws: what a manifest is told of a made rung is what every segment of it keeps to, since size, level and the peak of
bits are settings of the encoder and not its findings; one set of settings makes the head and all segments.

Sources: ITU-T H.264 table A-1 (levels); RFC 6381 section 3.3 (`avc1.PPCCLL`).
"""

from __future__ import annotations

from policies.frozen import Frozen
from proxy.transforms.ladder.limits import SOUND_BPS
from proxy.transforms.media.spec import CappedSpec

# Level, and what it holds: macroblocks (16x16) a second and a frame.
_LEVELS = ((13, 11_880, 396), (21, 19_800, 792), (30, 40_500, 1_620), (31, 108_000, 3_600), (40, 245_760, 8_192))
_HIGHEST = 51
_MAIN_PROFILE = "avc1.4D40"
# A segment may spend the encoder's buffer (one second) beyond its rate: of a segment of two seconds that is a half.
_PEAK = 1.5
LEAST_PICTURE_BPS = 24_000
# Sound passes as it is, so that a rung with a rich one is heavier than its pictures let think. AAC for two ears is told
# as 128 kbit/s mostly; what a manifest says of the whole rung is a bound too.
_RICHEST_SOUND_BPS = 192_000
_CARRIED = 1.12  # heads and stuffing of MPEG-TS at these rates, measured at 100 kbit/s and 10 pictures a second
_MOST_PX, _WIDEST_TOLD = 16_384, 4
_WIDEST = 2.0  # of a picture whose width nobody told; sixteen to nine is 1.8


class RungSpec(Frozen, frozen=True, kw_only=True):
    """What every segment of a made rung is. size_px: None where the manifest tells no size, so that each segment's own
    proportions count."""

    capped: CappedSpec
    size_px: tuple[int, int] | None = None

    @property
    def level(self) -> int:
        """H.264's level times ten: the least that holds pictures of this height and rate."""
        width_px, height_px = self.size_px or (round(self.capped.max_height_px * _WIDEST), self.capped.max_height_px)
        blocks = -(-width_px // 16) * -(-height_px // 16)
        fitting = (name for name, a_second, a_frame in _LEVELS if blocks <= a_frame and blocks * self.fps <= a_second)
        return next(fitting, _HIGHEST)

    @property
    def fps(self) -> int:
        return self.capped.max_fps

    @property
    def codec(self) -> str:
        """The picture's coding, as manifests name it."""
        return f"{_MAIN_PROFILE}{self.level:02X}"

    @property
    def picture_peak_bps(self) -> int:
        """What the pictures take at most, over any one segment."""
        return round(self.capped.video_bitrate_bps * _PEAK)

    @property
    def average_bps(self) -> int:
        """With a sound of the usual rate; a sound that is richer leaves the pictures less."""
        return round(_CARRIED * (self.capped.video_bitrate_bps + self.capped.sound_bitrate_bps))

    def peak_bps(self, told_bps: int | None) -> int:
        """What no segment exceeds, its sound and its packets included (RFC 8216 section 4.3.4.2).

        told_bps: what the manifest says of the rung that it is made from, which is heavier; None: nothing.
        """
        usual_bps = self.picture_peak_bps + max(self.capped.sound_bitrate_bps, SOUND_BPS)
        richest_bps = LEAST_PICTURE_BPS * _PEAK + _RICHEST_SOUND_BPS
        return max(round(_CARRIED * usual_bps), min(told_bps or 0, round(_CARRIED * richest_bps)))


def rung_spec(capped: CappedSpec, told_px: tuple[int, int] | None) -> RungSpec:
    """told_px: (width, height) that the manifest gives of the rung that it is made from; believed if it can be true."""
    if told_px is None or max(told_px) > _MOST_PX or max(told_px) > _WIDEST_TOLD * min(told_px):
        return RungSpec(capped=capped)
    width_px, height_px = told_px
    scale = min(1.0, capped.max_height_px / min(told_px))
    return RungSpec(capped=capped, size_px=(_even(width_px * scale), _even(height_px * scale)))


def _even(side_px: float) -> int:
    return max(16, round(side_px / 2) * 2)


class NotMade(Frozen, frozen=True, kw_only=True):
    """The rung goes as it is, or a card. why: "encrypted", "live", "elsewhere", "no-head", "container" …"""

    why: str


class Place(Frozen, frozen=True, kw_only=True):
    """Where a head stands: an address, or bytes first to last (inclusive) of it. last None: the whole file."""

    url: str
    first: int = 0
    last: int | None = None

    @property
    def whole(self) -> bool:
        return self.last is None
