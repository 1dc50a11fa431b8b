"""Whether a rung is within the limits, by what a manifest tells of it.

Laws: pure; a rung that tells nothing of itself fits no limit, and is wanted last.
"""

from __future__ import annotations

from proxy.transforms.ladder.spec import LadderSpec

MAX_MANIFEST_BYTES = 8 * 1024**2  # a day's live timeline with its every second spelled out is about 4 MB
MAX_RENDITIONS = 2000

SOUND_BPS = 64_000
# 0.1 bit a pixel at 25 frames a second and 16:9, which is a well-filled H.264 rung: 240 lines 0.32, 720 2.4 Mbit/s.
_BPS_PER_SQUARE_LINE = 4.5
_FPS_SLACK = 0.5  # 15.2 pictures a second are 15
_SOUND_CODECS = ("mp4a", "opus", "vorbis", "ac-3", "ec-3", "ac-4", "flac", "alac", "mp3", "dts", "samr", "mha1", "mhm1")
_TEXT_CODECS = ("stpp", "wvtt", "tx3g", "c608", "c708")
_FAMILIES = {
    "avc": "avc",
    "hvc": "hevc",
    "hev": "hevc",
    "dvh": "hevc",
    "dva": "avc",
    "av01": "av1",
    "vp09": "vp9",
    "vp9": "vp9",
    "vp8": "vp8",
    "vvc": "vvc",
    "vvi": "vvc",
}
PLAYED_BY_ALL = ("avc", "")  # what every phone and browser decodes; codecs that aren't told are mostly this


def rate_bps(peak_bps: int | None, average_bps: int | None) -> int | None:
    """The bit rate that a rung is judged by: its average, and at least half its peak.

    A learner pays for the average; yet an average that is told may be a wish, and a rung whose peaks are above twice
    its average is none by the HLS authoring rules (peak at most 200 % of the average).
    """
    if peak_bps is None or not average_bps:
        return peak_bps or average_bps or None
    return max(average_bps, peak_bps // 2)


def usual_bps(height_px: int) -> int:
    """What a rung of this height usually takes with its sound: the judge of rungs that don't tell their height."""
    return SOUND_BPS + round(_BPS_PER_SQUARE_LINE * height_px * height_px)


def fits(spec: LadderSpec, *, height_px: int | None, bitrate_bps: int | None, fps: float | None = None) -> bool:
    """Whether every limit holds. A rung that tells neither height nor bit rate fits no limit of these."""
    limit_bps = spec.max_bitrate_bps
    if spec.max_fps is not None and fps is not None and fps > spec.max_fps + _FPS_SLACK:
        return False
    if spec.max_height_px is not None:
        if height_px is None:
            usual = usual_bps(spec.max_height_px)
            limit_bps = usual if limit_bps is None else min(limit_bps, usual)
        elif height_px > spec.max_height_px:
            return False
    if limit_bps is None:
        return True
    if bitrate_bps is None:
        # With a height that fits, the usual rate of that height is the best guess.
        return height_px is not None and usual_bps(height_px) <= limit_bps
    return bitrate_bps <= limit_bps


def demand(height_px: int | None, bitrate_bps: int | None) -> tuple[float, float]:
    """Orders rungs by what they ask of a link; unknown ones last."""
    unknown = float("inf")
    by_rate = bitrate_bps if bitrate_bps is not None else usual_bps(height_px) if height_px is not None else unknown
    return by_rate, height_px if height_px is not None else unknown


def picture_family(codecs: str) -> str:
    """ "avc", "hevc" …: what a device must decode; "" where the codecs aren't told."""
    for codec in _split(codecs):
        for start, family in _FAMILIES.items():
            if codec.startswith(start):
                return family
    return ""


def is_sound_alone(codecs: str) -> bool:
    """Whether every codec is one of sound or text, and one is of sound. Unknown codecs may be pictures."""
    names = _split(codecs)
    return any(name.startswith(_SOUND_CODECS) for name in names) and all(
        name.startswith((*_SOUND_CODECS, *_TEXT_CODECS)) for name in names
    )


def sound_codecs(codecs: str) -> str:
    """Those codecs of a list that are of sound, as they were written."""
    return ",".join(name.strip() for name in codecs.split(",") if name.strip().lower().startswith(_SOUND_CODECS))


def _split(codecs: str) -> list[str]:
    return [name.strip().lower() for name in codecs.split(",") if name.strip()]
